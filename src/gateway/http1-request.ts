/**
 * A request of HTTP/1.1 as the router and the backend see it: straight over the bytes it was read from. One object
 * serves all requests of a connection, each until it is passed on, and knows its words again.
 */
import {
  passesInRequest,
  withoutNamed,
  type ByteWriter,
  type RequestHead,
} from '../codec/http1/index.ts';
import type { SocketAddress } from '../model/index.ts';
import type { Forwarding } from './forwarded.ts';
import type { FieldList, IncomingRequest } from './messages.ts';
import type { RoutedEndpoint } from './router.ts';

const none: readonly string[] = [];

export class Http1Request implements IncomingRequest {
  attempt = 0;
  tried: readonly string[] = none;
  private readonly head: RequestHead;
  private forwarding: Forwarding;
  /** Of this request, when it was asked for; else of the one before. */
  private authorityText = '';
  private knowsAuthority = false;
  private cookies: string | undefined;

  constructor(head: RequestHead, forwarding: Forwarding) {
    this.head = head;
    this.forwarding = forwarding;
  }

  /** The head was read anew, from this client. */
  begin(forwarding: Forwarding): this {
    this.forwarding = forwarding;
    this.knowsAuthority = false;
    this.attempt = 0;
    this.tried = none;
    return this;
  }

  get method(): string {
    return this.head.method;
  }

  get scheme(): 'http' | 'https' {
    return this.forwarding.scheme;
  }

  get authority(): string {
    if (this.knowsAuthority) return this.authorityText;
    this.knowsAuthority = true;
    return (this.authorityText = this.head.authorityAgain(this.authorityText));
  }

  get path(): string {
    return this.head.target;
  }

  get client(): SocketAddress {
    return this.forwarding.client(this.read);
  }

  get local(): SocketAddress {
    return this.forwarding.local;
  }

  get hasBody(): boolean {
    const { framing } = this.head;
    return framing.chunked || framing.contentLength > 0;
  }

  get chunked(): boolean {
    return this.head.framing.chunked;
  }

  /** Only to WebSocket: HTTP/2 by upgrade would carry requests that nobody here reads. */
  get upgrades(): boolean {
    const { upgradeField, fields, minor } = this.head;
    if (upgradeField < 0 || this.hasBody || minor === 0) return false;
    return fields.valueText(upgradeField).toLowerCase() === 'websocket';
  }

  header(name: string): string | undefined {
    const { fields } = this.head;
    if (name !== 'cookie') return fields.valueOf(name);
    return (this.cookies = fields.cookies(this.cookies));
  }

  writeHttp1(out: ByteWriter, endpoint: RoutedEndpoint): void {
    const { head } = this;
    const { framing, fields } = head;
    const authority = this.authority === '' ? endpoint.key : this.authority;
    head.writeLine(out);
    out.all(this.forwarding.host(authority));
    // What a trusted proxy says of the client is in the fields that we write ourselves.
    const keeps = passesInRequest;
    out.fields(fields, framing.named.length === 0 ? keeps : withoutNamed(framing, keeps));
    out.all(this.forwarding.block(authority, this.read));
    if (framing.chunked) out.text('Transfer-Encoding: chunked\r\n');
    else if (framing.contentLength >= 0) out.field('Content-Length', String(framing.contentLength));
    if (this.upgrades) out.text('Connection: Upgrade\r\nUpgrade: websocket\r\n');
    out.text('\r\n');
  }

  listHttp2(): FieldList {
    const { fields, framing, method, target } = this.head;
    const { scheme } = this.forwarding;
    const list = [
      ':method',
      method,
      ':scheme',
      scheme,
      ':authority',
      this.authority,
      ':path',
      target,
    ];
    const keeps = withoutNamed(framing, passesInRequest);
    for (let i = 0; i < fields.count; i++) {
      if (!keeps(fields, i)) continue;
      list.push(fields.nameText(i).toLowerCase(), fields.valueText(i));
    }
    if (framing.contentLength >= 0) list.push('content-length', String(framing.contentLength));
    if (this.asksForTrailers()) list.push('te', 'trailers');
    list.push(...this.forwarding.list(this.authority, this.read));
    return list;
  }

  private asksForTrailers(): boolean {
    return /(^|,)\s*trailers\s*(,|$)/i.test(this.header('te') ?? '');
  }

  private readonly read = (name: string): string | undefined => this.header(name);
}
