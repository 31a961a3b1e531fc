/** An engine without sockets: tests say what the host refuses, count what the driver asks, and hold peers still. */
import { formatSocketAddress, type SocketAddress } from '../../model/index.ts';
import {
  NetError,
  type Connection,
  type ConnectOptions,
  type Listener,
  type NetEngine,
  type Relay,
  type RelayEnd,
  type UdpEngine,
  type UdpHandlers,
  type UdpListener,
  type UdpPeer,
} from '../../sys/net/index.ts';

type Code = NetError['code'];

export class FakeEngine implements NetEngine {
  readonly name = 'portable';
  /** Successful listens and closes, in order: `+127.0.0.1:80`, `-127.0.0.1:80`. */
  readonly calls: string[] = [];
  /** Attempts to connect, in order. */
  readonly attempts: FakeAttempt[] = [];
  /** By `address:port`, `:port`, or `address`: why a listen there is refused. */
  readonly refused = new Map<string, Code>();
  readonly relays: FakeRelay[] = [];
  private readonly open = new Map<string, (connection: Connection) => void>();
  private nextPort = 50_000;

  async listen(
    at: SocketAddress,
    onConnection: (connection: Connection) => void,
  ): Promise<Listener> {
    await Promise.resolve();
    const address = at.port === 0 ? { address: at.address, port: this.nextPort++ } : at;
    const key = formatSocketAddress(address);
    const code =
      this.refused.get(key) ??
      this.refused.get(`:${at.port}`) ??
      this.refused.get(at.address) ??
      (this.open.has(key) ? 'NET_ADDRESS_IN_USE' : undefined);
    if (code !== undefined) throw new NetError(code, `Cannot listen at ${key}: as the test says`);
    this.open.set(key, onConnection);
    this.calls.push(`+${key}`);
    const close = async (): Promise<void> => {
      if (this.open.delete(key)) this.calls.push(`-${key}`);
    };
    return { address, close, suspend: () => -1, resume: async () => undefined };
  }

  connect(to: SocketAddress, options: ConnectOptions): Promise<Connection> {
    const { promise, resolve, reject } = Promise.withResolvers<Connection>();
    const key = formatSocketAddress(to);
    const fail = (code: Code): void =>
      reject(new NetError(code, `Cannot connect to ${key}: as the test says`));
    options.signal?.addEventListener('abort', () => fail('NET_ABORTED'));
    this.attempts.push({
      to: key,
      fail,
      succeed: () => resolve(new FakeConnection({ address: '127.0.0.1', port: 1 }, to)),
    });
    return promise;
  }

  relay(client: Connection, backend: Connection): Relay {
    const relay = new FakeRelay(client, backend);
    this.relays.push(relay);
    return relay;
  }

  /** A client connects to where somebody listens. */
  client(to: SocketAddress, from: SocketAddress): FakeConnection {
    const take = this.open.get(formatSocketAddress(to));
    if (take === undefined) throw new Error(`nobody listens at ${formatSocketAddress(to)}`);
    const connection = new FakeConnection(to, from);
    take(connection);
    return connection;
  }

  listening(): readonly string[] {
    return [...this.open.keys()].toSorted();
  }

  /** The calls since the last look. */
  takeCalls(): readonly string[] {
    return this.calls.splice(0);
  }
}

export interface FakeAttempt {
  readonly to: string;
  succeed(): void;
  fail(code: Code): void;
}

export class FakeConnection implements Connection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** How it was destroyed; undefined while it is open. */
  ended: 'reset' | 'close' | undefined;
  private readonly listeners: (() => void)[] = [];

  constructor(local: SocketAddress, remote: SocketAddress) {
    this.local = local;
    this.remote = remote;
  }

  destroy(how: 'reset' | 'close' = 'close'): void {
    if (this.ended !== undefined) return;
    this.ended = how;
    for (const listener of this.listeners) listener();
  }

  onClosed(listener: () => void): void {
    if (this.ended === undefined) this.listeners.push(listener);
    else listener();
  }
}

export class FakeRelay implements Relay {
  bytesFromClient = 0;
  bytesFromBackend = 0;
  readonly done: Promise<RelayEnd>;
  readonly finish: (end: RelayEnd) => void;
  private readonly sides: readonly Connection[];

  constructor(client: Connection, backend: Connection) {
    const { promise, resolve } = Promise.withResolvers<RelayEnd>();
    this.sides = [client, backend];
    this.done = promise;
    this.finish = resolve;
  }

  destroy(): void {
    for (const side of this.sides) side.destroy('reset');
    this.finish('destroyed');
  }
}

/** UDP without sockets: tests play the clients and the endpoints. */
export class FakeUdp implements UdpEngine {
  readonly name = 'portable';
  /** By `address:port`, or `:port`: why a bind there is refused. */
  readonly refused = new Map<string, Code>();
  /** In order of their making. */
  readonly peers: FakePeer[] = [];
  /** What listeners sent, as `FROM>TO text`. */
  readonly answers: string[] = [];
  private readonly open = new Map<string, (bytes: Uint8Array, source: SocketAddress) => void>();

  async bind(
    at: SocketAddress,
    onDatagram: (bytes: Uint8Array, source: SocketAddress) => void,
  ): Promise<UdpListener> {
    await Promise.resolve();
    const key = formatSocketAddress(at);
    const code = this.refused.get(key) ?? this.refused.get(`:${at.port}`);
    if (code !== undefined) throw new NetError(code, `Cannot listen at ${key}: as the test says`);
    this.open.set(key, onDatagram);
    return {
      address: at,
      send: (bytes, to) =>
        this.answers.push(`${key}>${formatSocketAddress(to)} ${Buffer.from(bytes).toString()}`),
      close: async () => void this.open.delete(key),
      suspend: () => -1,
      resume: async () => undefined,
    };
  }

  connect(to: SocketAddress, handlers: UdpHandlers): UdpPeer {
    const peer = new FakePeer(formatSocketAddress(to), handlers);
    this.peers.push(peer);
    return peer;
  }

  /** A client sends to where somebody listens. */
  client(to: SocketAddress, from: SocketAddress, text = 'hello'): void {
    const take = this.open.get(formatSocketAddress(to));
    if (take === undefined) throw new Error(`nobody receives at ${formatSocketAddress(to)}`);
    take(Buffer.from(text), from);
  }

  listening(): readonly string[] {
    return [...this.open.keys()].toSorted();
  }

  /** Where the peers that are open now go. */
  goesTo(): readonly string[] {
    return this.peers.filter((peer) => peer.open).map((peer) => peer.to);
  }
}

export class FakePeer implements UdpPeer {
  readonly to: string;
  readonly sent: string[] = [];
  open = true;
  private readonly handlers: UdpHandlers;

  constructor(to: string, handlers: UdpHandlers) {
    this.to = to;
    this.handlers = handlers;
  }

  send(bytes: Uint8Array): void {
    this.sent.push(Buffer.from(bytes).toString());
  }

  close(): void {
    this.open = false;
  }

  answer(text: string): void {
    if (this.open) this.handlers.onDatagram(Buffer.from(text));
  }

  refuse(...unsent: readonly string[]): void {
    const error = new NetError('NET_REFUSED', 'Cannot send: as the test says');
    const bytes = unsent.map((text) => Buffer.from(text));
    if (this.open) this.handlers.onFailed(error, bytes);
  }
}

/** Lets everything that is ready run, immediates included. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
}
