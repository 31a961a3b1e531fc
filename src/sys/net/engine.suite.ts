/**
 * What every NetEngine must do, proved with real sockets: each engine's test file runs this one suite. Peers
 * are plain node:net, so that the engine under test is never its own witness.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import { connectChecks, listenChecks } from './engine-doors.suite.ts';
import { createRig, loopback, type Check, type Rig } from './engine-rig.suite.ts';
import type { Connection } from './engine.ts';
import { streamChecks } from './stream.suite.ts';
import type { StreamEngine } from './stream.ts';
import {
  connectTo,
  failureOf,
  hasAddress,
  openSockets,
  readAll,
  readText,
  startServer,
  until,
  untilStill,
} from './testing.ts';

const slow = { timeout: 20_000 } as const;

export function engineSuite(name: string, create: () => StreamEngine): void {
  const check = (
    what: string,
    run: (t: TestContext, engine: StreamEngine) => Promise<void>,
  ): void => {
    test(`${name} engine: ${what}`, slow, (t) => run(t, create()));
  };
  relayChecks(check);
  endChecks(check);
  connectChecks(check);
  listenChecks(check);
  streamChecks(check);
}

function relayChecks(check: Check): void {
  for (const address of ['127.0.0.1', '::1']) {
    check(`carries bytes both ways and counts them (${address})`, async (t, engine) => {
      if (!(await hasAddress(address))) return t.skip(`this host does not have ${address}`);
      const rig = await createRig(t, engine, { address, port: 0 });
      const { client, backend, relay } = await rig.open();
      client.write('question');
      assert.equal(await readText(backend, 8), 'question');
      backend.write('answer');
      assert.equal(await readText(client, 6), 'answer');
      client.end();
      backend.end();
      assert.equal(await relay.done, 'finished');
      assert.equal(relay.bytesFromClient, 8);
      assert.equal(relay.bytesFromBackend, 6);
    });
  }

  check('keeps what the client sent before there was a backend', async (t, engine) => {
    const backends = await startServer(t);
    const accepted = Promise.withResolvers<Connection>();
    const listener = await engine.listen(loopback, accepted.resolve);
    t.after(() => listener.close());
    const client = connectTo(t, listener.address);
    client.end('early');
    const taken = await accepted.promise;
    const backend = await engine.connect(backends.address, { timeoutMs: 5000 });
    const relay = engine.relay(taken, backend);
    const socket = await backends.next();
    socket.end();
    assert.equal(await readAll(socket), 'early');
    assert.equal(await relay.done, 'finished');
  });

  check('a preface is the first thing the backend gets, and is not counted', async (t, engine) => {
    for (const early of ['', 'early']) {
      const backends = await startServer(t);
      const accepted = Promise.withResolvers<Connection>();
      const listener = await engine.listen(loopback, accepted.resolve);
      t.after(() => listener.close());
      const client = connectTo(t, listener.address);
      if (early !== '') client.write(early);
      const taken = await accepted.promise;
      const backend = await engine.connect(backends.address, { timeoutMs: 5000 });
      const relay = engine.relay(taken, backend, { preface: Buffer.from('PREFACE ') });
      const socket = await backends.next();
      const first = await readText(socket, 8 + early.length);
      assert.equal(first, `PREFACE ${early}`, 'before the client says another word');
      client.end('late');
      socket.end();
      assert.equal(await readAll(socket), 'late');
      assert.equal(await relay.done, 'finished');
      assert.equal(relay.bytesFromClient, early.length + 4);
    }
  });

  check('passes on an end that came without a byte before there was a relay', async (t, engine) => {
    for (const side of ['client', 'backend'] as const) {
      const backends = await startServer(t);
      const accepted = Promise.withResolvers<Connection>();
      const listener = await engine.listen(loopback, accepted.resolve);
      t.after(() => listener.close());
      const client = connectTo(t, listener.address);
      const taken = await accepted.promise;
      const backend = await engine.connect(backends.address, { timeoutMs: 5000 });
      const socket = await backends.next();
      const [first, second] = side === 'client' ? [client, socket] : [socket, client];
      await new Promise<void>((resolve) => first.end(resolve));
      // The end has to reach the engine while nobody relays yet.
      for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
      const relay = engine.relay(taken, backend);
      assert.equal(await readAll(second), '');
      second.end();
      assert.equal(await readAll(first), '');
      assert.equal(await relay.done, 'finished');
    }
  });

  check('what is written piece by piece is not held back', async (t, engine) => {
    const rig = await createRig(t, engine);
    const { client, backend } = await rig.open();
    for (const socket of [client, backend]) socket.setNoDelay(true);
    const turns = [
      [client, backend],
      [backend, client],
    ] as const;
    for (const [from, to] of turns) {
      const tookMs: number[] = [];
      for (let round = 0; round < 41; round++) {
        const began = performance.now();
        from.write('a');
        await immediate();
        from.write('b');
        await immediate();
        from.write('c');
        await readText(to, 3);
        to.write('d');
        await readText(from, 1);
        tookMs.push(performance.now() - began);
      }
      // Pieces held back until those before are acknowledged take 40 ms a round; a busy machine makes a few slow.
      const median = tookMs.toSorted((a, b) => a - b)[20] ?? Infinity;
      assert.ok(median < 20, `${median} ms`);
    }
  });

  check('a reader that stops slows its writer: memory is bounded', async (t, engine) => {
    const rig = await createRig(t, engine);
    const { client, backend, relay } = await rig.open();
    backend.pause();
    const total = 64 * 1024 * 1024;
    const block = Buffer.alloc(256 * 1024, 7);
    for (let sent = 0; sent < total; sent += block.length) client.write(block);
    client.end();
    // Still: what moves no more for several turns of the event loop is held by somebody's full buffer.
    await untilStill(() => relay.bytesFromClient);
    assert.ok(relay.bytesFromClient < total / 2, `${relay.bytesFromClient} bytes were taken`);
    let got = 0;
    backend.on('data', (bytes) => (got += bytes.length));
    await once(backend.resume(), 'end');
    assert.equal(got, total);
    backend.end();
    assert.equal(await relay.done, 'finished');
  });

  check('a slow client slows the backend the same way', async (t, engine) => {
    const rig = await createRig(t, engine);
    const { client, backend, relay } = await rig.open();
    client.pause();
    const total = 64 * 1024 * 1024;
    backend.end(Buffer.alloc(total, 7));
    await untilStill(() => relay.bytesFromBackend);
    assert.ok(relay.bytesFromBackend < total / 2, `${relay.bytesFromBackend} bytes were taken`);
    let got = 0;
    client.on('data', (bytes) => (got += bytes.length));
    await once(client.resume(), 'end');
    assert.equal(got, total);
  });

  check(
    'bytes arrive as they were sent, both ways at once, past readers that stall',
    async (t, engine) => {
      const { client, backend, relay } = await (await createRig(t, engine)).open();
      const total = 8 * 1024 * 1024;
      const [question, answer] = [randomBytes(total), randomBytes(total + 1)];
      client.end(question);
      backend.end(answer);
      const [asked, answered] = await Promise.all([stalling(backend), stalling(client)]);
      assert.ok(asked.equals(question), 'what the client sent');
      assert.ok(answered.equals(answer), 'what the backend sent');
      assert.equal(await relay.done, 'finished');
      assert.deepEqual([relay.bytesFromClient, relay.bytesFromBackend], [total, total + 1]);
    },
  );

  check('1000 short connections leave nothing behind', async (t, engine) => {
    const rig = await createRig(t, engine);
    await inTurns(50, rig);
    const before = openSockets();
    await inTurns(1000, rig);
    await until(() => openSockets() <= before, 'every socket is closed');
  });
}

function endChecks(check: Check): void {
  check('the client ends its half, the backend still answers', async (t, engine) => {
    const { client, backend, relay } = await (await createRig(t, engine)).open();
    client.end('all of it');
    assert.equal(await readAll(backend), 'all of it');
    backend.end('the answer');
    assert.equal(await readAll(client), 'the answer');
    assert.equal(await relay.done, 'finished');
  });

  check('the backend ends its half, the client still speaks', async (t, engine) => {
    const { client, backend, relay } = await (await createRig(t, engine)).open();
    backend.end('greeting');
    assert.equal(await readAll(client), 'greeting');
    client.end('late words');
    assert.equal(await readAll(backend), 'late words');
    assert.equal(await relay.done, 'finished');
  });

  check('a reset by the client reaches the backend', async (t, engine) => {
    const { client, backend, relay } = await (await createRig(t, engine)).open();
    client.resetAndDestroy();
    assert.equal(await failureOf(backend), 'ECONNRESET');
    assert.equal(await relay.done, 'client-failed');
  });

  check('a reset by the backend reaches the client', async (t, engine) => {
    const { client, backend, relay } = await (await createRig(t, engine)).open();
    backend.resetAndDestroy();
    assert.equal(await failureOf(client), 'ECONNRESET');
    assert.equal(await relay.done, 'backend-failed');
  });

  check('destroy resets both sides, also just after a half-close', async (t, engine) => {
    const rig = await createRig(t, engine);
    const plain = await rig.open();
    plain.relay.destroy();
    assert.equal(await failureOf(plain.client), 'ECONNRESET');
    assert.equal(await failureOf(plain.backend), 'ECONNRESET');
    assert.equal(await plain.relay.done, 'destroyed');

    const before = openSockets();
    const half = await rig.open();
    half.backend.on('error', () => undefined);
    half.client.end();
    await once(half.backend.resume(), 'end');
    half.relay.destroy();
    assert.equal(await half.relay.done, 'destroyed');
    half.client.destroy();
    half.backend.destroy();
    await until(() => openSockets() <= before, 'every socket is closed');
  });

  check('a client that goes before there is a relay is noticed', async (t, engine) => {
    const backends = await startServer(t);
    const accepted = Promise.withResolvers<Connection>();
    const listener = await engine.listen(loopback, accepted.resolve);
    t.after(() => listener.close());
    const client = connectTo(t, listener.address);
    const taken = await accepted.promise;
    const closed = new Promise<void>((resolve) => taken.onClosed(resolve));
    client.resetAndDestroy();
    await closed;
    await new Promise<void>((resolve) => taken.onClosed(resolve));
    const backend = await engine.connect(backends.address, { timeoutMs: 5000 });
    const socket = await backends.next();
    const relay = engine.relay(taken, backend);
    assert.equal(await relay.done, 'client-failed');
    assert.equal(await failureOf(socket), 'ECONNRESET');
  });

  for (const how of ['reset', 'close'] as const) {
    check(`a connection without a relay can be destroyed: ${how}`, async (t, engine) => {
      const listener = await engine.listen(loopback, (taken) => taken.destroy(how));
      t.after(() => listener.close());
      const client = connectTo(t, listener.address);
      assert.equal(await failureOf(client), how === 'reset' ? 'ECONNRESET' : undefined);
    });
  }
}

async function inTurns(count: number, rig: Rig): Promise<void> {
  for (let done = 0; done < count; done++) {
    const { client, backend, relay } = await rig.open();
    client.end('x');
    backend.resume().end('y');
    client.resume();
    await relay.done;
  }
}

/** Everything that comes, read with a pause of some turns after every piece. */
async function stalling(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => {
    parts.push(bytes);
    socket.pause();
    const wake = (turns: number): void => {
      if (turns === 0) socket.resume();
      else setImmediate(() => wake(turns - 1));
    };
    wake(parts.length % 7);
  });
  await once(socket.resume(), 'end');
  return Buffer.concat(parts);
}
