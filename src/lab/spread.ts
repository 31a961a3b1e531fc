/**
 * Measures how a frontend spreads connections: opens real ones and asks the driver which endpoint each got.
 *
 * The scheduler is the one everybody uses: connections of other clients that fall between these take their
 * turns, so a busy Service can be spread exactly and still be measured as not exact.
 */
import {
  decide,
  endpointKey,
  messageOf,
  type Clock,
  type Decision,
  type Driver,
  type Endpoint,
  type Flow,
  type Plan,
  type Protocol,
  type SocketAddress,
} from '../model/index.ts';
import { NetError, type Connection, type NetEngine } from '../sys/net/index.ts';
import { labErrors } from './errors.ts';
import { UdpClients } from './udp-clients.ts';
import { expectedSpread, type EndpointShare, type SpreadPromise } from './expected-shares.ts';

export interface SpreadOptions {
  readonly engine: NetEngine;
  readonly driver: Pick<Driver, 'locate'>;
  readonly plan: Plan;
  readonly protocol: Protocol;
  /** The frontend as the Plan has it. */
  readonly declared: SocketAddress;
  /** Where it is reached; differs from `declared` when something stands in for it. */
  readonly target: SocketAddress;
  readonly connections: number;
  /** The most connections open at once. */
  readonly concurrency: number;
  /** For each connection: to be accepted, and to be told its endpoint. */
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Where requests are balanced: sends one on a connection of its own instead, and says who got it. */
  readonly request?: ((at: SocketAddress) => Promise<RequestReached>) | undefined;
  /** Called at most ten times a second, and at the end. */
  readonly onProgress?: ((progress: SpreadProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface RequestReached {
  /** Undefined: it got to no endpoint. */
  readonly endpoint: Endpoint | undefined;
  readonly source: string;
  readonly status: number;
}

export interface SpreadProgress {
  readonly done: number;
  readonly total: number;
}

/** Connections that reached no endpoint, by why. */
export interface SpreadFailure {
  readonly code: string;
  /** Of the first of them. */
  readonly message: string;
  readonly connections: number;
}

export interface SpreadMeasurement {
  /** The specification's verdict on these connections, at the time they began. */
  readonly decision: Decision;
  readonly connected: number;
  readonly failed: number;
  readonly failures: readonly SpreadFailure[];
  readonly tookMs: number;
  readonly shares: readonly EndpointShare[];
  readonly promise: SpreadPromise;
  /** For the promise `shares`: how likely chance alone differs as much or more. */
  readonly chance: number | undefined;
  /** Everything asked for connected, and the scheduler's promise is kept. */
  readonly kept: boolean;
  /** Everything asked for connected, and every endpoint got its expected number, to the connection. */
  readonly exact: boolean;
}

const progressEveryMs = 100;

/** Never rejects; when `signal` aborts, what was measured so far is returned. */
export async function measureSpread(options: SpreadOptions): Promise<SpreadMeasurement> {
  const { clock, connections, signal } = options;
  const startedMs = clock.monotonic();
  const tally = new Tally();
  const attempt = attemptsOf(options);
  let begun = 0;
  let saidMs = startedMs;
  const worker = async (): Promise<void> => {
    while (begun < connections && signal?.aborted !== true) {
      begun++;
      tally.add(await attempt.tryOnce());
      if (clock.monotonic() - saidMs < progressEveryMs) continue;
      saidMs = clock.monotonic();
      options.onProgress?.({ done: tally.done, total: connections });
    }
  };
  await Promise.all(
    Array.from({ length: Math.min(options.concurrency, connections) }, () => worker()),
  );
  await attempt.close();
  options.onProgress?.({ done: tally.done, total: connections });
  const decision = decide(options.plan, {
    protocol: options.protocol,
    // The system chose it; with no connection to tell it, any address of this node stands for it.
    source: tally.source ?? options.plan.node.addresses[0] ?? options.target.address,
    sourcePort: 0,
    destination: options.declared.address,
    destinationPort: options.declared.port,
    entry: 'node',
  });
  const expected = expectedSpread(
    decision.kind === 'forward'
      ? { ...decision, candidates: candidatesOf(decision) }
      : { scheduler: 'rr', affinity: { kind: 'none' }, candidates: [] },
    tally.counted,
  );
  return {
    decision,
    connected: tally.connected,
    failed: tally.done - tally.connected,
    failures: tally.failures,
    tookMs: clock.monotonic() - startedMs,
    shares: expected.shares,
    promise: expected.promise,
    chance: expected.chance,
    kept: expected.kept && tally.connected === connections,
    exact: expected.exact && tally.connected === connections,
  };
}

/** Of requests the endpoints themselves, not the gateway in front of them. */
function candidatesOf({
  server,
  pool,
  candidates,
}: Extract<Decision, { kind: 'forward' }>): readonly Endpoint[] {
  return server.perRequest?.pools[pool] ?? candidates;
}

type Outcome =
  | { readonly kind: 'reached'; readonly endpoint: Endpoint; readonly source: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

class Tally {
  done = 0;
  connected = 0;
  source: string | undefined;
  private readonly byEndpoint = new Map<string, { endpoint: Endpoint; connections: number }>();
  private readonly byCode = new Map<
    string,
    { code: string; message: string; connections: number }
  >();

  add(outcome: Outcome): void {
    this.done++;
    if (outcome.kind === 'failed') {
      const { code, message } = outcome;
      const found = this.byCode.get(code) ?? { code, message, connections: 0 };
      found.connections++;
      this.byCode.set(code, found);
      return;
    }
    this.connected++;
    this.source ??= outcome.source;
    const key = endpointKey(outcome.endpoint);
    const found = this.byEndpoint.get(key) ?? { endpoint: outcome.endpoint, connections: 0 };
    found.connections++;
    this.byEndpoint.set(key, found);
  }

  get counted(): readonly { readonly endpoint: Endpoint; readonly connections: number }[] {
    return [...this.byEndpoint.values()];
  }

  get failures(): readonly SpreadFailure[] {
    return [...this.byCode.values()];
  }
}

/** A way to reach the frontend once. */
interface Attempts {
  /** Never rejects. */
  tryOnce(): Promise<Outcome>;
  close(): Promise<void>;
}

function attemptsOf(options: SpreadOptions): Attempts {
  const { request, target } = options;
  if (request !== undefined) {
    return { tryOnce: () => requestOnce(request, target), close: async () => undefined };
  }
  if (options.protocol !== 'UDP') {
    return { tryOnce: () => connectOnce(options), close: async () => undefined };
  }
  const clients = new UdpClients(options.target);
  return { tryOnce: () => sendOnce(clients, options), close: () => clients.close() };
}

async function connectOnce(options: SpreadOptions): Promise<Outcome> {
  const { engine, target, timeoutMs, signal } = options;
  let connection: Connection;
  try {
    connection = await engine.connect(target, { timeoutMs, signal });
  } catch (thrown) {
    return failed(thrown);
  }
  const ended = new AbortController();
  connection.onClosed(() => ended.abort());
  try {
    return await reached(connection.local, options, ended);
  } finally {
    connection.destroy('close');
  }
}

async function requestOnce(
  request: NonNullable<SpreadOptions['request']>,
  target: SocketAddress,
): Promise<Outcome> {
  try {
    const { endpoint, source, status } = await request(target);
    if (endpoint !== undefined) return { kind: 'reached', endpoint, source };
    const message = `${labErrors.ours.LAB_NOT_FORWARDED}: status ${status}`;
    return { kind: 'failed', code: 'LAB_NOT_FORWARDED', message };
  } catch (thrown) {
    return failed(thrown);
  }
}

/** Each datagram from a client of its own is a flow. */
async function sendOnce(clients: UdpClients, options: SpreadOptions): Promise<Outcome> {
  try {
    return await reached(await clients.begin(), options, new AbortController());
  } catch (thrown) {
    return failed(thrown);
  }
}

function failed(thrown: unknown): Outcome {
  const code = thrown instanceof NetError ? thrown.code : 'NET_FAILED';
  return { kind: 'failed', code, message: messageOf(thrown) };
}

/** Failed when the driver does not carry what came from `source`, or does not choose in time. */
async function reached(
  source: SocketAddress,
  { driver, protocol, target, timeoutMs, clock }: SpreadOptions,
  ended: AbortController,
): Promise<Outcome> {
  const flow: Flow = {
    protocol,
    source: source.address,
    sourcePort: source.port,
    destination: target.address,
    destinationPort: target.port,
    entry: 'node',
  };
  const tooLate = clock.sleep(timeoutMs, ended.signal).then(() => undefined);
  try {
    const endpoint = await Promise.race([driver.locate(flow), tooLate]);
    return endpoint === undefined
      ? { kind: 'failed', code: 'LAB_NOT_FORWARDED', message: labErrors.ours.LAB_NOT_FORWARDED }
      : { kind: 'reached', endpoint, source: source.address };
  } finally {
    ended.abort();
  }
}
