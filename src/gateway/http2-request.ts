/** A request of HTTP/2 as the router and the backend see it, held as strictly as one of HTTP/1.1. */
import type { ByteWriter } from '../codec/http1/index.ts';
import type { SocketAddress } from '../model/index.ts';
import type { Forwarding } from './forwarded.ts';
import { valueIn, type FieldList, type IncomingRequest } from './messages.ts';
import type { RoutedEndpoint } from './router.ts';

const none: readonly string[] = [];

const forwardedFields = new Set([
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
  'forwarded',
]);

/** Fields that HTTP/2 has no use for, or that we write ourselves. */
const ownHop = new Set([
  'host',
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'proxy-authenticate',
  'te',
  'upgrade',
  'http2-settings',
  'content-length',
]);

export class Http2Request implements IncomingRequest {
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly hasBody: boolean;
  readonly upgrades = false;
  readonly attempt = 0;
  readonly tried = none;
  private readonly list: FieldList;
  private readonly forwarding: Forwarding;
  private readonly length: string | undefined;

  constructor(list: FieldList, ended: boolean, forwarding: Forwarding) {
    this.list = list;
    this.forwarding = forwarding;
    this.method = valueIn(list, ':method') ?? '';
    this.path = valueIn(list, ':path') ?? '';
    this.authority = valueIn(list, ':authority') ?? valueIn(list, 'host') ?? '';
    this.hasBody = !ended;
    this.length = valueIn(list, 'content-length');
  }

  /** What is wrong with it; HTTP/2 has lengths for everything, but its backends may not speak it. */
  problem(): string | undefined {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(this.method)) return 'method';
    if (this.method === 'CONNECT') return 'method not supported';
    if (!/^(\/[!"$-~]*|\*)$/.test(this.path)) return 'target';
    if (!/^([\w.~%-]+|\[[0-9a-f:.]+\])(:\d{1,5})?$/i.test(this.authority)) return 'host';
    const host = valueIn(this.list, 'host');
    if (host !== undefined && host !== this.authority) return 'host';
    if (this.length !== undefined && !/^\d{1,15}$/.test(this.length)) return 'content length';
    for (let i = 0; i + 1 < this.list.length; i += 2) {
      const problem = problemOf(this.list[i] ?? '', this.list[i + 1] ?? '');
      if (problem !== undefined) return problem;
    }
    return undefined;
  }

  get scheme(): 'http' | 'https' {
    return this.forwarding.scheme;
  }

  get client(): SocketAddress {
    return this.forwarding.client(this.read);
  }

  get local(): SocketAddress {
    return this.forwarding.local;
  }

  get chunked(): boolean {
    return this.hasBody && this.length === undefined;
  }

  header(name: string): string | undefined {
    return valueIn(this.list, name);
  }

  writeHttp1(out: ByteWriter, _endpoint: RoutedEndpoint): void {
    out.text(`${this.method} ${this.path} HTTP/1.1\r\n`);
    out.field('Host', this.authority);
    this.eachPassed((name, value) => out.field(name, value));
    // HTTP/2 may split it into many, HTTP/1.1 has one (RFC 9113, 8.2.3).
    const cookie = this.header('cookie');
    if (cookie !== undefined) out.field('cookie', cookie);
    out.all(this.forwarding.block(this.authority, this.read));
    if (this.length !== undefined) out.field('Content-Length', this.length);
    else if (this.hasBody) out.text('Transfer-Encoding: chunked\r\n');
    out.text('\r\n');
  }

  listHttp2(): FieldList {
    const { method, scheme, authority, path, length } = this;
    const list = [':method', method, ':scheme', scheme, ':authority', authority, ':path', path];
    this.eachPassed((name, value) => list.push(name, value));
    const cookie = this.header('cookie');
    if (cookie !== undefined) list.push('cookie', cookie);
    if (length !== undefined) list.push('content-length', length);
    if (this.header('te') !== undefined) list.push('te', 'trailers');
    list.push(...this.forwarding.list(authority, this.read));
    return list;
  }

  private eachPassed(visit: (name: string, value: string) => void): void {
    for (let i = 0; i + 1 < this.list.length; i += 2) {
      const name = this.list[i] ?? '';
      if (name.startsWith(':') || name === 'cookie') continue;
      if (!ownHop.has(name) && !forwardedFields.has(name)) visit(name, this.list[i + 1] ?? '');
    }
  }

  private readonly read = (name: string): string | undefined => this.header(name);
}

function problemOf(name: string, value: string): string | undefined {
  if (name.startsWith(':')) return undefined;
  if (!/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) return 'field name';
  // eslint-disable-next-line no-control-regex -- these are what must not be there
  if (/[\0-\x08\x0a-\x1f\x7f]/.test(value)) return 'field value';
  if (name === 'transfer-encoding') return 'transfer coding';
  const dashed = name.replaceAll('_', '-');
  const ours = ownHop.has(dashed) || forwardedFields.has(dashed) || dashed === 'transfer-encoding';
  return dashed !== name && ours ? 'ambiguous field' : undefined;
}
