/** Relays that go on in another thread: the suite every engine passes, and what only two threads can get wrong. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import test, { after, type TestContext } from 'node:test';
import { messageOf } from '../../model/index.ts';
import { loadLibc, type Libc } from '../ffi/index.ts';
import { engineSuite } from './engine.suite.ts';
import { createRig, type Joined } from './engine-rig.suite.ts';
import { createEpollEngine } from './epoll.ts';
import { RelayThreads, type RelayThreadsOptions } from './relay-threads.ts';
import { replaySuite } from './replay.suite.ts';
import { failureOf, openSockets, readText, until } from './testing.ts';

const found = await loadLibc().catch(messageOf);

if (typeof found === 'string') test('relay threads', { skip: found }, () => undefined);
else {
  const threads = await startThreads(found);
  after(() => threads.stop());
  engineSuite('epoll, relays in another thread from their first byte on,', () =>
    createEpollEngine(found, threads),
  );
  replaySuite('epoll, relays in another thread', () => createEpollEngine(found, threads));
  ownChecks(found);
}

async function startThreads(
  libc: Libc,
  how: Partial<RelayThreadsOptions> = {},
): Promise<RelayThreads> {
  const threads = new RelayThreads({ count: 1, libc, after: 1, onFailed: assert.ifError, ...how });
  await threads.start();
  return threads;
}

/** A relay that another thread carries. */
async function openAway(t: TestContext, libc: Libc): Promise<Joined & { threads: RelayThreads }> {
  const threads = await startThreads(libc);
  t.after(() => threads.stop());
  const rig = await createRig(t, createEpollEngine(libc, threads), {
    address: '127.0.7.21',
    port: 0,
  });
  const joined = await rig.open();
  joined.client.write('first');
  assert.equal(await readText(joined.backend, 5), 'first');
  assert.equal(threads.carried, 1);
  return { ...joined, threads };
}

function ownChecks(libc: Libc): void {
  test('bytes count the same before a relay goes to another thread and after', async (t) => {
    const { client, backend, relay } = await openAway(t, libc);
    client.write('second');
    assert.equal(await readText(backend, 6), 'second');
    backend.write('answer');
    assert.equal(await readText(client, 6), 'answer');
    await until(() => relay.bytesFromClient === 11, 'five here, six there');
    await until(() => relay.bytesFromBackend === 6, 'all of them there');
  });

  test('a thread that ends resets what it carried, leaves no descriptor, and is replaced', async (t) => {
    const failed: string[] = [];
    const threads = await startThreads(libc, {
      file: fileURLToPath(new URL('./relay-worker-fails.suite.ts', import.meta.url)),
      onFailed: (error) => failed.push(messageOf(error)),
    });
    t.after(() => threads.stop());
    const rig = await createRig(t, createEpollEngine(libc, threads), {
      address: '127.0.7.22',
      port: 0,
    });
    const before = openSockets();
    const lost = await rig.open();
    lost.client.write('x');
    assert.equal(await readText(lost.backend, 1), 'x');
    assert.equal(threads.carried, 1);
    const ends = Promise.all([failureOf(lost.client), failureOf(lost.backend)]);
    lost.relay.destroy();
    assert.equal(await lost.relay.done, 'destroyed');
    assert.deepEqual(await ends, ['ECONNRESET', 'ECONNRESET']);
    await until(() => openSockets() <= before, 'nothing of it is open');
    assert.deepEqual(failed, ['A thread of Switchyard ended: as the test says']);
    await until(() => threads.ready === 1, 'another has begun');
    const next = await rig.open();
    next.client.write('next');
    assert.equal(await readText(next.backend, 4), 'next');
    assert.equal(threads.carried, 1);
  });

  test('whoever destroys one side of a relay in another thread ends both', async (t) => {
    const { client, backend, relay, threads } = await openAway(t, libc);
    relay.destroy();
    assert.equal(await relay.done, 'destroyed');
    assert.deepEqual(await Promise.all([failureOf(client), failureOf(backend)]), [
      'ECONNRESET',
      'ECONNRESET',
    ]);
    assert.equal(threads.carried, 0);
  });

  test('long relays are shared: the thread that accepts keeps every other one', async (t) => {
    const threads = await startThreads(libc);
    t.after(() => threads.stop());
    const rig = await createRig(t, createEpollEngine(libc, threads), {
      address: '127.0.7.23',
      port: 0,
    });
    const joined: Joined[] = [];
    for (let i = 0; i < 6; i++) {
      const each = await rig.open();
      each.client.write('x');
      await readText(each.backend, 1);
      joined.push(each);
    }
    assert.equal(threads.carried, 3);
    const ends = joined.flatMap(({ client, backend }) => [failureOf(client), failureOf(backend)]);
    for (const { relay } of joined) relay.destroy();
    await Promise.all([...ends, ...joined.map(({ relay }) => relay.done)]);
    assert.equal(threads.carried, 0);
  });
}
