/** The epoll engine against the suite every engine passes. */
import test from 'node:test';
import { messageOf } from '../../model/index.ts';
import { loadLibc } from '../ffi/index.ts';
import { engineSuite } from './engine.suite.ts';
import { createEpollEngine } from './epoll.ts';

const libc = await loadLibc().catch((error: unknown) => messageOf(error));

if (typeof libc === 'string') test('epoll engine', { skip: libc }, () => undefined);
else engineSuite('epoll', () => createEpollEngine(libc));
