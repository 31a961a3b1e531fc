/**
 * The fields of one head or trailer section, as places in the bytes they were read from. One table serves any
 * number of messages, one after the other.
 */
import { fieldId, hashStep, identify } from './known-fields.ts';
import { colon, comma, cr, folded, inValue, lf, space, tab, textAgain, textOf } from './octets.ts';
import type { Problem } from './problems.ts';

/** More fields than anybody sends who means well. */
const maxFields = 256;

const width = 5;

export class FieldTable {
  bytes: Uint8Array = new Uint8Array(0);
  count = 0;
  problem: Problem | undefined;
  /** A row a field: name start, name end, value start, value end, id. The next line begins 2 or more after. */
  private readonly rows = new Int32Array(maxFields * width);
  private readonly lineEnds = new Int32Array(maxFields);

  /**
   * Reads fields from `at` to the empty line that ends them. Returns the place after it, 0 when `end` comes
   * first, or -1 with `problem`.
   */
  read(bytes: Uint8Array, at: number, end: number): number {
    this.bytes = bytes;
    this.count = 0;
    for (let next = at; next < end;) {
      const first = bytes[next]!;
      if (first === cr) {
        if (next + 1 >= end) return 0;
        return bytes[next + 1] === lf ? next + 2 : this.fail('line end');
      }
      if (first === lf) return this.fail('line end');
      if (first === space || first === tab) return this.fail('folded field');
      if (this.count === maxFields) return this.fail('too many fields');
      next = this.readField(bytes, next, end);
      if (next <= 0) return next;
    }
    return 0;
  }

  private readField(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    let hash = 0;
    let octet = 0;
    for (; at < end; at++) {
      octet = folded[bytes[at]!]!;
      if (octet === 0) break;
      hash = hashStep(hash, octet);
    }
    if (at === end) return 0;
    if (bytes[at] !== colon || at === start) {
      return this.fail(bytes[at] === lf || bytes[at] === cr ? 'line end' : 'field name');
    }
    const nameEnd = at++;
    while (at < end && (bytes[at] === space || bytes[at] === tab)) at++;
    const valueStart = at;
    while (at < end && inValue[bytes[at]!] === 1) at++;
    if (at + 1 >= end) return at < end && bytes[at] !== cr ? this.failValue(bytes[at]!) : 0;
    if (bytes[at] !== cr) return this.failValue(bytes[at]!);
    if (bytes[at + 1] !== lf) return this.fail('line end');
    let valueEnd = at;
    while (valueEnd > valueStart && isBlank(bytes[valueEnd - 1]!)) valueEnd--;
    const id = identify(bytes, start, nameEnd, hash);
    if (id !== 0 && hasUnderscore(bytes, start, nameEnd)) return this.fail('ambiguous field');
    const row = this.count * width;
    this.rows[row] = start;
    this.rows[row + 1] = nameEnd;
    this.rows[row + 2] = valueStart;
    this.rows[row + 3] = valueEnd;
    this.rows[row + 4] = id;
    this.lineEnds[this.count++] = at + 2;
    return at + 2;
  }

  idAt(index: number): number {
    return this.rows[index * width + 4]!;
  }

  lineStart(index: number): number {
    return this.rows[index * width]!;
  }

  lineEnd(index: number): number {
    return this.lineEnds[index]!;
  }

  valueStart(index: number): number {
    return this.rows[index * width + 2]!;
  }

  valueEnd(index: number): number {
    return this.rows[index * width + 3]!;
  }

  nameText(index: number): string {
    const row = index * width;
    return textOf(this.bytes, this.rows[row]!, this.rows[row + 1]!);
  }

  valueText(index: number): string {
    const row = index * width;
    return textOf(this.bytes, this.rows[row + 2]!, this.rows[row + 3]!);
  }

  /** Whether the name is this one, which is in lower case. */
  isNamed(index: number, name: string): boolean {
    const row = index * width;
    const start = this.rows[row]!;
    if (this.rows[row + 1]! - start !== name.length) return false;
    for (let i = 0; i < name.length; i++) {
      const octet = this.bytes[start + i]!;
      const lower = octet >= 65 && octet <= 90 ? octet + 32 : octet;
      if (lower !== name.charCodeAt(i)) return false;
    }
    return true;
  }

  /** The values of all fields of this name, which is in lower case, joined; undefined when there is none. */
  valueOf(name: string): string | undefined {
    if (name === 'cookie') return this.cookies();
    let joined: string | undefined;
    for (let i = 0; i < this.count; i++) {
      if (!this.isNamed(i, name)) continue;
      const value = this.valueText(i);
      joined = joined === undefined ? value : `${joined}, ${value}`;
    }
    return joined;
  }

  /** The values of all Cookie fields; `before` itself when it is what the first one says. */
  cookies(before = ''): string | undefined {
    let joined: string | undefined;
    for (let i = 0; i < this.count; i++) {
      if (this.idAt(i) !== ids.cookie) continue;
      const value = textAgain(this.bytes, this.valueStart(i), this.valueEnd(i), before);
      joined = joined === undefined ? value : `${joined}; ${value}`;
    }
    return joined;
  }

  /** Calls back with each member of a comma-separated list, in lower case. */
  eachToken(index: number, visit: (token: string) => void): void {
    const end = this.valueEnd(index);
    let start = this.valueStart(index);
    for (let at = start; at <= end; at++) {
      if (at < end && this.bytes[at] !== comma) continue;
      const token = textOf(this.bytes, start, at).trim().toLowerCase();
      if (token !== '') visit(token);
      start = at + 1;
    }
  }

  private fail(problem: Problem): -1 {
    this.problem = problem;
    return -1;
  }

  private failValue(octet: number): -1 {
    return this.fail(octet === lf ? 'line end' : 'field value');
  }
}

export const ids = {
  host: fieldId('host'),
  contentLength: fieldId('content-length'),
  transferEncoding: fieldId('transfer-encoding'),
  connection: fieldId('connection'),
  upgrade: fieldId('upgrade'),
  expect: fieldId('expect'),
  cookie: fieldId('cookie'),
  te: fieldId('te'),
  forwardedFor: fieldId('x-forwarded-for'),
  forwardedProto: fieldId('x-forwarded-proto'),
  forwardedHost: fieldId('x-forwarded-host'),
  forwardedPort: fieldId('x-forwarded-port'),
  forwarded: fieldId('forwarded'),
} as const;

function isBlank(octet: number): boolean {
  return octet === space || octet === tab;
}

function hasUnderscore(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === 95) return true;
  return false;
}
