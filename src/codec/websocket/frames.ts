/** WebSocket frames (RFC 6455) in and out: messages put together from their fragments, control frames between them. */

export type WebSocketEvent =
  | { readonly kind: 'message'; readonly bytes: Buffer }
  | { readonly kind: 'ping'; readonly bytes: Buffer }
  /** The peer closes; empty when it says nothing of why. */
  | { readonly kind: 'close'; readonly reason: string }
  /** What came is no WebSocket, or more than is taken: nothing after it can be read. */
  | { readonly kind: 'broken'; readonly why: string };

export interface WebSocketReaderOptions {
  /** Frames of clients are masked, those of servers are not. */
  readonly from: 'client' | 'server';
  readonly maxMessageBytes: number;
}

const opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;
const maxControlBytes = 125;

export class WebSocketReader {
  private readonly options: WebSocketReaderOptions;
  private held: Buffer = Buffer.alloc(0);
  private fragments: Buffer[] | undefined;
  private size = 0;
  private isOver = false;

  constructor(options: WebSocketReaderOptions) {
    this.options = options;
  }

  /** In order; after `broken` and `close` nothing comes any more. */
  read(bytes: Buffer): readonly WebSocketEvent[] {
    const events: WebSocketEvent[] = [];
    this.held = this.held.length === 0 ? bytes : Buffer.concat([this.held, bytes]);
    while (!this.isOver) {
      const frame = this.next();
      if (frame === undefined) break;
      const event = typeof frame === 'string' ? broken(frame) : this.eventOf(frame);
      if (event === undefined) continue;
      this.isOver = event.kind === 'broken' || event.kind === 'close';
      events.push(event);
    }
    return events;
  }

  /** Undefined: not there in full yet. Text: what is wrong with it. */
  private next(): Frame | string | undefined {
    const { held, options } = this;
    if (held.length < 2) return undefined;
    const first = held.readUInt8(0);
    const second = held.readUInt8(1);
    if ((first & 0x70) !== 0) return 'a frame uses an extension that nobody agreed on';
    if (second >= 0x80 !== (options.from === 'client')) return 'a frame is masked the wrong way';
    const short = second & 0x7f;
    const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
    const maskBytes = options.from === 'client' ? 4 : 0;
    const headBytes = 2 + lengthBytes + maskBytes;
    if (held.length < headBytes) return undefined;
    const length =
      lengthBytes === 8
        ? Number(held.readBigUInt64BE(2))
        : lengthBytes === 2
          ? held.readUInt16BE(2)
          : short;
    const opcode = first & 0x0f;
    const isFinal = first >= 0x80;
    if (opcode >= opcodes.close && (length > maxControlBytes || !isFinal)) {
      return 'a control frame is too long, or in fragments';
    }
    if (this.size + length > options.maxMessageBytes) {
      return `a message is longer than ${options.maxMessageBytes} bytes`;
    }
    if (held.length < headBytes + length) return undefined;
    const payload = held.subarray(headBytes, headBytes + length);
    const mask = held.subarray(headBytes - maskBytes, headBytes);
    this.held = held.subarray(headBytes + length);
    return { opcode, isFinal, payload: maskBytes === 0 ? payload : masked(payload, mask) };
  }

  private eventOf({ opcode, isFinal, payload }: Frame): WebSocketEvent | undefined {
    switch (opcode) {
      case opcodes.ping:
        return { kind: 'ping', bytes: payload };
      case opcodes.pong:
        return undefined;
      case opcodes.close:
        return { kind: 'close', reason: payload.subarray(2).toString('utf8') };
      case opcodes.text:
      case opcodes.binary:
        if (this.fragments !== undefined) return broken('a message begins within another');
        break;
      case opcodes.continuation:
        if (this.fragments === undefined) return broken('a message goes on that never began');
        break;
      default:
        return broken(`a frame is of the unknown kind ${opcode}`);
    }
    const fragments = [...(this.fragments ?? []), payload];
    this.size += payload.length;
    this.fragments = isFinal ? undefined : fragments;
    if (!isFinal) return undefined;
    this.size = 0;
    return { kind: 'message', bytes: fragments.length === 1 ? payload : Buffer.concat(fragments) };
  }
}

interface Frame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
}

function broken(why: string): WebSocketEvent {
  return { kind: 'broken', why };
}

export interface FrameOptions {
  readonly kind: 'binary' | 'close' | 'ping' | 'pong';
  readonly payload: Uint8Array;
  /** Four bytes that nobody can foresee, from clients; none from servers. */
  readonly mask: Uint8Array | undefined;
}

/** One whole message a frame. */
export function encodeWebSocketFrame({ kind, payload, mask }: FrameOptions): Buffer {
  const { length } = payload;
  const lengthBytes = length > 65_535 ? 8 : length > maxControlBytes ? 2 : 0;
  const head = Buffer.alloc(2 + lengthBytes);
  head.writeUInt8(0x80 | opcodes[kind], 0);
  const short = lengthBytes === 8 ? 127 : lengthBytes === 2 ? 126 : length;
  head.writeUInt8(short | (mask === undefined ? 0 : 0x80), 1);
  if (lengthBytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  else if (lengthBytes === 2) head.writeUInt16BE(length, 2);
  if (mask === undefined) return Buffer.concat([head, payload]);
  return Buffer.concat([head, mask, masked(payload, mask)]);
}

/** Masking twice is not masking. */
function masked(payload: Uint8Array, mask: Uint8Array): Buffer {
  const result = Buffer.allocUnsafe(payload.length);
  for (let i = 0; i < payload.length; i++) result[i] = payload[i]! ^ mask[i & 3]!;
  return result;
}
