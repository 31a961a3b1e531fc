/** The door: takes clients on loopback, finds out where they want to go, and joins them with who answers there. */
import { formatSocketAddress, type SocketAddress } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import {
  joinStreams,
  listenStreams,
  NetError,
  openStream,
  type ByteStream,
  type Listener,
  type Relay,
} from '../sys/net/index.ts';
import {
  accepted,
  readHandshake,
  refused,
  type Destination,
  type Phase,
  type Protocol,
  type Refusal,
} from './handshake.ts';

export interface DoorOptions {
  readonly log: Logger;
  readonly address: string;
  /** The first of them that is free is taken; 0 is any. */
  readonly ports: readonly number[];
  /** The addresses of a host, best first; none when there is no such host. Never rejects. */
  readonly resolve: (host: string) => Promise<readonly string[]>;
  /** Where an address really answers: a driver's stand-in, or the address itself. */
  readonly reach: (address: SocketAddress) => SocketAddress;
}

export interface Door extends Component {
  /** Undefined before `start` and after `stop`. */
  address(): SocketAddress | undefined;
  /** Takes nobody any more, so that another process can; who is inside stays. */
  leave(): Promise<void>;
  /** Resolves when nobody is inside any more; the signal sees to it. */
  emptied(signal: AbortSignal): Promise<void>;
}

const maxClients = 1_024;
/** To say where to go, and for each address to answer. */
const handshakeMs = 10_000;
const connectMs = 10_000;
const maxAddressesTried = 8;

export function createDoor(options: DoorOptions): Door {
  const clients = new Set<Client>();
  let listener: Listener | undefined;
  let onEmpty: (() => void) | undefined;
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  const onStream = (stream: ByteStream): void => {
    if (clients.size >= maxClients) return stream.destroy('reset');
    const client = new Client(stream, options, () => {
      clients.delete(client);
      if (clients.size === 0) onEmpty?.();
    });
    clients.add(client);
    client.start();
  };
  const leave = async (): Promise<void> => {
    await listener?.close();
    listener = undefined;
  };
  const closeAll = (): void => {
    for (const client of clients) client.close();
  };
  return {
    name: 'door',
    start: async () => {
      listener = await listenAtFirstFree(options, onStream);
      status = { state: 'ready', detail: undefined };
      options.log.debug('Door open', { at: formatSocketAddress(listener.address) });
    },
    leave,
    emptied: async (signal) => {
      if (clients.size === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      onEmpty = resolve;
      signal.addEventListener('abort', closeAll, { once: true });
      if (signal.aborted) closeAll();
      await promise;
      signal.removeEventListener('abort', closeAll);
    },
    stop: async () => {
      await leave();
      closeAll();
      status = { state: 'stopped', detail: undefined };
    },
    status: () => status,
    address: () => listener?.address,
  };
}

async function listenAtFirstFree(
  { address, ports }: DoorOptions,
  onStream: (stream: ByteStream) => void,
): Promise<Listener> {
  for (const [i, port] of ports.entries()) {
    try {
      return await listenStreams({ address, port }, onStream);
    } catch (thrown) {
      const taken = thrown instanceof NetError && thrown.code === 'NET_ADDRESS_IN_USE';
      if (!taken || i === ports.length - 1) throw thrown;
    }
  }
  return listenStreams({ address, port: 0 }, onStream);
}

class Client {
  private readonly stream: ByteStream;
  private readonly options: DoorOptions;
  private readonly onGone: () => void;
  private readonly gone = new AbortController();
  private held: Buffer = Buffer.alloc(0);
  private phase: Phase = 'greeting';
  private connecting = false;
  private relay: Relay | undefined;

  constructor(stream: ByteStream, options: DoorOptions, onGone: () => void) {
    this.stream = stream;
    this.options = options;
    this.onGone = onGone;
  }

  start(): void {
    const finished = AbortSignal.timeout(handshakeMs);
    finished.addEventListener('abort', () => {
      if (!this.connecting) this.stream.destroy();
    });
    this.stream.start({
      onBytes: (bytes) => {
        this.held = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
        if (!this.connecting) this.read();
      },
      onEnd: () => {
        if (!this.connecting) this.stream.destroy();
      },
      onClosed: () => {
        this.gone.abort();
        this.onGone();
      },
    });
  }

  close(): void {
    this.gone.abort();
    if (this.relay === undefined) this.stream.destroy();
    else this.relay.destroy();
  }

  private read(): void {
    for (;;) {
      const step = readHandshake(this.held, this.phase);
      if (step.kind === 'wait') return;
      if (step.kind === 'reject') return this.refuse(step.bytes);
      this.held = this.held.subarray(step.taken);
      if (step.kind === 'go') {
        this.connecting = true;
        this.stream.pause();
        if (step.first !== undefined) this.held = Buffer.concat([step.first, this.held]);
        void this.connect(step.to, step.via);
        return;
      }
      this.stream.write(step.bytes);
      this.phase = step.phase;
    }
  }

  private refuse(bytes: Buffer): void {
    this.connecting = true;
    this.stream.write(bytes);
    this.stream.end();
    // The client's own end may never come.
    this.stream.setIdleTimeout(handshakeMs);
    this.stream.resume();
  }

  private async connect(to: Destination, via: Protocol): Promise<void> {
    const found = await this.open(to);
    if (this.gone.signal.aborted) {
      if (typeof found !== 'string') found.destroy();
      return;
    }
    if (typeof found === 'string') return this.refuse(refused(via, to, found));
    const welcome = accepted(via);
    if (welcome.length > 0) this.stream.write(welcome);
    this.relay = joinStreams(this.stream, found, this.held);
    this.held = Buffer.alloc(0);
    await this.relay.done;
    this.onGone();
  }

  /** One address after another: a headless Service has many, and one may just have gone. */
  private async open({ host, port }: Destination): Promise<ByteStream | Refusal> {
    const { resolve, reach, log } = this.options;
    const addresses = await resolve(host);
    let why: Refusal = 'not-found';
    for (const address of addresses.slice(0, maxAddressesTried)) {
      if (this.gone.signal.aborted) break;
      const at = reach({ address, port });
      try {
        return await openStream(at, { timeoutMs: connectMs, signal: this.gone.signal });
      } catch (thrown) {
        if (!(thrown instanceof NetError)) throw thrown;
        why = refusalOf(thrown);
        log.debug('Cannot connect', { host, at: formatSocketAddress(at), error: thrown });
      }
    }
    return why;
  }
}

function refusalOf({ code }: NetError): Refusal {
  if (code === 'NET_REFUSED') return 'refused';
  return code === 'NET_TIMED_OUT' ? 'timed-out' : 'unreachable';
}
