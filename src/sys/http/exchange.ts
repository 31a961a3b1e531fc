/** One request and its answer, whichever version of HTTP carries them. */
import type { Readable, Writable } from 'node:stream';
import type { ByteStream } from '../net/index.ts';
import { HttpError } from './errors.ts';

export interface HttpRequest {
  readonly method: string;
  /** Path and query, as sent. */
  readonly target: string;
  /** Lower-case names; undefined when absent. */
  header(name: string): string | undefined;
  /** The peer asks for another protocol: an answer may have `upgraded`. */
  readonly canUpgrade: boolean;
  /** To be asked for once. Rejects with HTTP_BODY_TOO_LARGE, and HTTP_FAILED when the peer breaks off. */
  body(): Promise<Buffer>;
  /** Aborts when the peer has gone or the server closes. */
  readonly signal: AbortSignal;
}

export interface HttpHead {
  readonly status: number;
  /** A list is sent as one header each. */
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
}

/** Writes the rest of an answer piece by piece. */
export interface HttpStream {
  /** Resolves when the peer takes more; at once when it has gone. */
  write(chunk: string | Uint8Array): Promise<void>;
}

export type HttpAnswer = HttpHead &
  (
    | { readonly body: string | Uint8Array }
    | { readonly stream: (out: HttpStream) => Promise<void> }
    /** Given the connection once the head, with status 101, is sent. */
    | { readonly upgraded: (stream: ByteStream) => void }
  );

/** What it throws is answered as a bare 500. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpAnswer>;

/** What each version of HTTP does in its own way. */
export interface Wire {
  readonly method: string;
  readonly target: string;
  /** By lower-case name. */
  header(name: string): string | readonly string[] | undefined;
  readonly incoming: Readable;
  /** Asked at the end of `incoming`: Node ends a stream of HTTP/2 also when its session is lost. */
  isWhole(): boolean;
  readonly outgoing: Writable;
  /** Sees to it that what is left of a body that is too large does not come for ever; the answer must arrive. */
  refuseRest(): void;
  /** The answer is the head alone, whatever its body. */
  readonly isHeadOnly: boolean;
  /** `length` is the body's; undefined when it comes piece by piece, and the head must be on its way at once. */
  sendHead(head: HttpHead, length: number | undefined): void;
  /** Gives the connection over to another protocol; undefined when nobody asked for one. */
  readonly upgrade: ((headers: HttpHead['headers']) => ByteStream) | undefined;
}

export interface ExchangeOptions {
  readonly maxBodyBytes: number;
  /** Called with what a handler threw. */
  failed(thrown: unknown): void;
}

export class Exchange implements HttpRequest {
  readonly method: string;
  readonly target: string;
  private readonly wire: Wire;
  private readonly options: ExchangeOptions;
  /** Most requests are answered before anybody asks. */
  private gone: AbortController | undefined;
  private isGone = false;
  private isRefused = false;
  private hasHead = false;

  constructor(wire: Wire, options: ExchangeOptions) {
    this.wire = wire;
    this.options = options;
    this.method = wire.method;
    this.target = wire.target;
  }

  get canUpgrade(): boolean {
    return this.wire.upgrade !== undefined;
  }

  get signal(): AbortSignal {
    this.gone ??= new AbortController();
    if (this.isGone) this.gone.abort();
    return this.gone.signal;
  }

  header(name: string): string | undefined {
    const value = this.wire.header(name);
    const text = typeof value === 'string' || value === undefined ? value : value.join(', ');
    return text === '' ? undefined : text;
  }

  async body(): Promise<Buffer> {
    const { maxBodyBytes: most } = this.options;
    // What comes after such a head is of the other protocol.
    if (this.canUpgrade) return Buffer.alloc(0);
    // One that says so beforehand is refused unread.
    if (Number(this.header('content-length') ?? 0) > most) throw this.tooLarge();
    const { wire } = this;
    const { incoming } = wire;
    if (incoming.readableEnded) return Buffer.alloc(0);
    if (incoming.destroyed) throw brokeOff();
    const chunks: Buffer[] = [];
    let size = 0;
    await new Promise<void>((resolve, reject) => {
      const take = (chunk: Buffer): void => {
        size += chunk.length;
        if (size <= most) return void chunks.push(chunk);
        incoming.off('data', take);
        incoming.pause();
        reject(this.tooLarge());
      };
      incoming.on('data', take);
      incoming.once('end', () => (wire.isWhole() ? resolve() : reject(brokeOff())));
      incoming.once('close', () => incoming.readableEnded || reject(brokeOff()));
      incoming.once('error', (cause) => reject(brokeOff(cause)));
    });
    const [first] = chunks;
    return first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
  }

  async run(handler: HttpHandler): Promise<void> {
    const { outgoing } = this.wire;
    outgoing.on('error', () => this.end());
    outgoing.once('close', () => this.end());
    try {
      await this.answer(await handler(this));
    } catch (thrown) {
      if (this.isGone || outgoing.destroyed) return;
      this.options.failed(thrown);
      if (this.hasHead) outgoing.destroy();
      else this.sendWhole({ status: 500, headers: {} }, Buffer.alloc(0));
    }
  }

  private end(): void {
    this.isGone = true;
    this.gone?.abort();
  }

  private async answer(answer: HttpAnswer): Promise<void> {
    const { wire } = this;
    const { outgoing } = wire;
    if (outgoing.destroyed) return;
    if ('upgraded' in answer) {
      if (wire.upgrade === undefined) {
        throw new HttpError('HTTP_FAILED', 'Cannot switch the protocol: nobody asked for it');
      }
      return answer.upgraded(wire.upgrade(answer.headers));
    }
    if ('body' in answer) {
      const { body } = answer;
      return this.sendWhole(answer, typeof body === 'string' ? Buffer.from(body) : body);
    }
    // Whoever waits for the first event must see that the watch stands.
    this.hasHead = true;
    wire.sendHead(answer, undefined);
    await answer.stream({ write: (chunk) => this.write(chunk) });
    outgoing.end();
  }

  private sendWhole(head: HttpHead, body: Uint8Array): void {
    const { wire, isRefused } = this;
    const { incoming, outgoing } = wire;
    this.hasHead = true;
    wire.sendHead(head, body.length);
    if (!incoming.readableEnded) incoming.resume();
    if (isRefused) wire.refuseRest();
    if (wire.isHeadOnly) outgoing.end();
    else outgoing.end(body);
  }

  private async write(chunk: string | Uint8Array): Promise<void> {
    const { outgoing } = this.wire;
    if (this.isGone || outgoing.write(chunk)) return;
    const { signal } = this;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        outgoing.off('drain', done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      outgoing.once('drain', done);
      signal.addEventListener('abort', done, { once: true });
    });
  }

  private tooLarge(): HttpError {
    this.isRefused = true;
    const { maxBodyBytes } = this.options;
    const message = `Cannot take the request: limit is ${maxBodyBytes} bytes`;
    return new HttpError('HTTP_BODY_TOO_LARGE', message);
  }
}

function brokeOff(cause?: unknown): HttpError {
  return new HttpError('HTTP_FAILED', 'Cannot read a request: it broke off', { cause });
}
