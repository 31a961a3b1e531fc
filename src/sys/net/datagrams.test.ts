/** Both ways of Datagrams pass one suite; which is taken where. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { messageOf } from '../../model/index.ts';
import { FfiError, loadLibc } from '../ffi/index.ts';
import { createDatagrams } from './create-datagrams.ts';
import { openDatagrams } from './datagrams.ts';
import { datagramsSuite } from './datagrams.suite.ts';
import { createEpollDatagrams } from './epoll-datagrams.ts';

datagramsSuite('portable', async () => openDatagrams);

const libc = await loadLibc().catch(messageOf);
if (typeof libc === 'string') test('epoll datagrams', { skip: libc }, () => undefined);
else {
  datagramsSuite('epoll', async () => createEpollDatagrams(libc));

  test('epoll is taken unless portable is asked for', async () => {
    assert.notEqual(await createDatagrams({ prefer: 'auto' }), openDatagrams);
    assert.equal(await createDatagrams({ prefer: 'portable' }), openDatagrams);
  });
}

test('without a C library they are portable', async () => {
  const load = async (): Promise<never> => {
    throw new FfiError('FFI_UNAVAILABLE', 'Cannot call the C library: a test says so');
  };
  assert.equal(await createDatagrams({ prefer: 'auto', load }), openDatagrams);
});
