/** Sockets under a responder: UDP, and TCP with pipelining, an idle timeout and bounded clients. */
import type { Clock, SocketAddress } from '../model/index.ts';
import { listenStreams, NetError, type ByteStream, type OpenDatagrams } from '../sys/net/index.ts';
import type { DnsCounters } from './counters.ts';
import type { Responder } from './responder.ts';

export interface DnsListeners {
  readonly address: SocketAddress;
  /** Resolves when the address is free; open TCP connections are closed. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly openDatagrams: OpenDatagrams;
  readonly responder: Responder;
  /** Called for every query that is answered. */
  readonly onQuery: (request: Uint8Array, from: SocketAddress) => void;
  readonly counters: Pick<DnsCounters, 'took'>;
  readonly clock: Pick<Clock, 'monotonic'>;
}

const idleTimeoutMs = 10_000;
const maxConnections = 512;
const maxConnectionsPerClient = 64;
/** Queries of one connection, or of all UDP clients, that wait for others' answers. */
const maxWaitingPerConnection = 64;
const maxWaitingDatagrams = 2_000;
/** Answers a TCP client has not taken yet; then it is not read from. */
const maxPendingBytes = 256 * 1024;
/** UDP and TCP need the same port; a free UDP port may be taken in TCP. */
const portAttempts = 20;

/** Rejects with NetError as the doors do. */
export async function listenDns(at: SocketAddress, options: ListenOptions): Promise<DnsListeners> {
  for (let attempt = 1; ; attempt++) {
    const udp = await listenUdp(at, options);
    try {
      const tcp = await listenTcp(udp.address, options);
      const close = async (): Promise<void> => {
        await Promise.all([udp.close(), tcp.close()]);
      };
      return { address: udp.address, close };
    } catch (thrown) {
      await udp.close();
      const taken = thrown instanceof NetError && thrown.code === 'NET_ADDRESS_IN_USE';
      if (at.port !== 0 || !taken || attempt === portAttempts) throw thrown;
    }
  }
}

async function listenUdp(
  at: SocketAddress,
  { openDatagrams, responder, onQuery, counters, clock }: ListenOptions,
): Promise<DnsListeners> {
  let waiting = 0;
  const socket = await openDatagrams(at, (request, from) => {
    onQuery(request, from);
    if (waiting >= maxWaitingDatagrams) return;
    const since = clock.monotonic();
    const answer = responder.respond(request, 'udp');
    if (answer === undefined) return;
    if (!(answer instanceof Promise)) {
      socket.send(answer, from);
      return counters.took(clock.monotonic() - since);
    }
    waiting++;
    void answer
      .then((bytes) => {
        socket.send(bytes, from);
        counters.took(clock.monotonic() - since);
      })
      .finally(() => {
        waiting--;
      });
  });
  return socket;
}

async function listenTcp(at: SocketAddress, options: ListenOptions): Promise<DnsListeners> {
  const open = new Set<ByteStream>();
  const clients = new Map<string, number>();
  const listener = await listenStreams(at, (stream) => {
    const { address } = stream.remote;
    const count = clients.get(address) ?? 0;
    if (open.size >= maxConnections || count >= maxConnectionsPerClient) {
      stream.destroy('reset');
      return;
    }
    open.add(stream);
    clients.set(address, count + 1);
    serveStream(stream, options, () => {
      open.delete(stream);
      const left = (clients.get(address) ?? 1) - 1;
      if (left > 0) clients.set(address, left);
      else clients.delete(address);
    });
  });
  return {
    address: listener.address,
    close: async () => {
      await listener.close();
      for (const stream of open) stream.destroy();
    },
  };
}

/** Messages behind two bytes of length each (RFC 7766); answers go out as they are ready. */
function serveStream(stream: ByteStream, options: ListenOptions, onClosed: () => void): void {
  const { responder, onQuery, counters, clock } = options;
  let held: Buffer = Buffer.alloc(0);
  let waiting = 0;
  let ended = false;
  const settle = (): void => {
    // A message that was cut off will not come any more.
    if (ended && waiting === 0) stream.end();
  };
  const send = (answer: Uint8Array, since: number): void => {
    stream.write(framed(answer));
    counters.took(clock.monotonic() - since);
  };
  const work = (): void => {
    while (held.length >= 2) {
      const size = held.readUInt16BE(0);
      if (held.length < size + 2) break;
      if (waiting >= maxWaitingPerConnection || stream.pendingBytes > maxPendingBytes) {
        stream.pause();
        return;
      }
      const request = held.subarray(2, size + 2);
      held = held.subarray(size + 2);
      onQuery(request, stream.remote);
      const since = clock.monotonic();
      const answer = responder.respond(request, 'tcp');
      // Whoever sends what is no query speaks another protocol.
      if (answer === undefined) return stream.destroy();
      if (answer instanceof Promise) {
        waiting++;
        void answer
          .then((bytes) => send(bytes, since))
          .finally(() => {
            waiting--;
            stream.resume();
            work();
          });
      } else send(answer, since);
    }
    settle();
  };
  stream.setIdleTimeout(idleTimeoutMs);
  stream.start({
    onBytes: (bytes) => {
      held = held.length === 0 ? bytes : Buffer.concat([held, bytes]);
      work();
    },
    onEnd: () => {
      ended = true;
      work();
    },
    onDrain: () => {
      stream.resume();
      work();
    },
    onClosed,
  });
}

function framed(message: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(message.length + 2);
  bytes.writeUInt16BE(message.length, 0);
  bytes.set(message, 2);
  return bytes;
}
