/** Counts what happened at each endpoint of each ServicePort, for as long as somebody can ask about it. */
import {
  endpointKey,
  type Endpoint,
  type EndpointCounters,
  type Observation,
  type Plan,
  type VirtualServer,
} from '../../model/index.ts';
import type { Relay } from '../../sys/net/index.ts';

const untouched: EndpointCounters = {
  connections: 0,
  open: 0,
  failures: 0,
  bytesIn: 0,
  bytesOut: 0,
};

/** The account of one endpoint. In: from clients to the endpoint; out: back. */
export class Account {
  private connections = 0;
  private failures = 0;
  private bytesIn = 0;
  private bytesOut = 0;
  private readonly relays = new Set<Relay>();
  /** Attempts under way: the account is in use although no connection is open. */
  private attempts = 0;
  /** False once the endpoint is no longer one of its ServicePort's. */
  current = true;

  attempt(): void {
    this.attempts++;
  }

  /** Ends an attempt that did not get through; `atFault` when the endpoint is to blame. */
  failed(atFault: boolean): void {
    this.attempts--;
    if (atFault) this.failures++;
  }

  /** Ends an attempt that got through. */
  opened(relay: Relay): void {
    this.attempts--;
    this.connections++;
    this.relays.add(relay);
  }

  closed(relay: Relay): void {
    this.relays.delete(relay);
    this.bytesIn += relay.bytesFromClient;
    this.bytesOut += relay.bytesFromBackend;
  }

  inUse(): boolean {
    return this.current || this.attempts > 0 || this.relays.size > 0;
  }

  read(): EndpointCounters {
    let { bytesIn, bytesOut } = this;
    for (const relay of this.relays) {
      bytesIn += relay.bytesFromClient;
      bytesOut += relay.bytesFromBackend;
    }
    const { connections, failures, relays } = this;
    return { connections, open: relays.size, failures, bytesIn, bytesOut };
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

  /** Every endpoint of the Plan that this driver carries, and vanished ones with connections open. */
  observe(plan: Plan): Observation {
    const endpoints = new Map<string, Map<string, EndpointCounters>>();
    for (const server of plan.servers.values()) {
      if (server.ref.protocol !== 'TCP') continue;
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
