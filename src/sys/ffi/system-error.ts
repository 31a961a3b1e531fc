/** A negated errno as the error Node would throw for it. */
import type { Libc } from './libc.ts';

/** `call` is the function that failed: `connect`. Its code is the name of the errno, as with Node's own. */
export function systemError(libc: Libc, call: string, errno: number): Error & { code: string } {
  const code = libc.nameOf(errno);
  return Object.assign(new Error(`${call} ${code}`), { code });
}
