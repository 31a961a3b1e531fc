/**
 * The door to TCP for those who speak a protocol themselves: bytes come to a listener, and two streams can be
 * joined into one relay when the talking is over.
 */
import { connect, createServer, type Socket } from 'node:net';
import { formatSocketAddress, type SocketAddress } from '../../model/index.ts';
import type { ListenAt, Listener, Relay } from './engine.ts';
import { NetError } from './errors.ts';
import { PortableConnection, resetSocket, socketOptions } from './portable-connection.ts';
import { listenPortable } from './portable-listener.ts';
import { PortableRelay } from './portable-relay.ts';
import { connectError } from './socket-errors.ts';

export interface StreamEvents {
  onBytes(bytes: Buffer): void;
  /** The peer will send no more; it may still listen. */
  onEnd(): void;
  /** What was written is taken, after `write` returned false. */
  onDrain?(): void;
  /** The stream is gone, for whatever reason. */
  onClosed(): void;
}

export interface ByteStream {
  readonly remote: SocketAddress;
  /** Nothing is read before; called once. */
  start(events: StreamEvents): void;
  /** False: the peer reads slowly, and the bytes are kept until it does. */
  write(bytes: Uint8Array): boolean;
  /** Bytes written and not yet taken by the system. */
  readonly pendingBytes: number;
  pause(): void;
  resume(): void;
  /** Ends our direction after what is written. */
  end(): void;
  /** Closes at once; with RST when `reset`. */
  destroy(how?: 'reset' | 'close'): void;
  /** Closes the stream when nothing came or went for so long; 0: never. */
  setIdleTimeout(ms: number): void;
}

/** Listens at exactly this address; port 0 takes a free one. Rejects as `NetEngine.listen`. */
export async function listenStreams(
  at: ListenAt,
  onStream: (stream: ByteStream) => void,
): Promise<Listener> {
  return await listenPortable(at, () =>
    createServer({ ...socketOptions, pauseOnConnect: true }, (socket) => {
      const { remoteAddress, remotePort } = socket;
      if (remoteAddress === undefined || remotePort === undefined) socket.destroy();
      else onStream(new SocketStream(socket, { address: remoteAddress, port: remotePort }));
    }),
  );
}

export interface OpenStreamOptions {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Connects. Rejects as `NetEngine.connect`; an attempt that is given up holds nothing. */
export function openStream(
  to: SocketAddress,
  { timeoutMs, signal }: OpenStreamOptions,
): Promise<ByteStream> {
  const given = AbortSignal.any([
    AbortSignal.timeout(timeoutMs),
    ...(signal === undefined ? [] : [signal]),
  ]);
  return new Promise((resolve, reject) => {
    const socket = connect({ ...socketOptions, host: to.address, port: to.port });
    const onAbort = (): void => {
      socket.destroy();
      const what = `Cannot connect to ${formatSocketAddress(to)}`;
      reject(
        signal?.aborted === true
          ? new NetError('NET_ABORTED', `${what}: it was given up on request`)
          : new NetError('NET_TIMED_OUT', `${what}: it did not answer in ${timeoutMs} ms`),
      );
    };
    if (given.aborted) return onAbort();
    const onError = (cause: Error): void => {
      given.removeEventListener('abort', onAbort);
      reject(connectError(to, cause));
    };
    given.addEventListener('abort', onAbort, { once: true });
    socket.once('error', onError);
    socket.once('connect', () => {
      given.removeEventListener('abort', onAbort);
      socket.off('error', onError);
      resolve(new SocketStream(socket, to));
    });
  });
}

/** A socket that spoke another protocol until now, as one switches to what comes after an upgrade. */
export function byteStreamOf(socket: Socket): ByteStream {
  const { remoteAddress = '', remotePort = 0 } = socket;
  return new SocketStream(socket, { address: remoteAddress, port: remotePort });
}

/** Joins two streams; `early` are bytes of the client that were read and belong to the backend. */
export function joinStreams(client: ByteStream, backend: ByteStream, early: Buffer): Relay {
  const [near, far] = [own(client), own(backend)];
  if (early.length > 0) far.write(early);
  const relay = new PortableRelay(near.release(), far.release());
  client.resume();
  backend.resume();
  return relay;
}

class SocketStream implements ByteStream {
  readonly remote: SocketAddress;
  private readonly socket: Socket;

  constructor(socket: Socket, remote: SocketAddress) {
    this.socket = socket;
    this.remote = remote;
    // What went wrong shows in how the stream closed; an error without a listener would end the process.
    socket.on('error', () => undefined);
  }

  get pendingBytes(): number {
    return this.socket.writableLength;
  }

  start(events: StreamEvents): void {
    this.socket.on('data', (bytes: Buffer) => events.onBytes(bytes));
    this.socket.on('end', () => events.onEnd());
    this.socket.on('drain', () => events.onDrain?.());
    if (this.socket.destroyed) events.onClosed();
    else this.socket.once('close', () => events.onClosed());
    this.socket.resume();
  }

  write(bytes: Uint8Array): boolean {
    return this.socket.writable ? this.socket.write(bytes) : false;
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroy(how: 'reset' | 'close' = 'close'): void {
    if (how === 'reset') resetSocket(this.socket);
    else this.socket.destroy();
  }

  setIdleTimeout(ms: number): void {
    this.socket.removeAllListeners('timeout').setTimeout(ms, () => this.socket.destroy());
  }

  /** Hands the socket to a relay: nobody here hears of it any more. */
  release(): PortableConnection {
    this.socket.pause();
    this.socket.removeAllListeners('timeout').setTimeout(0);
    for (const event of ['data', 'end', 'drain', 'close']) this.socket.removeAllListeners(event);
    return new PortableConnection(this.socket, this.remote);
  }
}

/** A stream of somebody else here is a mistake in our own code. */
function own(stream: ByteStream): SocketStream {
  if (stream instanceof SocketStream) return stream;
  throw new TypeError('Cannot join a stream of another door');
}
