/** The beginning of a message whose head has not come whole, at its own size; nothing where nothing is missing. */
export class PartialHead {
  private bytes: Uint8Array | undefined;
  private readonly max: number;

  constructor(max: number) {
    this.max = max;
  }

  get length(): number {
    return this.bytes?.length ?? 0;
  }

  /** Keeps a copy. False: it is too large. */
  keep(bytes: Uint8Array, start: number, end: number): boolean {
    if (end - start > this.max) return false;
    this.keepAll(bytes, start, end);
    return true;
  }

  /** Keeps a copy, however large it is: of heads that are whole, too. */
  keepAll(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = new Uint8Array(bytes.subarray(start, end));
  }

  /** What was kept with what came now, and keeps nothing more; undefined: nothing was kept. */
  join(bytes: Uint8Array, length: number): Uint8Array | undefined {
    const { bytes: kept } = this;
    if (kept === undefined) return undefined;
    this.bytes = undefined;
    const all = new Uint8Array(kept.length + length);
    all.set(kept);
    all.set(bytes.subarray(0, length), kept.length);
    return all;
  }

  /** What was kept, and keeps nothing more. */
  take(): Uint8Array | undefined {
    const { bytes } = this;
    this.bytes = undefined;
    return bytes;
  }
}
