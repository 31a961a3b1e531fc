/** A client's request of HTTP/2: one stream, one exchange. */
import type { HeaderList, Http2Events, Http2Incoming, Http2Reply } from '../sys/http2/index.ts';
import type { Context, ServedPort } from './context.ts';
import type { Exchange } from './exchange.ts';
import type { Forwarding } from './forwarded.ts';
import { Http2Request } from './http2-request.ts';
import type { ClientSide, FieldList, IncomingResponse, TunnelEnd } from './messages.ts';
import { statusTexts } from './status-texts.ts';

export class Http2Client implements ClientSide, Http2Events {
  private readonly port: ServedPort;
  private readonly reply: Http2Reply;
  private exchange: Exchange | undefined;
  private readonly isHead: boolean;
  private trailers: FieldList = [];
  private bodyBytes = 0;
  private room = true;
  private ended = false;
  /** The last piece of the answer: it goes with the end, if that came with it. */
  private held: Uint8Array | undefined;

  /** Takes the request and sees it through. */
  constructor(
    context: Context,
    incoming: Http2Incoming,
    { port, forwarding }: { readonly port: ServedPort; readonly forwarding: Forwarding },
  ) {
    this.port = port;
    const request = new Http2Request(incoming.list, incoming.ended, forwarding);
    this.isHead = request.method === 'HEAD';
    this.ended = incoming.ended;
    this.reply = incoming.accept(this);
    const problem = request.problem();
    if (problem !== undefined) {
      port.count.refused(400);
      this.refuse(400, `the request cannot be read: ${problem}`);
    } else {
      this.exchange = context.exchanges.take();
      this.exchange.begin(this, request, port);
      this.sendRequest();
    }
  }

  onData(bytes: Uint8Array): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    this.bodyBytes += bytes.length;
    if (this.bodyBytes > this.port.bounds.maxBodyBytes) return this.tooLarge(exchange);
    exchange.requestBody(bytes, 0, bytes.length);
    this.sendRequest();
  }

  onTrailers(list: HeaderList): void {
    this.trailers = list.filter((_, i) => !(list[i - (i % 2)] ?? '').startsWith(':'));
  }

  onEnd(): void {
    if (this.ended) return;
    this.ended = true;
    this.exchange?.finishRequest(this.trailers);
  }

  onDrain(): void {
    this.room = true;
    this.exchange?.clientDrained();
  }

  onClosed(): void {
    const { exchange } = this;
    this.exchange = undefined;
    exchange?.clientGone();
  }

  informational(response: IncomingResponse): void {
    this.reply.informational([':status', String(response.status), ...response.list()]);
  }

  respond(response: IncomingResponse, added: readonly (readonly [string, string])[]): void {
    const list = [':status', String(response.status), ...response.list()];
    for (const [name, value] of added) list.push(name.toLowerCase(), value);
    // A body of HTTP/1.1 whose length is said before has no trailers.
    const fixed = response.head !== undefined && response.contentLength >= 0;
    this.reply.respond(list, !response.hasBody ? 'nothing' : fixed ? 'body' : 'trailers');
  }

  responseBody(bytes: Uint8Array, start: number, end: number): void {
    this.flushHeld();
    // The bytes are somebody's buffer, and flow control may keep them waiting.
    this.held = new Uint8Array(bytes.subarray(start, end));
  }

  responseEnd(trailers: FieldList): void {
    this.exchange = undefined;
    this.reply.finish(trailers, this.held);
    this.held = undefined;
    // Whoever still sends is told that nobody listens (RFC 9113, 8.1).
    if (!this.ended) this.reply.resume();
  }

  flushResponse(): boolean {
    this.flushHeld();
    return this.room;
  }

  refuse(status: number, reason: string): void {
    this.exchange = undefined;
    const body = `${status} ${statusTexts[status] ?? ''}: ${reason}\n`;
    const list = [':status', String(status), 'content-type', 'text/plain; charset=utf-8'];
    const follows = this.isHead ? 'nothing' : 'body';
    this.reply.respond([...list, 'content-length', String(body.length)], follows);
    if (this.isHead) return;
    this.reply.write(Uint8Array.from(body, (character) => character.charCodeAt(0)));
    this.reply.finish([]);
  }

  abortResponse(): void {
    this.exchange = undefined;
    this.reply.reset('internal');
  }

  pauseRequest(): void {
    this.reply.pause();
  }

  resumeRequest(): void {
    this.reply.resume();
  }

  tunnel(backend: TunnelEnd): TunnelEnd {
    // No request of HTTP/2 asks for one: `upgrades` is false.
    backend.destroy();
    return backend;
  }

  private flushHeld(): void {
    if (this.held === undefined) return;
    this.room = this.reply.write(this.held);
    this.held = undefined;
  }

  private sendRequest(): void {
    if (this.exchange?.flushRequest() === false) this.reply.pause();
  }

  private tooLarge(exchange: Exchange): void {
    this.exchange = undefined;
    const { answered } = exchange;
    exchange.clientGone();
    if (answered) return this.reply.reset('cancel');
    this.port.count.refused(413);
    this.refuse(413, 'the body is too large');
  }
}
