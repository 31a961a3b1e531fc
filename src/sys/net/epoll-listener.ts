/** A listening socket of the epoll engine. */
import { familyOf, type SocketAddress } from '../../model/index.ts';
import {
  constants as c,
  decodeSocketAddress,
  encodeSocketAddress,
  errnos,
  socketAddressRoom,
  systemError,
} from '../ffi/index.ts';
import type { Connection, ListenAt, Listener } from './engine.ts';
import { EpollConnection, keepAliveSeconds, reading } from './epoll-connection.ts';
import type { EpollLoop, Watched } from './epoll-loop.ts';
import { listenError } from './socket-errors.ts';

/** What the kernel lets us: it caps the queue at its own limit. */
const backlog = 4096;

/** Taken in a row before others have their turn; the listener is level-triggered, so the rest is told again. */
const acceptsInARow = 64;

/** How long a listener waits when the system has no descriptor or memory for another connection. */
const retryMs = 100;

const scarce: readonly number[] = [errnos.EMFILE, errnos.ENFILE, errnos.ENOMEM, errnos.ENOBUFS];

/** Throws NetError. */
export function openListener(
  loop: EpollLoop,
  at: ListenAt,
  onConnection: (connection: Connection) => void,
): Listener {
  const { libc } = loop;
  const bytes = encodeSocketAddress(at);
  if (bytes === undefined) throw listenError(at, new Error('it is no IP address and port'));
  const isV6 = familyOf(at.address) === 'IPv6';
  const need = (call: string, result: number): number => {
    if (result < 0) throw listenError(at, systemError(libc, call, result));
    return result;
  };
  const { descriptor } = at;
  const fd = descriptor ?? need('socket', libc.socket(isV6 ? c.AF_INET6 : c.AF_INET));
  try {
    setOptions(libc, fd, isV6);
    if (descriptor === undefined) need('bind', libc.bind(fd, bytes));
    need('listen', libc.listen(fd, backlog));
    const room = new Uint8Array(socketAddressRoom);
    need('getsockname', libc.localAddress(fd, room));
    const address = { address: at.address, port: decodeSocketAddress(room)?.port ?? at.port };
    const listener = new EpollListener({ loop, fd, address, onConnection });
    loop.add(fd, c.EPOLLIN, listener);
    return listener;
  } catch (error) {
    loop.close(fd);
    throw error;
  }
}

function setOptions(libc: EpollLoop['libc'], fd: number, isV6: boolean): void {
  libc.setOption(fd, c.SOL_SOCKET, c.SO_REUSEADDR, 1);
  // Connections inherit them: what one side sent at once, the other gets at once.
  libc.setOption(fd, c.IPPROTO_TCP, c.TCP_NODELAY, 1);
  libc.setOption(fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1);
  libc.setOption(fd, c.IPPROTO_TCP, c.TCP_KEEPIDLE, keepAliveSeconds);
  // Otherwise `::` would take the port of every IPv4 address as well.
  if (isV6) libc.setOption(fd, c.IPPROTO_IPV6, c.IPV6_V6ONLY, 1);
}

interface EpollListenerOptions {
  readonly loop: EpollLoop;
  readonly fd: number;
  readonly address: SocketAddress;
  readonly onConnection: (connection: Connection) => void;
}

class EpollListener implements Listener, Watched {
  readonly address: SocketAddress;
  private readonly options: EpollListenerOptions;
  private readonly isWildcard: boolean;
  private readonly peer = new Uint8Array(socketAddressRoom);
  private closed = false;
  private suspended = false;
  private retry: NodeJS.Timeout | undefined;

  constructor(options: EpollListenerOptions) {
    this.options = options;
    this.address = options.address;
    this.isWildcard = this.address.address === '0.0.0.0' || this.address.address === '::';
  }

  async close(): Promise<void> {
    if (this.closed) return;
    this.closed = true;
    clearTimeout(this.retry);
    // Another process may have it too, and closing it here would then not end its events.
    this.options.loop.remove(this.options.fd);
    this.options.loop.close(this.options.fd);
  }

  suspend(): number {
    clearTimeout(this.retry);
    this.options.loop.modify(this.options.fd, 0);
    this.suspended = true;
    return this.options.fd;
  }

  async resume(): Promise<void> {
    this.suspended = false;
    this.options.loop.modify(this.options.fd, c.EPOLLIN);
  }

  onEvents(): void {
    const { loop, fd } = this.options;
    if (this.suspended) return;
    // The callback may close this listener.
    for (let taken = 0; taken < acceptsInARow && !this.closed && !this.suspended; taken++) {
      const accepted = loop.libc.accept(fd, this.peer);
      if (accepted >= 0) this.take(accepted);
      else if (accepted === -errnos.EAGAIN) return;
      else if (scarce.includes(-accepted)) return this.rest();
      // Any other is the failure of that one connection (accept(2)): its peer's loss.
    }
  }

  private take(fd: number): void {
    const { loop, onConnection } = this.options;
    const remote = decodeSocketAddress(this.peer);
    if (remote === undefined) return loop.close(fd);
    const local = this.isWildcard ? undefined : this.address;
    const connection = new EpollConnection({
      loop,
      fd,
      remote,
      local,
      readable: true,
      interest: reading,
    });
    try {
      loop.add(fd, reading, connection);
    } catch {
      return connection.destroy('reset');
    }
    onConnection(connection);
  }

  /** The queue stays as it is; asking again at once would find the same. */
  private rest(): void {
    const { loop, fd } = this.options;
    loop.modify(fd, 0);
    this.retry = setTimeout(() => loop.modify(fd, c.EPOLLIN), retryMs);
  }
}
