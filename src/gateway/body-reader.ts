/** Reads one body after the other off a connection of HTTP/1.1, however each is framed. */
import { ChunkedBody, type FieldTable, type Problem } from '../codec/http1/index.ts';
import { trailerList } from './field-lists.ts';
import type { FieldList } from './messages.ts';

export type Framed = 'length' | 'chunks' | 'until close';

type OnData = (bytes: Uint8Array, start: number, end: number) => void;

export class BodyReader {
  /** Its end has been read. */
  whole = false;
  framed: Framed = 'length';
  trailers: FieldList = none;
  problem: Problem | undefined;
  /** Bytes of content so far. */
  seen = 0;
  private left = 0;
  private chunks: ChunkedBody | undefined;
  private readonly table: FieldTable;
  private readonly onData: OnData;

  /** `table` is read into by many, each done with it before it returns. */
  constructor(table: FieldTable, onData: OnData) {
    this.table = table;
    this.onData = onData;
  }

  begin(framed: Framed, length: number): void {
    this.framed = framed;
    this.left = length;
    this.whole = false;
    this.problem = undefined;
    this.trailers = none;
    this.seen = 0;
    if (framed !== 'chunks') return;
    this.chunks ??= new ChunkedBody(this.table);
    this.chunks.reset();
  }

  /** Returns where it stopped: at `end`, or after the body once it is whole; -1 with `problem`. */
  read(bytes: Uint8Array, at: number, end: number): number {
    if (this.framed === 'chunks' && this.chunks !== undefined) {
      return this.readChunks(this.chunks, bytes, at, end);
    }
    const stop = this.framed === 'length' ? Math.min(end, at + this.left) : end;
    this.pass(bytes, at, stop);
    this.left -= stop - at;
    this.whole = this.framed === 'length' && this.left === 0;
    return stop;
  }

  private readChunks(chunks: ChunkedBody, bytes: Uint8Array, at: number, end: number): number {
    const after = chunks.read(bytes, at, end, this.pass);
    if (after < 0) this.problem = chunks.problem ?? 'chunk size';
    else if (chunks.done) {
      this.whole = true;
      this.trailers = trailerList(chunks.trailers);
    }
    return after;
  }

  private readonly pass: OnData = (bytes, start, end) => {
    this.seen += end - start;
    this.onData(bytes, start, end);
  };
}

const none: FieldList = [];
