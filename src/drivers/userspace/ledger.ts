/** Counts what happened at each endpoint of each ServicePort, for as long as somebody can ask about it. */
import {
  endpointKey,
  type ConnectLatency,
  type Endpoint,
  type EndpointCounters,
  type EndpointPlace,
  type Observation,
  type Plan,
  type VirtualServer,
} from '../../model/index.ts';
import { LatencyCount } from './latency-count.ts';

const untouched: EndpointCounters = {
  connections: 0,
  open: 0,
  failures: 0,
  bytesIn: 0,
  bytesOut: 0,
};

/** What an account counts the bytes of while it is open: the relay of a connection, or a UDP flow. */
export interface Carried {
  readonly bytesFromClient: number;
  readonly bytesFromBackend: number;
}

/** The account of one endpoint. In: from clients to the endpoint; out: back. */
export class Account {
  private connections = 0;
  private failures = 0;
  private bytesIn = 0;
  private bytesOut = 0;
  private readonly open = new Set<Carried>();
  /** Made by the first connect that was timed: UDP has none. */
  private latency: LatencyCount | undefined;
  /** Attempts under way: the account is in use although no connection is open. */
  private attempts = 0;
  /** Called once, when nothing is open and nothing is being tried. */
  private readonly waiting: (() => void)[] = [];
  /** False once the endpoint is no longer one of its ServicePort's. */
  current = true;

  attempt(): void {
    this.attempts++;
  }

  /** Ends an attempt that did not get through; `atFault` when the endpoint is to blame. */
  failed(atFault: boolean): void {
    this.attempts--;
    if (atFault) this.failures++;
    this.tellIdle();
  }

  /** Something that had got through failed by the endpoint's fault. */
  fault(): void {
    this.failures++;
  }

  /** Ends an attempt that got through, so many milliseconds after it began where there was something to wait for. */
  opened(carried: Carried, connectMs?: number): void {
    this.attempts--;
    this.connections++;
    this.open.add(carried);
    if (connectMs !== undefined) (this.latency ??= new LatencyCount()).add(connectMs);
  }

  closed(carried: Carried): void {
    this.open.delete(carried);
    this.bytesIn += carried.bytesFromClient;
    this.bytesOut += carried.bytesFromBackend;
    this.tellIdle();
  }

  /** Resolves when nothing is open and nothing is being tried. */
  async idle(): Promise<void> {
    if (this.isIdle()) return;
    await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  inUse(): boolean {
    return this.current || !this.isIdle();
  }

  read(): EndpointCounters {
    let { bytesIn, bytesOut } = this;
    for (const carried of this.open) {
      bytesIn += carried.bytesFromClient;
      bytesOut += carried.bytesFromBackend;
    }
    const { connections, failures, open } = this;
    const counted = { connections, open: open.size, failures, bytesIn, bytesOut };
    const connectLatency: ConnectLatency | undefined = this.latency?.read();
    return connectLatency === undefined ? counted : { ...counted, connectLatency };
  }

  private isIdle(): boolean {
    return this.attempts === 0 && this.open.size === 0;
  }

  private tellIdle(): void {
    if (this.waiting.length === 0 || !this.isIdle()) return;
    for (const wake of this.waiting.splice(0)) wake();
  }
}

export class Ledger {
  /** By ServicePort id, then by endpoint key. Accounts are made at the first connection. */
  private readonly accounts = new Map<string, Map<string, Account>>();

  account(server: string, endpoint: Endpoint): Account {
    let ofServer = this.accounts.get(server);
    if (ofServer === undefined) this.accounts.set(server, (ofServer = new Map()));
    const key = endpointKey(endpoint);
    let account = ofServer.get(key);
    if (account === undefined) ofServer.set(key, (account = new Account()));
    return account;
  }

  /** Counts a failure of what was carried already. */
  fault(server: string, endpoint: Endpoint): void {
    this.accounts.get(server)?.get(endpointKey(endpoint))?.fault();
  }

  /** Takes note of a ServicePort's endpoints as they are now; undefined: it is gone. */
  follow(id: string, server: VirtualServer | undefined): void {
    const ofServer = this.accounts.get(id);
    if (ofServer === undefined) return;
    const keys = new Set(server?.endpoints.map(endpointKey));
    for (const [key, account] of ofServer) {
      account.current = keys.has(key);
      this.settle(id, key);
    }
  }

  /** Drops an account that nobody uses any more. */
  settle(server: string, key: string): void {
    const ofServer = this.accounts.get(server);
    if (ofServer?.get(key)?.inUse() !== false) return;
    ofServer.delete(key);
    if (ofServer.size === 0) this.accounts.delete(server);
  }

  /** Resolves when nothing is carried to these endpoints, or when `signal` aborts. */
  async drained(places: readonly EndpointPlace[], signal: AbortSignal): Promise<void> {
    const aborted = Promise.withResolvers<void>();
    const onAbort = (): void => aborted.resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    const idle = places.flatMap(({ server, endpoint }) => {
      const account = this.accounts.get(server)?.get(endpointKey(endpoint));
      return account === undefined ? [] : [account.idle()];
    });
    await Promise.race([aborted.promise, Promise.all(idle)]);
    signal.removeEventListener('abort', onAbort);
  }

  /** Every endpoint of the Plan that this driver carries, and vanished ones with connections open. */
  observe(plan: Plan): Observation {
    const endpoints = new Map<string, Map<string, EndpointCounters>>();
    for (const server of plan.servers.values()) {
      if (server.ref.protocol === 'SCTP') continue;
      endpoints.set(server.id, new Map(server.endpoints.map((e) => [endpointKey(e), untouched])));
    }
    for (const [id, ofServer] of this.accounts) {
      const counters = endpoints.get(id) ?? new Map<string, EndpointCounters>();
      endpoints.set(id, counters);
      for (const [key, account] of ofServer) counters.set(key, account.read());
    }
    return { endpoints };
  }
}
