/** The engine on node:net: works on every system, from any thread. */
import { connect as connectSocket, createServer, type Socket } from 'node:net';
import type { SocketAddress } from '../../model/index.ts';
import type { Connection, ConnectOptions, ListenAt, Listener } from './engine.ts';
import type { NetError } from './errors.ts';
import { PortableConnection, socketOptions } from './portable-connection.ts';
import { listenPortable } from './portable-listener.ts';
import { PortableRelay } from './portable-relay.ts';
import { PortableStream } from './portable-stream.ts';
import { SharedReads } from './shared-reads.ts';
import type { StreamEngine } from './stream.ts';
import { abortError, connectError, timeoutError } from './socket-errors.ts';

export function createPortableEngine(): StreamEngine {
  return {
    name: 'portable',
    listen,
    connect,
    relay: (client, backend, options) => new PortableRelay(own(client), own(backend), options),
    open: (connection, handlers) => new PortableStream(own(connection), handlers),
  };
}

function listen(at: ListenAt, onConnection: (connection: Connection) => void): Promise<Listener> {
  return listenPortable(at, (address) =>
    createServer(socketOptions, (socket) => {
      const connection = accepted(socket, address);
      if (connection === undefined) socket.destroy();
      else onConnection(connection);
    }),
  );
}

/** Undefined when the peer is gone already: its address is then not to be had. */
function accepted(socket: Socket, listensAt: SocketAddress): Connection | undefined {
  const { remoteAddress, remotePort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return undefined;
  const remote = { address: remoteAddress, port: remotePort };
  const anyAddress = listensAt.address === '0.0.0.0' || listensAt.address === '::';
  return anyAddress
    ? new PortableConnection(socket, remote)
    : new PortableConnection(socket, remote, { local: listensAt });
}

function connect(to: SocketAddress, options: ConnectOptions): Promise<Connection> {
  const { timeoutMs, localAddress, signal } = options;
  if (signal?.aborted === true) return Promise.reject(abortError(to));
  return new Promise((resolve, reject) => {
    const reads = new SharedReads();
    const socket = connectSocket({
      ...socketOptions,
      onread: reads.option,
      host: to.address,
      port: to.port,
      ...(localAddress === undefined ? {} : { localAddress }),
    });
    reads.socket = socket;
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
      resolve(new PortableConnection(socket, to, { reads }));
    });
  });
}

/** A Connection of another engine here is a mistake in our own code, not something that happens. */
function own(connection: Connection): PortableConnection {
  if (connection instanceof PortableConnection) return connection;
  throw new TypeError('Cannot use a connection of another engine');
}
