/**
 * Netlink messages as bytes: headers and attributes (type, length, value, padding to four bytes) written one
 * after the other into one growing buffer, because a commit of the kernel is one send of everything.
 */

const headerSize = 16;
const encoder = new TextEncoder();

export class NetlinkWriter {
  private room: Uint8Array;
  private view: DataView;
  private end = 0;

  constructor(roomFor = 4_096) {
    this.room = new Uint8Array(roomFor);
    this.view = new DataView(this.room.buffer);
  }

  /** What was written, without copying: good until the next write. */
  bytes(): Uint8Array {
    return this.room.subarray(0, this.end);
  }

  get length(): number {
    return this.end;
  }

  /** A message whose body is written by `body`; type and flags as in `struct nlmsghdr`. */
  message(
    { type, flags, sequence }: { type: number; flags: number; sequence: number },
    body: () => void,
  ): void {
    const start = this.end;
    this.grow(headerSize);
    this.view.setUint16(start + 4, type, true);
    this.view.setUint16(start + 6, flags, true);
    this.view.setUint32(start + 8, sequence, true);
    this.view.setUint32(start + 12, 0, true);
    body();
    this.view.setUint32(start, this.end - start, true);
  }

  /** Bytes without a header, padded: what stands between a message's header and its attributes. */
  raw(bytes: Uint8Array): void {
    const at = this.end;
    this.grow(padded(bytes.length));
    this.room.set(bytes, at);
  }

  attribute(type: number, value: Uint8Array): void {
    const at = this.begin(type, value.length);
    this.room.set(value, at);
  }

  u8(type: number, value: number): void {
    const at = this.begin(type, 1);
    this.room[at] = value;
  }

  /** In the host's order (little-endian, as on every architecture this is built for). */
  u32(type: number, value: number): void {
    const at = this.begin(type, 4);
    this.view.setUint32(at, value >>> 0, true);
  }

  /** In network order: nfnetlink's numbers are. */
  be16(type: number, value: number): void {
    const at = this.begin(type, 2);
    this.view.setUint16(at, value);
  }

  be32(type: number, value: number): void {
    const at = this.begin(type, 4);
    this.view.setUint32(at, value >>> 0);
  }

  be64(type: number, value: bigint): void {
    const at = this.begin(type, 8);
    this.view.setBigUint64(at, value);
  }

  /** With the zero byte at its end that the kernel wants. */
  text(type: number, value: string): void {
    const bytes = encoder.encode(value);
    const at = this.begin(type, bytes.length + 1);
    this.room.set(bytes, at);
  }

  /** An attribute made of attributes. Throws RangeError when they are too long for its 16 bits. */
  nested(type: number, body: () => void): void {
    const start = this.openNested(type);
    body();
    this.closeNested(start);
  }

  /** As `nested`, for loops that must stop before it is full; give what it returns to `closeNested`. */
  openNested(type: number): number {
    const start = this.end;
    this.grow(4);
    this.view.setUint16(start + 2, type | nestedFlag, true);
    return start;
  }

  closeNested(start: number): void {
    const length = this.end - start;
    if (length > 0xffff) throw new RangeError(`Cannot write ${length} bytes into one attribute`);
    this.view.setUint16(start, length, true);
  }

  /** May change `room` and `view`: take them after it. */
  private begin(type: number, length: number): number {
    const at = this.end;
    this.grow(padded(4 + length));
    this.view.setUint16(at, 4 + length, true);
    this.view.setUint16(at + 2, type, true);
    return at + 4;
  }

  private grow(by: number): void {
    this.end += by;
    if (this.end <= this.room.length) return;
    const larger = new Uint8Array(Math.max(this.end, this.room.length * 2));
    larger.set(this.room);
    this.room = larger;
    this.view = new DataView(larger.buffer);
  }
}

export const nestedFlag = 0x8000;

export function padded(length: number): number {
  return (length + 3) & ~3;
}
