/** HTTP/2 towards clients, on sockets that somebody else accepted. */
import {
  constants,
  createServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import {
  NodeExchange,
  toHeaders,
  type HeaderList,
  type Http2Events,
  type Http2Exchange,
} from './exchange.ts';

export interface Http2ServerOptions {
  readonly maxConcurrentStreams: number;
  /** Of all fields of a head. */
  readonly maxHeadBytes: number;
}

/** A request as it begins. */
export interface Http2Incoming {
  readonly list: HeaderList;
  /** No body follows. */
  readonly ended: boolean;
  /** Must be called before the next turn. */
  accept(events: Http2Events): Http2Reply;
}

export type Follows = 'nothing' | 'body' | 'trailers';

export interface Http2Reply extends Http2Exchange {
  /** What follows: nothing, a body alone, or a body that trailers may follow, which is dearer. */
  respond(list: HeaderList, follows: Follows): void;
  informational(list: HeaderList): void;
}

export interface Http2Session {
  /** No new request but those on their way here; closes when all are answered, or has been quiet for so long. */
  drain(patienceMs: number): void;
  destroy(): void;
}

export interface Http2SessionEvents {
  onRequest(incoming: Http2Incoming): void;
  onClosed(): void;
}

export interface Http2Server {
  /** Speaks HTTP/2 on this socket. `idleMs`: it closes when nothing happened for so long. */
  serve(socket: Socket, idleMs: number, events: Http2SessionEvents): Http2Session;
}

export function createHttp2Server(options: Http2ServerOptions): Http2Server {
  const { maxConcurrentStreams, maxHeadBytes } = options;
  const server = createServer({
    settings: {
      maxConcurrentStreams,
      maxHeaderListSize: maxHeadBytes,
      initialWindowSize: 256 * 1024,
    },
    // Streams that are opened and reset over and over cost us as much as those that live (CVE-2023-44487).
    streamResetBurst: 1000,
    streamResetRate: 33,
    maxHeaderListPairs: 256,
    maxSessionMemory: 16,
  });
  server.on('sessionError', () => undefined);
  let pending: ((session: ServerHttp2Session) => void) | undefined;
  server.on('session', (session) => pending?.(session));
  return {
    serve: (socket, idleMs, events) => {
      let session: ServerHttp2Session | undefined;
      socket.on('error', () => undefined);
      // Who ends a connection of HTTP/2 is gone: none is half open, and its requests are nobody's any more.
      socket.allowHalfOpen = false;
      // The session is made, and told of, within `emit`.
      pending = (made) => {
        session = made;
        listen(made, idleMs, events);
      };
      server.emit('connection', socket);
      pending = undefined;
      if (session === undefined) queueMicrotask(() => events.onClosed());
      return {
        drain: (patienceMs) => session !== undefined && dismiss(session, patienceMs),
        destroy: () => session?.destroy(),
      };
    },
  };
}

/** What the client has sent before it reads that it is to go counts as taken (RFC 9113, 6.8). */
function dismiss(session: ServerHttp2Session, patienceMs: number): void {
  if (session.closed || session.destroyed) return;
  if (patienceMs === 0) return session.close();
  session.goaway(constants.NGHTTP2_NO_ERROR, lastStreamId);
  session.setTimeout(patienceMs);
}

/** The greatest there is: none is refused yet. */
const lastStreamId = 2 ** 31 - 1;

function listen(session: ServerHttp2Session, idleMs: number, events: Http2SessionEvents): void {
  session.on('error', () => undefined);
  session.on('close', () => events.onClosed());
  session.setTimeout(idleMs, () => session.close());
  session.on('stream', (stream: ServerHttp2Stream, _headers, _flags, raw: string[]) => {
    events.onRequest({
      list: raw,
      ended: stream.endAfterHeaders,
      accept: (streamEvents) => new Reply(stream, streamEvents),
    });
  });
}

class Reply extends NodeExchange implements Http2Reply {
  private readonly server: ServerHttp2Stream;

  constructor(stream: ServerHttp2Stream, events: Http2Events) {
    super(stream, events);
    this.server = stream;
  }

  respond(list: HeaderList, follows: Follows): void {
    const { server } = this;
    if (server.destroyed || server.headersSent) return;
    server.respond(toHeaders(list), {
      endStream: follows === 'nothing',
      waitForTrailers: follows === 'trailers',
    });
  }

  informational(list: HeaderList): void {
    const { server } = this;
    if (!server.destroyed && !server.headersSent) server.additionalHeaders(toHeaders(list));
  }
}
