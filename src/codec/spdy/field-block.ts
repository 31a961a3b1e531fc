/**
 * The fields of a SPDY/3 stream. All blocks of one direction are one zlib stream; each ends on a byte (a sync flush),
 * so that the next is unpacked by itself against the last 32 KiB of what came before. Ours are not packed at all: they
 * are a few words, and stored blocks are what every unpacker reads.
 */
import { spdyDictionary } from './dictionary.ts';

export type SpdyFields = ReadonlyMap<string, string>;

/** Unpacks raw deflate that is not finished, against `window`; throws when it cannot, or it is longer than `limit`. */
export type Inflate = (
  packed: Buffer,
  options: { readonly window: Buffer; readonly limit: number },
) => Buffer;

const windowBytes = 32_768;
const maxFieldBytes = 65_536;
const hasDictionary = 0x20;

export class FieldReader {
  private readonly inflate: Inflate;
  private window: Buffer | undefined;

  constructor(inflate: Inflate) {
    this.inflate = inflate;
  }

  /** Undefined when the block is none; nothing of this direction can be read after it. */
  read(packed: Buffer): SpdyFields | undefined {
    try {
      return parseFields(this.unpack(packed));
    } catch {
      return undefined;
    }
  }

  private unpack(packed: Buffer): Buffer {
    let block = packed;
    if (this.window === undefined) {
      const isPrimed = (packed.readUInt8(1) & hasDictionary) !== 0;
      this.window = isPrimed ? spdyDictionary : Buffer.alloc(0);
      block = packed.subarray(isPrimed ? 6 : 2);
    }
    const text = this.inflate(block, { window: this.window, limit: maxFieldBytes });
    this.window = Buffer.concat([this.window, text]).subarray(-windowBytes);
    return text;
  }
}

/** Throws RangeError when it is cut short. */
function parseFields(block: Buffer): SpdyFields | undefined {
  const fields = new Map<string, string>();
  let at = 4;
  const text = (): string => {
    const length = block.readUInt32BE(at);
    if (at + 4 + length > block.length) throw new RangeError('a field is cut short');
    at += 4 + length;
    return block.toString('utf8', at - length, at);
  };
  for (let left = block.readUInt32BE(0); left > 0; left--) {
    const name = text();
    if (name === '' || fields.has(name)) return undefined;
    fields.set(name, text());
  }
  return at === block.length ? fields : undefined;
}

/** An empty stored block: unpackers hand out what came before it, and not earlier. */
const syncFlush = Buffer.from([0, 0, 0, 0xff, 0xff]);

export class FieldWriter {
  private isFirst = true;

  write(fields: SpdyFields): Buffer {
    const parts = [...fields].flatMap(([name, value]) => [name.toLowerCase(), value]);
    const block = Buffer.concat([
      number32(fields.size),
      ...parts.flatMap((part) => [number32(Buffer.byteLength(part)), Buffer.from(part)]),
    ]);
    const head = Buffer.alloc(5);
    head.writeUInt16LE(block.length, 1);
    head.writeUInt16LE(~block.length & 0xffff, 3);
    const zlibHead = this.isFirst ? Buffer.from([0x78, 0x01]) : Buffer.alloc(0);
    this.isFirst = false;
    return Buffer.concat([zlibHead, head, block, syncFlush]);
  }
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
