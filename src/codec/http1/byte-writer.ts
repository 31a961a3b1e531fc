/** A buffer that messages are written into, one after the other, and sent from; it grows and is used again. */
import type { FieldTable } from './field-table.ts';

/** Up to here a loop is cheaper than the view that a copy by the runtime needs. */
const copyByHand = 192;

/** Of the largest whole number that is exact. */
const maxDigits = 16;

export class ByteWriter {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity: number) {
    this.bytes = new Uint8Array(capacity);
  }

  clear(): void {
    this.length = 0;
  }

  /** ASCII, or octets as characters. */
  text(text: string): void {
    this.reserve(text.length);
    const { bytes } = this;
    let at = this.length;
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i);
    this.length = at;
  }

  raw(from: Uint8Array, start: number, end: number): void {
    const count = end - start;
    this.reserve(count);
    if (count > copyByHand) {
      this.bytes.set(from.subarray(start, end), this.length);
    } else {
      let at = this.length;
      for (let i = start; i < end; i++) this.bytes[at++] = from[i]!;
    }
    this.length += count;
  }

  all(from: Uint8Array): void {
    this.raw(from, 0, from.length);
  }

  /** A whole number of at least 0. */
  decimal(value: number): void {
    this.reserve(maxDigits);
    let digits = 1;
    for (let left = value; left >= 10; left = Math.floor(left / 10)) digits++;
    let left = value;
    for (let at = this.length + digits; at > this.length;) {
      const rest = Math.floor(left / 10);
      this.bytes[--at] = 48 + left - rest * 10;
      left = rest;
    }
    this.length += digits;
  }

  field(name: string, value: string): void {
    this.text(name);
    this.text(': ');
    this.text(value);
    this.text('\r\n');
  }

  /** One chunk of a chunked body, which is not empty. */
  chunk(from: Uint8Array, start: number, end: number): void {
    this.text((end - start).toString(16));
    this.text('\r\n');
    this.raw(from, start, end);
    this.text('\r\n');
  }

  /** The lines of those fields that `keeps` says yes to, as they came. */
  fields(fields: FieldTable, keeps: (fields: FieldTable, index: number) => boolean): void {
    let from = -1;
    let to = -1;
    for (let i = 0; i < fields.count; i++) {
      if (!keeps(fields, i)) continue;
      const start = fields.lineStart(i);
      if (start !== to) {
        if (from >= 0) this.raw(fields.bytes, from, to);
        from = start;
      }
      to = fields.lineEnd(i);
    }
    if (from >= 0) this.raw(fields.bytes, from, to);
  }

  private reserve(count: number): void {
    if (this.length + count <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(this.bytes.length * 2, this.length + count));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }
}
