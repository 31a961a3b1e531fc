/** SPDY/3.1 frames in and out: as much of it as Kubernetes speaks, which has no flow control. */
import { FieldReader, FieldWriter, type Inflate, type SpdyFields } from './field-block.ts';

export type SpdyFrame =
  | {
      readonly kind: 'open' | 'reply' | 'fields';
      readonly stream: number;
      readonly isFinal: boolean;
      readonly fields: SpdyFields;
    }
  | { readonly kind: 'reset'; readonly stream: number; readonly status: number }
  | { readonly kind: 'ping'; readonly id: number }
  | { readonly kind: 'goaway' }
  /** A frame's data comes in as many pieces as it arrived in; the last may be final. */
  | {
      readonly kind: 'data';
      readonly stream: number;
      readonly isFinal: boolean;
      readonly bytes: Buffer;
    }
  /** Nothing after it can be read. */
  | { readonly kind: 'broken'; readonly why: string };

const types = { open: 1, reply: 2, reset: 3, ping: 6, goaway: 7, fields: 8 } as const;
const version = 3;
const headBytes = 8;
const finalFlag = 1;
const maxControlBytes = 65_536;
/** Statuses of a stream that is reset. */
export const spdyStatus = { protocolError: 1, refused: 3, cancel: 5 } as const;

interface DataLeft {
  readonly stream: number;
  readonly isFinal: boolean;
  left: number;
}

export class SpdyReader {
  private readonly fieldReader: FieldReader;
  private held: Buffer = Buffer.alloc(0);
  private data: DataLeft | undefined;
  private isBroken = false;

  constructor(inflate: Inflate) {
    this.fieldReader = new FieldReader(inflate);
  }

  read(bytes: Buffer): readonly SpdyFrame[] {
    const frames: SpdyFrame[] = [];
    this.held = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
    while (!this.isBroken) {
      const frame = this.data === undefined ? this.head() : this.dataPiece(this.data);
      if (frame === 'more') break;
      if (frame === 'ignored') continue;
      this.isBroken = frame.kind === 'broken';
      frames.push(frame);
    }
    return frames;
  }

  private head(): SpdyFrame | 'more' | 'ignored' {
    const { held } = this;
    if (held.length < headBytes) return 'more';
    const word = held.readUInt32BE(0);
    const flags = held.readUInt8(4);
    const length = held.readUIntBE(5, 3);
    if (word < 0x8000_0000) {
      if (word === 0) return broken('data belongs to no stream');
      this.held = held.subarray(headBytes);
      this.data = { stream: word, isFinal: (flags & finalFlag) !== 0, left: length };
      return 'ignored';
    }
    if (((word >>> 16) & 0x7fff) !== version) return broken('a frame is not of SPDY/3');
    if (length > maxControlBytes) return broken(`a frame has more than ${maxControlBytes} bytes`);
    if (held.length < headBytes + length) return 'more';
    this.held = held.subarray(headBytes + length);
    const body = held.subarray(headBytes, headBytes + length);
    return this.control(word & 0xffff, { body, isFinal: (flags & finalFlag) !== 0 });
  }

  private dataPiece(data: DataLeft): SpdyFrame | 'more' {
    const bytes = this.held.subarray(0, data.left);
    if (bytes.length === 0 && data.left > 0) return 'more';
    this.held = this.held.subarray(bytes.length);
    data.left -= bytes.length;
    if (data.left === 0) this.data = undefined;
    return { kind: 'data', stream: data.stream, isFinal: data.isFinal && data.left === 0, bytes };
  }

  private control(type: number, { body, isFinal }: ControlFrame): SpdyFrame | 'ignored' {
    switch (type) {
      case types.open:
        return this.withFields('open', { body, isFinal }, 10);
      case types.reply:
        return this.withFields('reply', { body, isFinal }, 4);
      case types.fields:
        return this.withFields('fields', { body, isFinal }, 4);
      case types.reset:
        if (body.length !== 8) return broken('a reset is of another length');
        return { kind: 'reset', stream: streamIn(body), status: body.readUInt32BE(4) };
      case types.ping:
        if (body.length !== 4) return broken('a ping is of another length');
        return { kind: 'ping', id: body.readUInt32BE(0) };
      case types.goaway:
        return { kind: 'goaway' };
      default:
        // Settings and windows: nothing here is counted.
        return 'ignored';
    }
  }

  private withFields(
    kind: 'open' | 'reply' | 'fields',
    { body, isFinal }: ControlFrame,
    fixedBytes: number,
  ): SpdyFrame {
    const fields =
      body.length < fixedBytes + 2 ? undefined : this.fieldReader.read(body.subarray(fixedBytes));
    if (fields === undefined) return broken('the fields of a stream cannot be read');
    const stream = streamIn(body);
    return stream === 0 ? broken('a stream has no number') : { kind, stream, isFinal, fields };
  }
}

interface ControlFrame {
  readonly body: Buffer;
  readonly isFinal: boolean;
}

function streamIn(body: Buffer): number {
  return body.readUInt32BE(0) & 0x7fff_ffff;
}

function broken(why: string): SpdyFrame {
  return { kind: 'broken', why };
}

/** Fields of one direction are packed as one, so that a connection has one writer. */
export class SpdyWriter {
  private readonly fieldWriter = new FieldWriter();

  open(stream: number, fields: SpdyFields): Buffer {
    // No stream this belongs to, no priority, no slot.
    return control(types.open, numbers(stream, 0), Buffer.alloc(2), this.fieldWriter.write(fields));
  }

  reply(stream: number): Buffer {
    return control(types.reply, numbers(stream), this.fieldWriter.write(new Map()));
  }

  reset(stream: number, status: number): Buffer {
    return control(types.reset, numbers(stream, status));
  }

  ping(id: number): Buffer {
    return control(types.ping, numbers(id));
  }

  data(stream: number, bytes: Uint8Array, isFinal: boolean): Buffer {
    const head = Buffer.alloc(headBytes);
    head.writeUInt32BE(stream, 0);
    head.writeUInt8(isFinal ? finalFlag : 0, 4);
    head.writeUIntBE(bytes.length, 5, 3);
    return Buffer.concat([head, bytes]);
  }
}

function control(type: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(headBytes);
  head.writeUInt32BE((0x8000_0000 | (version << 16) | type) >>> 0, 0);
  head.writeUIntBE(body.length, 5, 3);
  return Buffer.concat([head, body]);
}

function numbers(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [i, value] of values.entries()) bytes.writeUInt32BE(value, 4 * i);
  return bytes;
}
