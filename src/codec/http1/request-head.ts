/**
 * Reads the head of a request, strictly (RFC 9112): what two parsers could read in two ways is refused. One object
 * reads any number of heads; what it says of one holds until the next, as long as the bytes stay.
 */
import type { ByteWriter } from './byte-writer.ts';
import { FieldTable, ids } from './field-table.ts';
import { Framing } from './framing.ts';
import { cr, folded, inHost, inTarget, lf, space, textAgain, textOf } from './octets.ts';
import type { Problem } from './problems.ts';

const slash = 47;
const star = 42;

/** Longest method that anybody registered, twice. */
const maxMethod = 36;

const commonMethods = ['GET', 'POST', 'PUT', 'HEAD', 'DELETE', 'PATCH', 'OPTIONS'] as const;

export interface RequestLimits {
  readonly maxTargetBytes: number;
}

/** Octets of ` HTTP/1.1` and the end of the line. */
const wholeVersion = 11;

export class RequestHead {
  readonly fields = new FieldTable();
  readonly framing = new Framing();
  problem: Problem | undefined;
  minor = 1;
  method = '';
  /** Where the target begins and ends; of an absolute target, its path. */
  targetStart = 0;
  targetEnd = 0;
  /** Index of the Host field; -1: none. */
  hostField = -1;
  /** Index of the Upgrade field; -1: none, or it is not asked for properly. */
  upgradeField = -1;
  expectsContinue = false;
  /** Any of X-Forwarded-* and Forwarded is there. */
  hasForwarded = false;
  private lineStart = 0;
  private authorityStart = 0;
  private authorityEnd = 0;
  private readonly maxTarget: number;

  constructor({ maxTargetBytes }: RequestLimits = { maxTargetBytes: 16 * 1024 }) {
    this.maxTarget = maxTargetBytes;
  }

  /** Returns the place after the head, 0 when `end` comes first, or -1 with `problem`. */
  read(bytes: Uint8Array, start: number, end: number): number {
    this.clear();
    let at = start;
    // One empty line may precede a request (RFC 9112, 2.2).
    if (at < end && bytes[at] === cr) {
      if (at + 1 >= end) return 0;
      if (bytes[at + 1] !== lf) return this.fail('line end');
      at += 2;
    }
    at = this.readLine(bytes, at, end);
    if (at <= 0) return at;
    const after = this.fields.read(bytes, at, end);
    if (after === 0) return 0;
    if (after < 0) return this.fail(this.fields.problem ?? 'field name');
    const problem = this.understand();
    return problem === undefined ? after : this.fail(problem);
  }

  /** Host and port: of an absolute target, else of the Host field; '' when there is none. */
  get authority(): string {
    return textOf(this.fields.bytes, this.authorityStart, this.authorityEnd);
  }

  /** The same; `before` itself when it is just this. */
  authorityAgain(before: string): string {
    return textAgain(this.fields.bytes, this.authorityStart, this.authorityEnd, before);
  }

  get target(): string {
    return textOf(this.fields.bytes, this.targetStart, this.targetEnd);
  }

  /** Method, path and version, as a server of its own is asked. */
  writeLine(out: ByteWriter): void {
    // As it is written below, unless the target was absolute.
    if (this.minor === 1 && this.targetStart === this.lineStart + this.method.length + 1) {
      return out.raw(this.fields.bytes, this.lineStart, this.targetEnd + wholeVersion);
    }
    out.text(this.method);
    out.text(' ');
    out.raw(this.fields.bytes, this.targetStart, this.targetEnd);
    out.text(' HTTP/1.1\r\n');
  }

  /** True when another request may follow on the connection. */
  get keepsAlive(): boolean {
    if (this.framing.wantsClose) return false;
    return this.minor === 1 || this.framing.wantsKeepAlive;
  }

  private clear(): void {
    this.framing.clear();
    this.hostField = -1;
    this.upgradeField = -1;
    this.expectsContinue = false;
    this.hasForwarded = false;
    this.authorityStart = 0;
    this.authorityEnd = 0;
  }

  private readLine(bytes: Uint8Array, start: number, end: number): number {
    this.lineStart = start;
    let at = start;
    while (at < end && folded[bytes[at]!] !== 0) at++;
    if (at - start > maxMethod) return this.fail('method');
    if (at === end) return 0;
    if (bytes[at] !== space || at === start) return this.fail('request line');
    this.method = methodOf(bytes, start, at);
    const target = ++at;
    while (at < end && inTarget[bytes[at]!] === 1) at++;
    if (at - target > this.maxTarget) return this.fail('target too long');
    if (at === end) return 0;
    if (bytes[at] !== space || at === target) return this.fail('target');
    this.targetStart = target;
    this.targetEnd = at;
    return this.readVersion(bytes, at + 1, end);
  }

  private readVersion(bytes: Uint8Array, at: number, end: number): number {
    const known = Math.min(end - at, protocol.length);
    for (let i = 0; i < known; i++) if (bytes[at + i] !== protocol[i]) return this.fail('version');
    if (end - at < protocol.length + 3) return 0;
    const [major, dot, minor] = [bytes[at + 5]! - 48, bytes[at + 6], bytes[at + 7]! - 48];
    if (dot !== 46 || major < 0 || major > 9 || minor < 0 || minor > 9) return this.fail('version');
    if (major !== 1 || minor > 1) return this.fail('version not supported');
    this.minor = minor;
    if (end - at < protocol.length + 5) return 0;
    return bytes[at + 8] === cr && bytes[at + 9] === lf ? at + 10 : this.fail('line end');
  }

  private understand(): Problem | undefined {
    const { fields, framing } = this;
    for (let i = 0; i < fields.count; i++) {
      const id = fields.idAt(i);
      if (id === 0) continue;
      const problem = framing.take(fields, i) ?? this.takeOwn(id, i);
      if (problem !== undefined) return problem;
    }
    if (!framing.wantsUpgrade) this.upgradeField = -1;
    return framing.check(this.minor) ?? this.understandTarget();
  }

  private takeOwn(id: number, index: number): Problem | undefined {
    if (id === ids.host) {
      if (this.hostField >= 0) return 'host';
      this.hostField = index;
    } else if (id === ids.upgrade) this.upgradeField = index;
    else if (id === ids.expect) {
      if (this.fields.valueText(index).toLowerCase() !== '100-continue') return 'expectation';
      this.expectsContinue = this.minor === 1;
    } else if (id >= ids.forwardedFor && id <= ids.forwarded) this.hasForwarded = true;
    return undefined;
  }

  private understandTarget(): Problem | undefined {
    const { fields, hostField } = this;
    const { bytes } = fields;
    if (hostField >= 0) {
      this.authorityStart = fields.valueStart(hostField);
      this.authorityEnd = fields.valueEnd(hostField);
      if (!isHost(bytes, this.authorityStart, this.authorityEnd)) return 'host';
    } else if (this.minor === 1) return 'host';
    if (this.method === 'CONNECT') return 'method not supported';
    const first = bytes[this.targetStart];
    if (first === slash) return undefined;
    if (first === star && this.targetEnd === this.targetStart + 1) {
      return this.method === 'OPTIONS' ? undefined : 'target';
    }
    return this.understandAbsolute();
  }

  /** `http://host/path`: the host in it wins over the Host field (RFC 9112, 3.2.2). */
  private understandAbsolute(): Problem | undefined {
    const match = /^https?:\/\/([^/?]+)/i.exec(this.target);
    if (match === null) return 'target';
    const [whole, authority = ''] = match;
    const pathStart = this.targetStart + whole.length;
    // A target without a path would need one that is nowhere in the bytes.
    if (this.fields.bytes[pathStart] !== slash) return 'target';
    this.authorityStart = pathStart - authority.length;
    this.authorityEnd = pathStart;
    this.targetStart = pathStart;
    return isHost(this.fields.bytes, this.authorityStart, this.authorityEnd) ? undefined : 'host';
  }

  private fail(problem: Problem): -1 {
    this.problem = problem;
    return -1;
  }
}

const protocol = Uint8Array.from('HTTP/', (character) => character.charCodeAt(0));

function methodOf(bytes: Uint8Array, start: number, end: number): string {
  for (const method of commonMethods) {
    if (method.length !== end - start) continue;
    let at = 0;
    while (at < method.length && bytes[start + at] === method.charCodeAt(at)) at++;
    if (at === method.length) return method;
  }
  return textOf(bytes, start, end);
}

function isHost(bytes: Uint8Array, start: number, end: number): boolean {
  let colons = 0;
  for (let at = start; at < end; at++) {
    const octet = bytes[at]!;
    if (inHost[octet] === 0) return false;
    if (octet === 58) colons++;
  }
  if (start === end) return false;
  if (bytes[start] === 91) {
    return /^\[[0-9a-f:.]+\](:[0-9]{1,5})?$/i.test(textOf(bytes, start, end));
  }
  if (colons > 0) return colons === 1 && /^[^[\]]+:[0-9]{1,5}$/.test(textOf(bytes, start, end));
  return bytes[end - 1] !== 93;
}
