/** One stream of HTTP/2, whichever side of it we are: bytes, trailers, and how it ended. */
import { constants, type ClientHttp2Stream, type ServerHttp2Stream } from 'node:http2';

/** Names in lower case, pseudo-fields included, each followed by its value. */
export type HeaderList = readonly string[];

export interface Http2Events {
  onData(bytes: Uint8Array): void;
  onTrailers(list: HeaderList): void;
  /** The other side sent all it has. */
  onEnd(): void;
  onDrain(): void;
  /** The stream is over; `failed`: not as both sides meant it. */
  onClosed(failed: boolean): void;
}

export interface Http2Exchange {
  /** Takes the bytes as they are: they must not change. False: wait for `onDrain`. */
  write(bytes: Uint8Array): boolean;
  /** Sends all, these last bytes, then these trailers, and ends our direction. The bytes must not change. */
  finish(trailers: HeaderList, last?: Uint8Array): void;
  pause(): void;
  resume(): void;
  /** Ends the stream at once: `refused` may be tried again elsewhere. */
  reset(how: 'cancel' | 'internal' | 'refused'): void;
}

const codes = {
  cancel: constants.NGHTTP2_CANCEL,
  internal: constants.NGHTTP2_INTERNAL_ERROR,
  refused: constants.NGHTTP2_REFUSED_STREAM,
} as const;

type NodeStream = ClientHttp2Stream | ServerHttp2Stream;

export class NodeExchange implements Http2Exchange {
  private readonly stream: NodeStream;
  private trailers: HeaderList = [];
  private sawEnd = false;

  constructor(stream: NodeStream, events: Http2Events) {
    this.stream = stream;
    stream.on('error', () => undefined);
    stream.on('data', (bytes: Buffer) => events.onData(bytes));
    stream.on('drain', () => events.onDrain());
    stream.on('end', () => {
      this.sawEnd = true;
      events.onEnd();
    });
    stream.on('trailers', (_headers: unknown, _flags: number, raw: string[]) =>
      events.onTrailers(raw),
    );
    stream.on('wantTrailers', () => stream.sendTrailers(toHeaders(this.trailers)));
    stream.on('close', () =>
      events.onClosed(!this.sawEnd || stream.rstCode !== constants.NGHTTP2_NO_ERROR),
    );
  }

  write(bytes: Uint8Array): boolean {
    return this.stream.writable ? this.stream.write(bytes) : true;
  }

  finish(trailers: HeaderList, last?: Uint8Array): void {
    this.trailers = trailers;
    if (this.stream.writable) this.stream.end(last);
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  reset(how: 'cancel' | 'internal' | 'refused'): void {
    // Node 26 aborts the process (Http2Stream::OnTrailers) when a stream is closed while its session reads, and what it
    // reads next is the other side's own reset: a backend that answers before it has the whole request sends just that.
    setImmediate(() => this.stream.close(codes[how]));
  }
}

/** Node's form: a value, or several of one name. */
export function toHeaders(list: HeaderList): Record<string, string | string[]> {
  const headers: Record<string, string | string[]> = {};
  for (let i = 0; i + 1 < list.length; i += 2) {
    const name = (list[i] ?? '').toLowerCase();
    const value = list[i + 1] ?? '';
    const known = headers[name];
    if (known === undefined) headers[name] = value;
    else if (typeof known === 'string') headers[name] = [known, value];
    else known.push(value);
  }
  return headers;
}
