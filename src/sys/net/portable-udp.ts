/** UDP on node:dgram: works on every system, from any thread. */
import { createSocket, type Socket, type SocketOptions } from 'node:dgram';
import { familyOf, type SocketAddress } from '../../model/index.ts';
import type { ListenAt } from './engine.ts';
import type { NetError } from './errors.ts';
import { handleOf } from '../index.ts';
import { listenError, notSuspended, sendError } from './socket-errors.ts';
import type { UdpEngine, UdpHandlers, UdpListener, UdpPeer } from './udp.ts';

/** A listener serves many clients in bursts; the kernel caps this at its own limit. */
const receiveBufferBytes = 1024 * 1024;

/** libuv queues without end what the kernel does not take at once; beyond this it is dropped instead. */
const maxQueuedBytes = 1024 * 1024;

/** Datagrams kept while the system makes a socket. */
const maxWaiting = 64;

export function createPortableUdp(): UdpEngine {
  return { name: 'portable', bind, connect: (to, handlers) => new PortablePeer(to, handlers) };
}

function optionsFor(address: string): SocketOptions {
  const ipv6 = familyOf(address) === 'IPv6';
  return {
    type: ipv6 ? 'udp6' : 'udp4',
    // Without ipv6Only, `::` would take the port of every IPv4 address as well.
    ...(ipv6 ? { ipv6Only: true } : {}),
    // Addresses are all we ever have, and Node's own lookup costs a turn of the event loop.
    lookup: (host, _options, callback) => callback(null, host, ipv6 ? 6 : 4),
  };
}

async function bind(
  at: ListenAt,
  onDatagram: (bytes: Uint8Array, source: SocketAddress) => void,
): Promise<UdpListener> {
  const socket = createSocket({ ...optionsFor(at.address), recvBufferSize: receiveBufferBytes });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (cause) => reject(listenError(at, cause)));
    if (at.descriptor !== undefined) socket.bind({ fd: at.descriptor }, resolve);
    else socket.bind({ address: at.address, port: at.port, exclusive: true }, resolve);
  });
  // What goes wrong afterwards concerns one datagram, which is lost as datagrams are.
  socket.on('error', () => undefined);
  socket.on('message', (bytes, { address, port }) => onDatagram(bytes, { address, port }));
  let closed = false;
  return {
    address: { address: at.address, port: socket.address().port },
    send: (bytes, to) => {
      // Port 0 is a source that nobody can answer, and Node throws for it.
      if (closed || to.port === 0 || socket.getSendQueueSize() > maxQueuedBytes) return;
      socket.send(bytes, to.port, to.address, ignore);
    },
    close: async () => {
      if (closed) return;
      closed = true;
      socket.close();
    },
    suspend: () => {
      const handle = handleOf(socket);
      if (handle?.call('recvStop') !== true) throw notSuspended(at);
      return handle.descriptor;
    },
    resume: async () => void handleOf(socket)?.call('recvStart'),
  };
}

class PortablePeer implements UdpPeer {
  private readonly to: SocketAddress;
  private readonly handlers: UdpHandlers;
  private readonly socket: Socket;
  /** Until the socket is connected; undefined afterwards. */
  private waiting: Uint8Array[] | undefined = [];
  private closed = false;

  constructor(to: SocketAddress, handlers: UdpHandlers) {
    this.to = to;
    this.handlers = handlers;
    this.socket = createSocket(optionsFor(to.address));
    this.socket.on('error', (cause) => this.failed(cause, []));
    this.socket.on('message', (bytes) => {
      if (!this.closed) handlers.onDatagram(bytes);
    });
    this.socket.once('connect', () => this.flush());
    this.socket.connect(to.port, to.address);
  }

  send(bytes: Uint8Array): void {
    if (this.closed) return;
    if (this.waiting !== undefined) {
      if (this.waiting.length < maxWaiting) this.waiting.push(bytes);
      return;
    }
    if (this.socket.getSendQueueSize() > maxQueuedBytes) return;
    this.socket.send(bytes, (cause) => {
      if (cause !== null && !isLossOfOne(cause)) this.failed(cause, [bytes]);
    });
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.waiting = undefined;
    this.socket.close();
  }

  private flush(): void {
    const waiting = this.waiting ?? [];
    this.waiting = undefined;
    for (const bytes of waiting) this.send(bytes);
  }

  private failed(cause: Error, unsent: readonly Uint8Array[]): void {
    if (this.closed) return;
    const all = [...unsent, ...(this.waiting ?? [])];
    this.close();
    const error: NetError = sendError(this.to, cause);
    // An error of `connect` may come while the caller is still in it.
    queueMicrotask(() => this.handlers.onFailed(error, all));
  }
}

/** Too large for a datagram, or for the buffers of this moment: the next one may well go. */
function isLossOfOne(cause: Error): boolean {
  return 'code' in cause && (cause.code === 'EMSGSIZE' || cause.code === 'ENOBUFS');
}

function ignore(): void {
  // Deliberately nothing: an answer that cannot be sent is lost, as answers of UDP may be.
}
