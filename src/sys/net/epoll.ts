/** The engine on Linux's epoll, for the thread that made it. */
import type { Libc } from '../ffi/index.ts';
import type { Connection, NetEngine } from './engine.ts';
import { connectEpoll } from './epoll-connect.ts';
import { EpollConnection } from './epoll-connection.ts';
import { openListener } from './epoll-listener.ts';
import { EpollLoop } from './epoll-loop.ts';
import { EpollRelay, relayBufferBytes } from './epoll-relay.ts';

export function createEpollEngine(libc: Libc): NetEngine {
  const loop = new EpollLoop(libc);
  const buffer = new Uint8Array(relayBufferBytes);
  return {
    name: 'epoll',
    listen: async (at, onConnection) => openListener(loop, at, onConnection),
    connect: (to, options) => connectEpoll(loop, to, options),
    relay: (client, backend, options) =>
      new EpollRelay({ loop, buffer, client: own(client), backend: own(backend), options }),
  };
}

/** A Connection of another engine here is a mistake in our own code, not something that happens. */
function own(connection: Connection): EpollConnection {
  if (connection instanceof EpollConnection) return connection;
  throw new TypeError('Cannot relay a connection of another engine');
}
