/** Loads koffi, which calls C: the only file that imports it. */
import process from 'node:process';
import type koffi from 'koffi';
import { messageOf } from '../../model/index.ts';
import { FfiError } from './errors.ts';
import { supportedArchitectures } from './layout.ts';

export type Koffi = typeof koffi;

/** Rejects with FFI_UNAVAILABLE, saying why. Loaded at the first call: it costs 8 ms and 8 MB. */
export async function loadKoffi(): Promise<Koffi> {
  const { platform, arch } = process;
  if (platform !== 'linux') throw unavailable(`epoll is of Linux, this is ${platform}`);
  if (!supportedArchitectures.includes(arch)) {
    throw unavailable(`${arch} is none of ${supportedArchitectures.join(', ')}`);
  }
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw unavailable(`koffi does not load: ${messageOf(cause)}`, cause);
  }
}

function unavailable(reason: string, cause?: unknown): FfiError {
  return new FfiError('FFI_UNAVAILABLE', `Cannot call the C library: ${reason}`, { cause });
}
