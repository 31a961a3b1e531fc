/** What a backend is told of the client: X-Forwarded-* and Forwarded (RFC 7239), and whose word is taken for it. */
import { cidrContains, parseIp, type Cidr, type SocketAddress } from '../model/index.ts';
import type { FieldList } from './messages.ts';

export interface ForwardingOptions {
  /** Whoever connected to us. */
  readonly peer: SocketAddress;
  /** Where it connected to. */
  readonly local: SocketAddress;
  readonly scheme: 'http' | 'https';
  /** Ranges of proxies whose word is taken. */
  readonly trusted: readonly Cidr[];
}

type ReadField = (name: string) => string | undefined;

/** One client connection's. */
export class Forwarding {
  /** What the peer says of its own clients is believed. */
  readonly believes: boolean;
  readonly scheme: 'http' | 'https';
  readonly local: SocketAddress;
  private readonly options: ForwardingOptions;
  private lastHost: string | undefined;
  private lastHostLine = new Uint8Array(0);
  private lastAuthority: string | undefined;
  private lastBlock = new Uint8Array(0);

  constructor(options: ForwardingOptions) {
    this.options = options;
    this.local = options.local;
    this.scheme = options.scheme;
    this.believes = isTrusted(options.trusted, options.peer.address);
  }

  /** The client itself: the last address in X-Forwarded-For that is no proxy we trust. */
  client(read: ReadField): SocketAddress {
    const { peer, trusted } = this.options;
    const said = this.believes ? read('x-forwarded-for') : undefined;
    if (said === undefined) return peer;
    let client = peer;
    for (const hop of said.split(',').toReversed()) {
      const address = hop.trim();
      if (parseIp(address) === undefined) break;
      client = { address, port: 0 };
      if (!isTrusted(trusted, address)) break;
    }
    return client;
  }

  /** The Host field as a line of a head. Mostly that of the request before. */
  host(authority: string): Uint8Array {
    if (authority === this.lastHost) return this.lastHostLine;
    this.lastHost = authority;
    return (this.lastHostLine = octetsOf(`Host: ${authority}\r\n`));
  }

  /** The fields as lines of a head. Mostly those of the request before. */
  block(authority: string, read: ReadField): Uint8Array {
    if (!this.believes && authority === this.lastAuthority) return this.lastBlock;
    const list = this.list(authority, read);
    let block = '';
    for (let i = 0; i + 1 < list.length; i += 2) block += `${list[i]}: ${list[i + 1]}\r\n`;
    this.lastAuthority = authority;
    return (this.lastBlock = octetsOf(block));
  }

  list(authority: string, read: ReadField): FieldList {
    const { peer, local, scheme } = this.options;
    const said: ReadField = this.believes ? read : () => undefined;
    const element = `for=${node(peer.address)};host="${authority}";proto=${scheme}`;
    return [
      'x-forwarded-for',
      appended(said('x-forwarded-for'), peer.address),
      'x-forwarded-proto',
      said('x-forwarded-proto') ?? scheme,
      'x-forwarded-host',
      said('x-forwarded-host') ?? authority,
      'x-forwarded-port',
      said('x-forwarded-port') ?? String(local.port),
      'forwarded',
      appended(said('forwarded'), element),
    ];
  }
}

function octetsOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function isTrusted(trusted: readonly Cidr[], address: string): boolean {
  if (trusted.length === 0) return false;
  const bytes = parseIp(address);
  return bytes !== undefined && trusted.some((range) => cidrContains(range, bytes));
}

function appended(list: string | undefined, element: string): string {
  return list === undefined || list === '' ? element : `${list}, ${element}`;
}

/** An IPv6 address needs brackets and quotes there (RFC 7239, 6). */
function node(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address;
}
