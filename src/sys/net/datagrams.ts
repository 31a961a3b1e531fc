/**
 * The door to plain UDP: one socket that takes and sends datagrams, for servers that answer and clients that ask. Two
 * ways stand behind it, this one and epoll-datagrams.ts; one suite (`datagrams.suite.ts`) proves both.
 */
import { createSocket, type Socket } from 'node:dgram';
import { familyOf, type SocketAddress } from '../../model/index.ts';
import { listenError } from './socket-errors.ts';

export interface Datagrams {
  /** The address bound, with its real port. */
  readonly address: SocketAddress;
  /** Best effort, as UDP is: what the system refuses is lost. */
  send(bytes: Uint8Array, to: SocketAddress): void;
  /** Frees the address; harmless when called twice. */
  close(): Promise<void>;
}

/**
 * `from` is the sender, and what an answer is best sent to. `bytes` are only good during the call: whoever keeps them
 * copies them.
 */
export type DatagramListener = (bytes: Buffer, from: SocketAddress) => void;

/**
 * Binds exactly this address; port 0 takes a free one.
 * Rejects with NetError: NET_ADDRESS_IN_USE, NET_NOT_PERMITTED, NET_ADDRESS_NOT_AVAILABLE, NET_FAILED.
 */
export type OpenDatagrams = (at: SocketAddress, onDatagram: DatagramListener) => Promise<Datagrams>;

/** A burst of answers to a burst of questions fits. */
export const receiveBufferBytes = 1024 * 1024;

/** On node:dgram, on every system; as OpenDatagrams says. */
export async function openDatagrams(
  at: SocketAddress,
  onDatagram: DatagramListener,
): Promise<Datagrams> {
  const family = familyOf(at.address) === 'IPv4' ? 4 : 6;
  const socket = createSocket({
    type: family === 4 ? 'udp4' : 'udp6',
    // libuv refuses the option for IPv4.
    ipv6Only: family === 6,
    // Peers are addresses: the resolver's way through the event loop would only cost time.
    lookup: (host, _options, done) => done(null, host, family),
  });
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: Error): void => {
      socket.close();
      reject(listenError(at, cause));
    };
    socket.once('error', fail);
    socket.bind({ address: at.address, port: at.port, exclusive: true }, () => {
      socket.off('error', fail);
      resolve();
    });
  });
  // What became of a send, or an ICMP error of an earlier one: that peer is gone, the others are not.
  socket.on('error', () => undefined);
  growBuffer(socket);
  socket.on('message', onDatagram);
  let closed = false;
  return {
    address: { address: at.address, port: socket.address().port },
    send: (bytes, to) => {
      if (closed || to.port === 0) return;
      socket.send(bytes, 0, bytes.length, to.port, to.address);
    },
    close: async () => {
      if (closed) return;
      closed = true;
      await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}

function growBuffer(socket: Socket): void {
  try {
    socket.setRecvBufferSize(receiveBufferBytes);
  } catch {
    // The system's default then has to do.
  }
}
