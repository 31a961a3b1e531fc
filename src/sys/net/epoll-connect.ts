/** Connects a socket of the epoll engine. */
import { familyOf, type SocketAddress } from '../../model/index.ts';
import { constants as c, encodeSocketAddress, errnos, systemError } from '../ffi/index.ts';
import type { Connection, ConnectOptions } from './engine.ts';
import {
  EpollConnection,
  keepAliveSeconds,
  reading,
  readingAndWriting,
} from './epoll-connection.ts';
import type { EpollLoop, Watched } from './epoll-loop.ts';
import { abortError, connectError, timeoutError } from './socket-errors.ts';

/** Endpoints live as long as their Plan, so each is parsed once. */
const encoded = new WeakMap<SocketAddress, Uint8Array>();

/** Rejects with NetError. */
export function connectEpoll(
  loop: EpollLoop,
  to: SocketAddress,
  options: ConnectOptions,
): Promise<Connection> {
  if (options.signal?.aborted === true) return Promise.reject(abortError(to));
  const bytes = encoded.get(to) ?? encodeSocketAddress(to);
  if (bytes === undefined) {
    return Promise.reject(connectError(to, new Error('it is no IP address and port')));
  }
  encoded.set(to, bytes);
  const { libc } = loop;
  const fd = libc.socket(familyOf(to.address) === 'IPv6' ? c.AF_INET6 : c.AF_INET);
  if (fd < 0) return Promise.reject(connectError(to, systemError(libc, 'socket', fd)));
  try {
    prepare(loop, fd, { to, localAddress: options.localAddress });
    if (begin(loop, fd, { to, bytes })) {
      return Promise.resolve(connected(loop, fd, { to, interest: reading, isNew: true }));
    }
  } catch (error) {
    loop.close(fd);
    return Promise.reject(error);
  }
  return new Promise((resolve, reject) => {
    const attempt = new Attempt({ loop, fd, to, options, resolve, reject });
    attempt.start();
  });
}

function prepare(
  { libc }: EpollLoop,
  fd: number,
  { to, localAddress }: { readonly to: SocketAddress; readonly localAddress: string | undefined },
): void {
  libc.setOption(fd, c.IPPROTO_TCP, c.TCP_NODELAY, 1);
  libc.setOption(fd, c.SOL_SOCKET, c.SO_KEEPALIVE, 1);
  libc.setOption(fd, c.IPPROTO_TCP, c.TCP_KEEPIDLE, keepAliveSeconds);
  if (localAddress === undefined) return;
  const from = encodeSocketAddress({ address: localAddress, port: 0 });
  if (from === undefined) throw connectError(to, new Error(`${localAddress} is no IP address`));
  // The port is chosen at connect, when both ends are known: one may then serve several destinations.
  libc.setOption(fd, c.IPPROTO_IP, c.IP_BIND_ADDRESS_NO_PORT, 1);
  const result = libc.bind(fd, from);
  if (result < 0) throw connectError(to, systemError(libc, 'bind', result));
}

/** Returns whether it is connected already; throws NetError. */
function begin(
  { libc }: EpollLoop,
  fd: number,
  { to, bytes }: { readonly to: SocketAddress; readonly bytes: Uint8Array },
): boolean {
  let result = libc.connect(fd, bytes);
  // A peer on this host has answered before connect returns, but only the next call says so: asking once
  // more costs less than a turn of the loop.
  if (result === -errnos.EINPROGRESS) result = libc.connect(fd, bytes);
  if (result === 0 || result === -errnos.EISCONN) return true;
  if (result === -errnos.EALREADY || result === -errnos.EINPROGRESS) return false;
  throw connectError(to, systemError(libc, 'connect', result));
}

interface ConnectedOptions {
  readonly to: SocketAddress;
  readonly interest: number;
  /** Not in the loop yet. */
  readonly isNew: boolean;
}

function connected(
  loop: EpollLoop,
  fd: number,
  { to, interest, isNew }: ConnectedOptions,
): EpollConnection {
  const connection = new EpollConnection({ loop, fd, remote: to, readable: !isNew, interest });
  if (isNew) loop.add(fd, interest, connection);
  else loop.handOver(fd, connection);
  return connection;
}

interface AttemptOptions {
  readonly loop: EpollLoop;
  readonly fd: number;
  readonly to: SocketAddress;
  readonly options: ConnectOptions;
  readonly resolve: (connection: Connection) => void;
  readonly reject: (error: unknown) => void;
}

/** A connect that is under way. */
class Attempt implements Watched {
  private readonly options: AttemptOptions;
  private timer: NodeJS.Timeout | undefined;

  constructor(options: AttemptOptions) {
    this.options = options;
  }

  start(): void {
    const { loop, fd, to, options } = this.options;
    try {
      loop.add(fd, readingAndWriting, this);
    } catch (error) {
      return this.fail(error);
    }
    const { timeoutMs, signal } = options;
    this.timer = setTimeout(() => this.fail(timeoutError(to, timeoutMs)), timeoutMs);
    signal?.addEventListener('abort', this.onAbort);
  }

  onEvents(): void {
    const { loop, fd, to, resolve } = this.options;
    const failure = loop.libc.takeError(fd);
    if (failure < 0) return this.fail(connectError(to, systemError(loop.libc, 'connect', failure)));
    this.settle();
    resolve(connected(loop, fd, { to, interest: readingAndWriting, isNew: false }));
  }

  private readonly onAbort = (): void => this.fail(abortError(this.options.to));

  private fail(error: unknown): void {
    this.settle();
    this.options.loop.close(this.options.fd);
    this.options.reject(error);
  }

  private settle(): void {
    clearTimeout(this.timer);
    this.options.options.signal?.removeEventListener('abort', this.onAbort);
  }
}
