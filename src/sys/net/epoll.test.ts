/** The epoll engine against the suite every engine passes, and what only descriptors can get wrong. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import process from 'node:process';
import test, { type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { messageOf, type SocketAddress } from '../../model/index.ts';
import { errnos, loadLibc, type Libc } from '../ffi/index.ts';
import { engineSuite } from './engine.suite.ts';
import { replaySuite } from './replay.suite.ts';
import type { Connection, NetEngine, Relay } from './engine.ts';
import { createEpollEngine } from './epoll.ts';
import { connectTo, failureOf, openSockets, readText, startServer, until } from './testing.ts';

const found = await loadLibc().catch(messageOf);

if (typeof found === 'string') test('epoll engine', { skip: found }, () => undefined);
else {
  engineSuite('epoll', () => createEpollEngine(found));
  engineSuite('epoll, peers on other hosts,', () => createEpollEngine(farAway(found)));
  replaySuite('epoll', () => createEpollEngine(found));
  ownChecks(found);
}

/** Peers on this host answer at once; this makes every connect wait for the loop, as one to another host does. */
function farAway(libc: Libc): Libc {
  const begun = new Set<number>();
  return {
    ...libc,
    connect: (fd, address) => {
      if (begun.delete(fd)) return -errnos.EALREADY;
      begun.add(fd);
      return libc.connect(fd, address);
    },
  };
}

function ownChecks(libc: Libc): void {
  test('a reset after a half-close ends the relay although nothing is read any more', async (t) => {
    const { client, backend, relay } = await open(t, createEpollEngine(libc));
    client.end();
    await once(backend.resume(), 'end');
    client.resetAndDestroy();
    assert.equal(await relay.done, 'client-failed');
    // Nobody reads there any more either: the next write finds the reset.
    backend.write('too late');
    assert.ok(['ECONNRESET', 'EPIPE'].includes(String(await failureOf(backend))));
  });

  test('a reset while the other side reads nothing ends the relay, bytes kept or not', async (t) => {
    const before = openSockets();
    const { client, backend, relay } = await open(t, createEpollEngine(libc));
    backend.pause();
    client.write(Buffer.alloc(32 * 1024 * 1024));
    await until(() => relay.bytesFromClient > 1024 * 1024, 'bytes are on their way');
    backend.resetAndDestroy();
    assert.equal(await relay.done, 'backend-failed');
    assert.ok(['ECONNRESET', 'EPIPE'].includes(String(await failureOf(client))));
    await until(() => openSockets() <= before + 2, 'only the two listeners are open');
  });

  test('whoever destroys one side of a relay ends both', async (t) => {
    const { taken, client, backend, relay } = await open(t, createEpollEngine(libc));
    taken.destroy('reset');
    assert.equal(await relay.done, 'client-failed');
    assert.deepEqual(await Promise.all([failureOf(client), failureOf(backend)]), [
      'ECONNRESET',
      'ECONNRESET',
    ]);
    relay.destroy();
  });

  test('a system out of descriptors leaves connections waiting, and they come later', async (t) => {
    let refusals = 3;
    const scarce: Libc = {
      ...libc,
      accept: (fd, peer) => (refusals-- > 0 ? -errnos.EMFILE : libc.accept(fd, peer)),
    };
    const { client, backend } = await open(t, createEpollEngine(scarce));
    assert.equal(refusals < 0, true);
    client.write('after all');
    assert.equal(await readText(backend, 9), 'after all');
  });

  test('a callback that throws is an uncaught error, and the next connection is taken', async (t) => {
    const engine = createEpollEngine(libc);
    const first = Promise.withResolvers<unknown>();
    const second = Promise.withResolvers<Connection>();
    let calls = 0;
    const listener = await engine.listen({ address: '127.0.7.3', port: 0 }, (connection) => {
      t.after(() => connection.destroy());
      if (calls++ === 0) throw new Error('as the test says');
      second.resolve(connection);
    });
    t.after(() => listener.close());
    // The runner listens for uncaught errors as well, and would take this one for a failure.
    process.setUncaughtExceptionCaptureCallback(first.resolve);
    connectTo(t, listener.address);
    assert.equal(messageOf(await first.promise), 'as the test says');
    process.setUncaughtExceptionCaptureCallback(null);
    connectTo(t, listener.address);
    assert.equal((await second.promise).remote.address, '127.0.0.1');
  });

  test('another thread may have an engine of its own', async (t) => {
    const backends = await startServer(t);
    const worker = new Worker(
      `const { parentPort, workerData } = require('node:worker_threads');
       import(workerData.door).then(async ({ createEngine }) => {
         const { engine } = await createEngine({ prefer: 'epoll' });
         const listener = await engine.listen({ address: '127.0.7.3', port: 0 }, async (client) => {
           const backend = await engine.connect(workerData.to, { timeoutMs: 5000 });
           parentPort.postMessage(await engine.relay(client, backend).done);
           await listener.close();
         });
         parentPort.postMessage(listener.address);
       });`,
      {
        eval: true,
        workerData: { door: new URL('./index.ts', import.meta.url).href, to: backends.address },
      },
    );
    t.after(() => worker.terminate());
    const [address] = (await once(worker, 'message')) as [SocketAddress];
    const client = connectTo(t, address);
    client.end('from here');
    const backend = await backends.next();
    assert.equal(await readText(backend, 9), 'from here');
    const ended = once(worker, 'message');
    const left = once(worker, 'exit');
    backend.resume().end();
    client.resume();
    assert.deepEqual(await ended, ['finished']);
    // With its listener and its connections closed nothing keeps the thread.
    assert.deepEqual(await left, [0]);
  });

  test('an address that is none is refused, not looked up', async () => {
    const engine = createEpollEngine(libc);
    const at = { address: 'localhost', port: 80 };
    await assert.rejects(engine.connect(at, { timeoutMs: 1000 }), { code: 'NET_FAILED' });
    await assert.rejects(
      engine.listen(at, () => undefined),
      { code: 'NET_FAILED' },
    );
  });
}

interface Opened {
  readonly taken: Connection;
  readonly client: ReturnType<typeof connectTo>;
  readonly backend: ReturnType<typeof connectTo>;
  readonly relay: Relay;
}

async function open(t: TestContext, engine: NetEngine): Promise<Opened> {
  const backends = await startServer(t);
  const accepted = Promise.withResolvers<Connection>();
  const listener = await engine.listen({ address: '127.0.7.3', port: 0 }, accepted.resolve);
  t.after(() => listener.close());
  const client = connectTo(t, listener.address);
  const taken = await accepted.promise;
  const out = await engine.connect(backends.address, { timeoutMs: 5000 });
  const relay = engine.relay(taken, out);
  t.after(async () => {
    relay.destroy();
    await relay.done;
  });
  return { taken, client, backend: await backends.next(), relay };
}
