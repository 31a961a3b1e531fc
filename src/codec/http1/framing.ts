/** Where the body of a message ends, and what its Connection field says: what both heads have in common. */
import { ids, type FieldTable } from './field-table.ts';
import type { Problem } from './problems.ts';

/** Digits of a length that are exact as a number. */
const maxDigits = 15;

export class Framing {
  /** -1: none is given. */
  contentLength = -1;
  chunked = false;
  /** What Connection says. */
  wantsClose = false;
  wantsKeepAlive = false;
  wantsUpgrade = false;
  /** Fields that Connection names: they are for the next hop only. */
  readonly named: string[] = [];
  private codings = 0;

  clear(): void {
    this.contentLength = -1;
    this.chunked = false;
    this.wantsClose = false;
    this.wantsKeepAlive = false;
    this.wantsUpgrade = false;
    if (this.named.length > 0) this.named.length = 0;
    this.codings = 0;
  }

  /** Takes in one field, if it is about framing. */
  take(fields: FieldTable, index: number): Problem | undefined {
    const id = fields.idAt(index);
    if (id === ids.contentLength) return this.takeLength(fields, index);
    if (id === ids.transferEncoding) return this.takeCoding(fields, index);
    if (id === ids.connection) return this.takeConnection(fields, index);
    return undefined;
  }

  /** A transfer coding beside a length, or in a version that has none, is how requests are smuggled. */
  check(minor: number): Problem | undefined {
    if (!this.chunked) return undefined;
    if (this.contentLength >= 0) return 'content length and transfer coding';
    return minor === 0 ? 'transfer coding' : undefined;
  }

  private takeLength(fields: FieldTable, index: number): Problem | undefined {
    const start = fields.valueStart(index);
    const end = fields.valueEnd(index);
    if (this.contentLength >= 0 || start === end || end - start > maxDigits)
      return 'content length';
    let length = 0;
    for (let at = start; at < end; at++) {
      const digit = fields.bytes[at]! - 48;
      if (digit < 0 || digit > 9) return 'content length';
      length = length * 10 + digit;
    }
    this.contentLength = length;
    return undefined;
  }

  private takeCoding(fields: FieldTable, index: number): Problem | undefined {
    const value = fields.valueText(index).toLowerCase();
    if (++this.codings > 1) return 'transfer coding';
    if (value === 'chunked') {
      this.chunked = true;
      return undefined;
    }
    return /^(gzip|deflate|compress|x-gzip|x-compress)( *, *chunked)?$/.test(value)
      ? 'transfer coding not supported'
      : 'transfer coding';
  }

  private takeConnection(fields: FieldTable, index: number): Problem | undefined {
    let problem: Problem | undefined;
    fields.eachToken(index, (token) => {
      if (token === 'close') this.wantsClose = true;
      else if (token === 'keep-alive') this.wantsKeepAlive = true;
      else if (token === 'upgrade') this.wantsUpgrade = true;
      // Nobody may ask us to forget how the message is framed or whom it is for.
      else if (/^(host|content-length|transfer-encoding|:.*)$/.test(token)) problem = 'connection';
      else if (this.named.length < 32) this.named.push(token);
      else problem = 'connection';
    });
    return problem;
  }
}
