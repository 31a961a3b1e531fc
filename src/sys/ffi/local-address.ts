/** The address of a Unix socket as the kernel takes it: sockaddr_un. */
import { constants, layouts } from './layout.ts';

const { sun_path: at, size } = layouts.sockaddr_un;

/** Undefined when the path is longer than the kernel takes, or has a zero byte. */
export function encodeLocalAddress(path: string): Uint8Array | undefined {
  const text = Buffer.from(path);
  if (text.length === 0 || text.length >= size - at || text.includes(0)) return undefined;
  const bytes = new Uint8Array(size);
  new DataView(bytes.buffer).setUint16(0, constants.AF_UNIX, true);
  bytes.set(text, at);
  return bytes;
}
