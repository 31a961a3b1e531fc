/** Unpacks a part of a deflate stream that goes on, against what came before it. */
import { constants, inflateRawSync } from 'node:zlib';

/** Throws when it is no deflate, or longer than `limit` unpacked. */
export function inflatePart(
  packed: Buffer,
  { window, limit }: { readonly window: Buffer; readonly limit: number },
): Buffer {
  return inflateRawSync(packed, {
    ...(window.length === 0 ? {} : { dictionary: window }),
    finishFlush: constants.Z_SYNC_FLUSH,
    maxOutputLength: limit,
  });
}
