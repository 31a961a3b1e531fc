/**
 * Datagrams on Linux, many a call: what waits at a socket is taken together, and the answers go out together. For
 * servers that are asked by many at once; a single question is answered as soon as by node:dgram.
 */
import { familyOf, type SocketAddress } from '../../model/index.ts';
import {
  constants as c,
  decodeSocketAddress,
  encodeSocketAddress,
  socketAddressRoom,
  systemError,
  type Libc,
  type ReceiveBatch,
  type SendBatch,
  type Watch,
} from '../ffi/index.ts';
import {
  receiveBufferBytes,
  type DatagramListener,
  type Datagrams,
  type OpenDatagrams,
} from './datagrams.ts';
import { listenError } from './socket-errors.ts';

/** What the sockets of one opener share, one turn after the other. */
interface Shared {
  readonly libc: Libc;
  readonly received: ReceiveBatch;
  readonly sending: SendBatch;
}

/** Full batches in a row before others in the event loop have their turn. */
const batchesInARow = 4;

/** For the thread that bound `libc`. */
export function createEpollDatagrams(libc: Libc): OpenDatagrams {
  let shared: Shared | undefined;
  return async (at, onDatagram) => {
    shared ??= {
      libc,
      received: libc.createReceiveBatch(),
      sending: libc.createSendBatch(),
    };
    const fd = bindSocket(libc, at);
    try {
      return new EpollDatagrams(shared, { fd, address: realAddress(libc, fd, at), onDatagram });
    } catch (thrown) {
      libc.close(fd);
      throw thrown;
    }
  };
}

function bindSocket(libc: Libc, at: SocketAddress): number {
  const bytes = encodeSocketAddress(at);
  if (bytes === undefined) throw listenError(at, new Error('it is no IP address and port'));
  const isV6 = familyOf(at.address) === 'IPv6';
  const fd = libc.datagramSocket(isV6 ? c.AF_INET6 : c.AF_INET);
  if (fd < 0) throw listenError(at, systemError(libc, 'socket', fd));
  if (isV6) libc.setOption(fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, 1);
  // Bursts of questions, and of their answers; the kernel caps both at its own limits.
  libc.setOption(fd, c.SOL_SOCKET, c.SO_RCVBUF, receiveBufferBytes);
  libc.setOption(fd, c.SOL_SOCKET, c.SO_SNDBUF, receiveBufferBytes);
  const result = libc.bind(fd, bytes);
  if (result >= 0) return fd;
  libc.close(fd);
  throw listenError(at, systemError(libc, 'bind', result));
}

function realAddress(libc: Libc, fd: number, at: SocketAddress): SocketAddress {
  const room = new Uint8Array(socketAddressRoom);
  const result = libc.localAddress(fd, room);
  if (result < 0) throw listenError(at, systemError(libc, 'getsockname', result));
  return { address: at.address, port: decodeSocketAddress(room)?.port ?? at.port };
}

interface Bound {
  readonly fd: number;
  readonly address: SocketAddress;
  readonly onDatagram: DatagramListener;
}

class EpollDatagrams implements Datagrams {
  readonly address: SocketAddress;
  private readonly shared: Shared;
  private readonly bound: Bound;
  private readonly watch: Watch;
  private scheduled = false;
  /** True while a batch is worked on: its answers wait for one another. */
  private gathering = false;
  private closed = false;

  constructor(shared: Shared, bound: Bound) {
    this.shared = shared;
    this.bound = bound;
    this.address = bound.address;
    // koffi calls back outside of Node's callback scope, where promises would not settle and a throw would be lost.
    this.watch = shared.libc.watchReadable(bound.fd, () => {
      if (this.scheduled) return;
      this.scheduled = true;
      setImmediate(this.turn);
    });
  }

  send(bytes: Uint8Array, to: SocketAddress): void {
    if (this.closed || to.port === 0 || bytes.length > mostBytes) return;
    const { sending } = this.shared;
    if (!sending.add(bytes, to)) {
      this.flush();
      sending.add(bytes, to);
    }
    if (!this.gathering) this.flush();
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    if (this.gathering) this.flush();
    this.watch.close();
    this.shared.libc.close(this.bound.fd);
  }

  private readonly turn = (): void => {
    this.scheduled = false;
    const { received } = this.shared;
    for (let batch = 0; batch < batchesInARow && !this.closed; batch++) {
      const count = received.receive(this.bound.fd);
      if (count <= 0) return;
      this.gathering = true;
      for (let i = 0; i < count && !this.closed; i++) this.deliver(i);
      this.gathering = false;
      if (!this.closed) this.flush();
      if (count < received.capacity) return;
    }
  };

  /** One listener that throws must not cost the others their datagrams. */
  private deliver(index: number): void {
    const { received } = this.shared;
    try {
      this.bound.onDatagram(received.bytesAt(index), received.addressAt(index));
    } catch (thrown) {
      setImmediate(() => {
        throw thrown;
      });
    }
  }

  private flush(): void {
    this.shared.sending.flush(this.bound.fd);
  }
}

/** A datagram's length has 16 bits, of which the headers need some: the kernel refuses what is too long. */
const mostBytes = 0xffff;
