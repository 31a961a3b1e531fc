/** Reads the head of a response as strictly as a request's: a backend can be wrong, or somebody else's. */
import type { ByteWriter } from './byte-writer.ts';
import { FieldTable } from './field-table.ts';
import { Framing } from './framing.ts';
import { cr, inValue, lf, space } from './octets.ts';
import type { Problem } from './problems.ts';

const protocol = Uint8Array.from('HTTP/1.', (character) => character.charCodeAt(0));

/** Octets of `HTTP/1.1 200 `. */
const wholeStatus = 13;

export class ResponseHead {
  readonly fields = new FieldTable();
  readonly framing = new Framing();
  problem: Problem | undefined;
  minor = 1;
  status = 0;
  private lineStart = 0;
  /** Where the reason phrase begins and ends. */
  reasonStart = 0;
  reasonEnd = 0;

  /** Returns the place after the head, 0 when `end` comes first, or -1 with `problem`. */
  read(bytes: Uint8Array, start: number, end: number): number {
    this.framing.clear();
    const at = this.readLine(bytes, start, end);
    if (at <= 0) return at;
    const after = this.fields.read(bytes, at, end);
    if (after === 0) return 0;
    if (after < 0) return this.fail(this.fields.problem ?? 'field name');
    for (let i = 0; i < this.fields.count; i++) {
      if (this.fields.idAt(i) === 0) continue;
      const problem = this.framing.take(this.fields, i);
      if (problem !== undefined) return this.fail(problem);
    }
    const problem = this.framing.check(this.minor);
    return problem === undefined ? after : this.fail(problem);
  }

  /** True when another response may follow on the connection, as far as the head says. */
  get keepsAlive(): boolean {
    if (this.framing.wantsClose) return false;
    return this.minor === 1 || this.framing.wantsKeepAlive;
  }

  /** Writes status and reason as they came, in our own version. */
  writeLine(out: ByteWriter): void {
    // As it is written below: HTTP/1.1, and a blank after the status.
    const { lineStart, reasonStart, reasonEnd } = this;
    if (this.minor === 1 && reasonStart - lineStart === wholeStatus) {
      return out.raw(this.fields.bytes, lineStart, reasonEnd + 2);
    }
    out.text('HTTP/1.1 ');
    out.decimal(this.status);
    out.text(' ');
    out.raw(this.fields.bytes, this.reasonStart, this.reasonEnd);
    out.text('\r\n');
  }

  private readLine(bytes: Uint8Array, start: number, end: number): number {
    this.lineStart = start;
    const known = Math.min(end - start, protocol.length);
    for (let i = 0; i < known; i++) {
      if (bytes[start + i] !== protocol[i]) return this.fail('status line');
    }
    let at = start + protocol.length;
    if (at + 6 > end) return 0;
    this.minor = bytes[at++]! - 48;
    if ((this.minor !== 0 && this.minor !== 1) || bytes[at++] !== space) {
      return this.fail('status line');
    }
    this.status = 0;
    for (const stop = at + 3; at < stop; at++) {
      const digit = bytes[at]! - 48;
      if (digit < 0 || digit > 9) return this.fail('status line');
      this.status = this.status * 10 + digit;
    }
    if (this.status < 100) return this.fail('status line');
    if (at < end && bytes[at] === space) at++;
    else if (at < end && bytes[at] !== cr) return this.fail('status line');
    this.reasonStart = at;
    while (at < end && inValue[bytes[at]!] === 1) at++;
    this.reasonEnd = at;
    if (at + 1 >= end) return at < end && bytes[at] !== cr ? this.fail('status line') : 0;
    return bytes[at] === cr && bytes[at + 1] === lf ? at + 2 : this.fail('line end');
  }

  private fail(problem: Problem): -1 {
    this.problem = problem;
    return -1;
  }
}
