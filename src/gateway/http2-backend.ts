/** One request to a backend of HTTP/2: a stream of a connection that many share. */
import type { HeaderList, Http2Answer, Http2Exchange, Http2Link } from '../sys/http2/index.ts';
import type { Exchange } from './exchange.ts';
import type { BackendSide, FieldList, IncomingResponse } from './messages.ts';

/** Fields of one hop that a backend should not send in HTTP/2, and must not be passed on. */
const ownHop = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
]);

export class Http2Backend implements BackendSide, Http2Answer, IncomingResponse {
  status = 0;
  contentLength = -1;
  hasBody = false;
  readonly head = undefined;
  private fields: FieldList = [];
  private trailers: FieldList = [];
  private exchange: Exchange | undefined;
  private readonly stream: Http2Exchange;
  private readonly whole: boolean;

  constructor(link: Http2Link, exchange: Exchange) {
    this.exchange = exchange;
    this.whole = exchange.requestDone && exchange.out.length === 0;
    this.stream = link.request(exchange.list ?? [], this.whole, this);
    exchange.attach(this, false);
  }

  readonly list = (): FieldList => this.fields;

  send(bytes: Uint8Array, length: number): boolean {
    // What is sent stays in the exchange's buffer, which may be used again first.
    return this.stream.write(new Uint8Array(bytes.subarray(0, length)));
  }

  finishRequest(trailers: FieldList): void {
    if (!this.whole) this.stream.finish(trailers);
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    this.stream.resume();
  }

  cancel(): void {
    this.exchange = undefined;
    this.stream.reset('cancel');
  }

  onInformational(list: HeaderList): void {
    this.take(list);
    this.hasBody = false;
    this.exchange?.onInformational(this);
  }

  onResponse(list: HeaderList, ended: boolean): void {
    this.take(list);
    this.hasBody = !ended;
    this.exchange?.onResponse(this);
    if (this.exchange?.flushResponse() === false) this.stream.pause();
  }

  onData(bytes: Uint8Array): void {
    const { exchange } = this;
    if (exchange === undefined) return;
    exchange.onBody(bytes, 0, bytes.length);
    if (!exchange.flushResponse()) this.stream.pause();
  }

  onTrailers(list: HeaderList): void {
    this.trailers = list;
  }

  onEnd(): void {
    const { exchange } = this;
    if (exchange === undefined || this.status === 0) return;
    this.exchange = undefined;
    const requestDone = exchange.onEnd(this.trailers);
    if (!requestDone) this.stream.reset('cancel');
  }

  onDrain(): void {
    this.exchange?.backendDrained();
  }

  onClosed(): void {
    const { exchange } = this;
    this.exchange = undefined;
    exchange?.failed('reset');
  }

  private take(list: HeaderList): void {
    const fields: string[] = [];
    this.contentLength = -1;
    for (let i = 0; i + 1 < list.length; i += 2) {
      const name = list[i] ?? '';
      const value = list[i + 1] ?? '';
      if (name === ':status') this.status = Number(value);
      else if (name === 'content-length') this.contentLength = Number(value);
      if (!name.startsWith(':') && !ownHop.has(name)) fields.push(name, value);
    }
    this.fields = fields;
  }
}
