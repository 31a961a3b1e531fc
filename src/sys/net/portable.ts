/** The engine on node:net: works on every system, from any thread. */
import { connect as connectSocket, createServer, type Server, type Socket } from 'node:net';
import type { SocketAddress } from '../../model/index.ts';
import type { Connection, ConnectOptions, Listener } from './engine.ts';
import type { NetError } from './errors.ts';
import { PortableConnection, socketOptions } from './portable-connection.ts';
import { PortableRelay } from './portable-relay.ts';
import { PortableStream } from './portable-stream.ts';
import type { StreamEngine } from './stream.ts';
import { abortError, connectError, listenError, timeoutError } from './socket-errors.ts';

/** What the kernel lets us: it caps the queue at its own limit, and Node's 511 loses SYNs in a burst. */
const backlog = 4096;

export function createPortableEngine(): StreamEngine {
  return {
    name: 'portable',
    listen,
    connect,
    relay: (client, backend, options) => new PortableRelay(own(client), own(backend), options),
    open: (connection, handlers) => new PortableStream(own(connection), handlers),
  };
}

async function listen(
  at: SocketAddress,
  onConnection: (connection: Connection) => void,
): Promise<Listener> {
  const server = createServer(socketOptions);
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => reject(listenError(at, cause)));
    // Without ipv6Only, `::` would take the port of every IPv4 address as well.
    server.listen(
      { host: at.address, port: at.port, backlog, exclusive: true, ipv6Only: true },
      resolve,
    );
  });
  const address = boundAddress(server, at);
  // A connection that failed between the kernel and us is its peer's loss; the next one is taken.
  server.on('error', () => undefined);
  server.on('connection', (socket) => {
    const connection = accepted(socket, address);
    if (connection === undefined) socket.destroy();
    else onConnection(connection);
  });
  return {
    address,
    // Node's own callback also waits for the connections; the descriptor is closed when close() returns.
    close: async () => {
      server.close();
    },
  };
}

function boundAddress(server: Server, at: SocketAddress): SocketAddress {
  const bound = server.address();
  return typeof bound === 'object' && bound !== null
    ? { address: at.address, port: bound.port }
    : at;
}

/** Undefined when the peer is gone already: its address is then not to be had. */
function accepted(socket: Socket, listensAt: SocketAddress): Connection | undefined {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  const remote = { address: remoteAddress, port: remotePort };
  const anyAddress = listensAt.address === '0.0.0.0' || listensAt.address === '::';
  return anyAddress
    ? new PortableConnection(socket, remote)
    : new PortableConnection(socket, remote, listensAt);
}

function connect(to: SocketAddress, options: ConnectOptions): Promise<Connection> {
  const { timeoutMs, localAddress, signal } = options;
  if (signal?.aborted === true) return Promise.reject(abortError(to));
  return new Promise((resolve, reject) => {
    const socket = connectSocket({
      ...socketOptions,
      host: to.address,
      port: to.port,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    const fail = (error: NetError): void => {
      signal?.removeEventListener('abort', onAbort);
      reject(error);
      socket.destroy();
    };
    const onAbort = (): void => fail(abortError(to));
    const onError = (cause: Error): void => fail(connectError(to, cause));
    signal?.addEventListener('abort', onAbort);
    // Node keeps one timer list per duration, so this costs less than a timer of its own.
    socket.setTimeout(timeoutMs, () => fail(timeoutError(to, timeoutMs)));
    socket.on('error', onError);
    socket.once('connect', () => {
      signal?.removeEventListener('abort', onAbort);
      socket.removeListener('error', onError);
      socket.removeAllListeners('timeout').setTimeout(0);
      resolve(new PortableConnection(socket, to));
    });
  });
}

/** A Connection of another engine here is a mistake in our own code, not something that happens. */
function own(connection: Connection): PortableConnection {
  if (connection instanceof PortableConnection) return connection;
  throw new TypeError('Cannot use a connection of another engine');
}
