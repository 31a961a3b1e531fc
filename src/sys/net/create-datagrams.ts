/** Which way datagrams go here: what was asked for, as far as the host can do it. */
import { FfiError, loadLibc } from '../ffi/index.ts';
import type { EngineOptions } from './create-engine.ts';
import { openDatagrams, type OpenDatagrams } from './datagrams.ts';
import { createEpollDatagrams } from './epoll-datagrams.ts';

/** As `createEngine` for connections: unless it is `portable`, epoll where it can be had. */
export async function createDatagrams(options: EngineOptions): Promise<OpenDatagrams> {
  const { prefer, load = loadLibc } = options;
  if (prefer === 'portable') return openDatagrams;
  try {
    return createEpollDatagrams(await load());
  } catch (cause) {
    if (cause instanceof FfiError) return openDatagrams;
    throw cause;
  }
}
