/** Reads a stream by the line, in a way that another process can go on with: nothing is read and then lost. */
import type { Readable } from 'node:stream';
import type { Pipe } from './exec.ts';
import { handleOf } from './node-handle.ts';

/** A line longer than this is told in parts. */
const maxLineBytes = 1 << 20;
const newline = 0x0a;
const carriageReturn = 0x0d;

export interface LineReaderOptions {
  readonly onLine: (line: string) => void;
  /** The begin of the first line. */
  readonly held?: Buffer | undefined;
}

export class LineReader {
  private readonly stream: Readable;
  private readonly onLine: (line: string) => void;
  private held: Buffer;

  constructor(stream: Readable, { onLine, held }: LineReaderOptions) {
    this.stream = stream;
    this.onLine = onLine;
    this.held = held ?? Buffer.alloc(0);
    // What a broken pipe still held is told; that it broke shows in the child's end.
    stream.on('error', () => undefined);
    stream.on('data', (bytes: Buffer) => this.take(bytes));
    stream.on('close', () => this.finish());
  }

  /** Undefined when there is nothing to hand on; then nothing has changed. */
  suspend(): Pipe | undefined {
    const handle = handleOf(this.stream);
    if (handle?.call('readStop') !== true) return undefined;
    handle.note('reading', false);
    return { descriptor: handle.descriptor, held: this.held };
  }

  resume(): void {
    const handle = handleOf(this.stream);
    handle?.note('reading', true);
    handle?.call('readStart');
  }

  private take(bytes: Buffer): void {
    let rest = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      const isCrLf = end > 0 && rest[end - 1] === carriageReturn;
      this.onLine(rest.toString('utf8', 0, isCrLf ? end - 1 : end));
      rest = rest.subarray(end + 1);
    }
    if (rest.length > maxLineBytes) {
      this.onLine(rest.toString('utf8'));
      rest = Buffer.alloc(0);
    }
    this.held = rest;
  }

  private finish(): void {
    if (this.held.length > 0) this.onLine(this.held.toString('utf8'));
    this.held = Buffer.alloc(0);
  }
}
