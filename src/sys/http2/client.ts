/** HTTP/2 towards backends, without TLS. */
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { formatSocketAddress, type SocketAddress } from '../../model/index.ts';
import {
  NodeExchange,
  toHeaders,
  type HeaderList,
  type Http2Events,
  type Http2Exchange,
} from './exchange.ts';

const idleMs = 60_000;

export interface Http2Answer extends Http2Events {
  /** Status first, as `:status`; `ended`: no body follows. */
  onResponse(list: HeaderList, ended: boolean): void;
  onInformational(list: HeaderList): void;
}

export interface Http2Link {
  /** Requests that one connection may carry at a time, as the backend says. */
  readonly maxStreams: number;
  readonly streams: number;
  /** It takes no new requests. */
  readonly closing: boolean;
  request(list: HeaderList, ended: boolean, answer: Http2Answer): Http2Exchange;
  /** Closes when what is under way is done. */
  close(): void;
  destroy(): void;
}

/** Rejects when there is no connection in time, or the other side speaks no HTTP/2. */
export function connectHttp2(
  to: SocketAddress,
  { timeoutMs, onClosed }: { readonly timeoutMs: number; readonly onClosed: () => void },
): Promise<Http2Link> {
  return new Promise((resolve, reject) => {
    const session = connect(`http://${formatSocketAddress(to)}`, { maxSessionMemory: 64 });
    const timer = setTimeout(
      () => session.destroy(new Error('it did not answer in time')),
      timeoutMs,
    );
    // Whoever has nothing to say for so long is let go: its endpoint may be gone as well.
    session.setTimeout(idleMs, () => link?.close());
    let link: Link | undefined;
    session.on('error', (error) => {
      if (link === undefined) reject(error);
    });
    session.on('close', () => {
      clearTimeout(timer);
      if (link === undefined) reject(new Error('it closed the connection'));
      else onClosed();
    });
    // Only its settings say that it speaks HTTP/2.
    session.once('remoteSettings', () => {
      clearTimeout(timer);
      link = new Link(session);
      resolve(link);
    });
  });
}

class Link implements Http2Link {
  streams = 0;
  private readonly session: ClientHttp2Session;
  private leaving = false;

  constructor(session: ClientHttp2Session) {
    this.session = session;
    session.on('goaway', () => (this.leaving = true));
  }

  get maxStreams(): number {
    return this.session.remoteSettings.maxConcurrentStreams ?? 100;
  }

  get closing(): boolean {
    return this.leaving || this.session.closed || this.session.destroyed;
  }

  request(list: HeaderList, ended: boolean, answer: Http2Answer): Http2Exchange {
    const stream = this.session.request(toHeaders(list), {
      endStream: ended,
      waitForTrailers: !ended,
    });
    this.streams++;
    stream.on('close', () => this.streams--);
    stream.on('headers', (_headers: unknown, _flags: number, raw: string[]) =>
      answer.onInformational(raw),
    );
    // Only after the answer's head can there be bytes; Node has them flow once somebody listens.
    stream.on('response', (_headers: unknown, flags: number, raw: string[]) =>
      answer.onResponse(raw, (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0),
    );
    return new NodeExchange(stream satisfies ClientHttp2Stream, answer);
  }

  close(): void {
    this.leaving = true;
    this.session.close();
  }

  destroy(): void {
    this.session.destroy();
  }
}
