/**
 * Reads a chunked body (RFC 9112, 7.1) piece by piece. Extensions are checked and left out; trailers are kept until
 * they are whole.
 */
import type { FieldTable } from './field-table.ts';
import { cr, hexDigit, inValue, lf } from './octets.ts';
import type { Problem } from './problems.ts';

type Part =
  | 'size'
  | 'extension'
  | 'size end'
  | 'data'
  | 'data end'
  | 'data end lf'
  | 'trailers'
  | 'done';

/** As long as a size may be: 13 digits are exact as a number. */
const maxDigits = 13;
const maxExtensionBytes = 1024;

const maxTrailerBytes = 8 * 1024;

export class ChunkedBody {
  problem: Problem | undefined;
  /** Holds them from `done` until somebody else reads fields into it. */
  readonly trailers: FieldTable;
  private part: Part = 'size';
  private digits = 0;
  private left = 0;
  private extensionBytes = 0;
  private kept: Uint8Array | undefined;

  constructor(trailers: FieldTable) {
    this.trailers = trailers;
  }

  get done(): boolean {
    return this.part === 'done';
  }

  /** Begins with another body. */
  reset(): void {
    this.problem = undefined;
    this.part = 'size';
    this.digits = 0;
    this.left = 0;
    this.extensionBytes = 0;
    this.kept = undefined;
    this.trailers.count = 0;
  }

  /**
   * Reads from `start`, hands data on as places in `bytes`. Returns where it stopped: at `end`, or after the body
   * once it is `done`; -1 with `problem`.
   */
  read(
    bytes: Uint8Array,
    start: number,
    end: number,
    onData: (bytes: Uint8Array, start: number, end: number) => void,
  ): number {
    let at = start;
    while (at < end && this.part !== 'done') {
      if (this.part === 'data') {
        const stop = Math.min(end, at + this.left);
        onData(bytes, at, stop);
        this.left -= stop - at;
        at = stop;
        if (this.left === 0) this.part = 'data end';
      } else if (this.part === 'trailers') {
        at = this.readTrailers(bytes, at, end);
        if (at < 0) return -1;
      } else if (!this.step(bytes[at++]!)) return -1;
    }
    return at;
  }

  /** One octet of what stands between data. */
  private step(octet: number): boolean {
    switch (this.part) {
      case 'size':
        return this.readSize(octet);
      case 'extension':
        if (octet === cr) this.part = 'size end';
        else if (inValue[octet] === 0 || ++this.extensionBytes > maxExtensionBytes) {
          return this.fail('chunk size');
        }
        return true;
      case 'size end':
        if (octet !== lf) return this.fail('chunk size');
        this.part = this.left === 0 ? 'trailers' : 'data';
        this.digits = 0;
        return true;
      case 'data end':
        this.part = 'data end lf';
        return octet === cr || this.fail('chunk end');
      case 'data end lf':
        this.part = 'size';
        return octet === lf || this.fail('chunk end');
      case 'data':
      case 'trailers':
      case 'done':
        return true;
    }
  }

  private readSize(octet: number): boolean {
    const digit = hexDigit[octet]!;
    if (digit !== 255) {
      if (++this.digits > maxDigits) return this.fail('chunk size');
      this.left = this.left * 16 + digit;
      return true;
    }
    if (this.digits === 0) return this.fail('chunk size');
    if (octet === cr) this.part = 'size end';
    // No blank before the semicolon, though old grammars had it: parsers differ on it.
    else if (octet === 59) this.part = 'extension';
    else return this.fail('chunk size');
    return true;
  }

  private readTrailers(bytes: Uint8Array, at: number, end: number): number {
    const { kept } = this;
    const keptLength = kept?.length ?? 0;
    const room = Math.min(end - at, maxTrailerBytes + 2 - keptLength);
    const all =
      kept === undefined
        ? bytes.subarray(at, at + room)
        : joined(kept, bytes.subarray(at, at + room));
    const after = this.trailers.read(all, 0, all.length);
    if (after > 0) {
      this.part = 'done';
      this.kept = all;
      return at + after - keptLength;
    }
    if (after < 0) this.problem = this.trailers.problem;
    else if (all.length >= maxTrailerBytes) this.problem = 'trailers too large';
    if (this.problem !== undefined) return -1;
    this.kept = Uint8Array.from(all);
    return end;
  }

  private fail(problem: Problem): false {
    this.problem = problem;
    return false;
  }
}

function joined(first: Uint8Array, second: Uint8Array): Uint8Array {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}
