/** The engine on Linux's epoll, for the thread that made it. */
import { loadLibc, type Libc } from '../ffi/index.ts';
import type { Connection } from './engine.ts';
import { connectEpoll } from './epoll-connect.ts';
import { EpollConnection, reading } from './epoll-connection.ts';
import { openListener } from './epoll-listener.ts';
import { EpollLoop } from './epoll-loop.ts';
import { EpollRelay, relayBufferBytes } from './epoll-relay.ts';
import { EpollStream, type SharedRead } from './epoll-stream.ts';
import type { RelayThreads } from './relay-threads.ts';
import type { Ledger, StreamEngine, ThreadEngine } from './stream.ts';

/** An answer of 64 KiB and its head come in one read. */
const streamBufferBytes = 128 * 1024;

/** With `threads`, relays that last go on there. */
export function createEpollEngine(libc: Libc, threads?: RelayThreads): StreamEngine {
  return engineOn(new EpollLoop(libc), threads);
}

/** The engine of a thread that is given connections, and writes down what it holds. */
export async function createThreadEngine(ledger: Ledger): Promise<ThreadEngine> {
  const loop = new EpollLoop(await loadLibc(), { ledger: new Uint8Array(ledger) });
  // It has its epoll from the start: what it is written into is there when anything goes wrong.
  loop.start();
  return {
    ...engineOn(loop, undefined),
    take: ({ descriptor: fd, remote, local }) => {
      const how = { loop, fd, remote, local, readable: true, interest: reading };
      const connection = new EpollConnection(how);
      try {
        loop.add(fd, reading, connection);
      } catch {
        connection.destroy('reset');
      }
      return connection;
    },
    end: () => loop.end(),
  };
}

function engineOn(loop: EpollLoop, threads: RelayThreads | undefined): StreamEngine {
  const buffer = new Uint8Array(relayBufferBytes);
  const shared: SharedRead = { buffer: new Uint8Array(streamBufferBytes), busy: false };
  return {
    name: 'epoll',
    listen: async (at, onConnection) => openListener(loop, at, onConnection),
    connect: (to, options) => connectEpoll(loop, to, options),
    relay: (client, backend, options) =>
      new EpollRelay({
        loop,
        buffer,
        client: own(client),
        backend: own(backend),
        options,
        threads,
      }),
    open: (connection, handlers) =>
      new EpollStream({ loop, shared, connection: own(connection), handlers }),
  };
}

/** A Connection of another engine here is a mistake in our own code, not something that happens. */
export function own(connection: Connection): EpollConnection {
  if (connection instanceof EpollConnection) return connection;
  throw new TypeError('Cannot use a connection of another engine');
}
