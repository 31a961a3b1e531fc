/** What is asked for, what the host has, and what comes of it. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { FfiError, loadLibc } from '../ffi/index.ts';
import { createEngine } from './create-engine.ts';

const reason = 'Cannot call the C library: as the test says';
const without = async (): Promise<never> => {
  throw new FfiError('FFI_UNAVAILABLE', reason);
};

test('portable asks for nothing', async () => {
  const { engine, notEpoll } = await createEngine({ prefer: 'portable', load: without });
  assert.deepEqual([engine.name, notEpoll], ['portable', undefined]);
});

test('auto does without epoll and says why', async () => {
  const { engine, notEpoll } = await createEngine({ prefer: 'auto', load: without });
  assert.deepEqual([engine.name, notEpoll], ['portable', reason]);
});

test('epoll that cannot be had is refused with the reason', async () => {
  await assert.rejects(createEngine({ prefer: 'epoll', load: without }), {
    code: 'NET_ENGINE_UNAVAILABLE',
    message: `Cannot use the epoll engine: ${reason}`,
    remedy: 'Use the engine portable, or auto, which takes what there is',
  });
});

test('a mistake of ours is not taken for a host without epoll', async () => {
  const load = async (): Promise<never> => {
    throw new TypeError('a mistake');
  };
  await assert.rejects(createEngine({ prefer: 'auto', load }), TypeError);
});

test('auto and epoll agree on this host', async () => {
  const has = await loadLibc().then(
    () => true,
    () => false,
  );
  const { engine } = await createEngine({ prefer: 'auto' });
  assert.equal(engine.name, has ? 'epoll' : 'portable');
});
