/** When Node's loop is waited for in ours, and that nothing of Node's waits for it. */
import assert from 'node:assert/strict';
import process from 'node:process';
import test from 'node:test';
import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../model/index.ts';
import { loadLibc, type Libc } from '../ffi/index.ts';
import { EpollStay, findSettle, type EpollStayOptions } from './epoll-stay.ts';
import { createEpollEngine } from './epoll.ts';
import type { Stream, StreamEngine } from './stream.ts';
import { connectTo, readText, startServer } from './testing.ts';

const found = await loadLibc().catch(messageOf);

if (typeof found === 'string') test('staying in epoll', { skip: found }, () => undefined);
else {
  checks(found);
  wholeChecks(found);
}

interface Rig {
  readonly stay: EpollStay;
  readonly said: string[];
  dueMs: number;
  nowMs: number;
  /** What each wait finds; none left: nothing. */
  readonly finds: (number | (() => number))[];
}

function rig(libc: Libc): Rig {
  const said: string[] = [];
  const watch = {
    start: () => void said.push('watched'),
    stop: () => void said.push('unwatched'),
    ref: () => undefined,
    unref: () => undefined,
    close: () => undefined,
  };
  const finds: Rig['finds'] = [];
  const options: EpollStayOptions = {
    libc: { ...libc, epollAdd: () => 0, epollRemove: () => 0 },
    node: { fd: 7, timeoutMs: () => all.dueMs },
    epoll: 8,
    watch,
    take: (waitMs) => {
      said.push(`wait ${waitMs}`);
      const find = finds.shift() ?? 0;
      return typeof find === 'number' ? find : find();
    },
    isIdle: () => false,
    settle: () => undefined,
    now: () => all.nowMs,
  };
  const all: Rig = { stay: new EpollStay(options), said, dueMs: -1, nowMs: 100, finds };
  return all;
}

function checks(libc: Libc): void {
  test('it waits as long as events come, and then Node watches again', () => {
    const { stay, said, finds } = rig(libc);
    finds.push(20, 1);
    stay.begin();
    assert.deepEqual(said, ['unwatched', 'wait 25', 'wait 25', 'wait 25', 'watched']);
  });

  test('it goes when Node has something to do, when a timer is due and when its time is over', () => {
    const all = rig(libc);
    const { stay, said, finds } = all;
    finds.push(() => (stay.onEvents(), 20));
    stay.begin();
    assert.deepEqual(said.splice(0), ['unwatched', 'wait 25', 'watched']);
    all.dueMs = 12;
    finds.push(
      () => ((all.nowMs += 6), 20),
      () => ((all.nowMs += 2), 20),
    );
    stay.begin();
    assert.deepEqual(said.splice(0), ['unwatched', 'wait 12', 'wait 6', 'watched']);
    all.dueMs = 0;
    stay.begin();
    assert.deepEqual(said.splice(0), [], 'something waits for the next turn');
  });

  test('after stays that were not worth it turns pass, more each time', () => {
    const { stay, said, finds } = rig(libc);
    const stays: number[] = [];
    for (let turn = 0; turn < 40; turn++) {
      stay.begin();
      if (said.length > 0) stays.push(turn);
      said.length = 0;
    }
    assert.deepEqual(stays, [0, 4, 12, 28]);
    for (let turn = 0; turn < 40; turn++) {
      finds.push(20);
      stay.begin();
    }
    finds.splice(0, Infinity, 20);
    said.length = 0;
    stay.begin();
    assert.notDeepEqual(said, [], 'a good one and it stays at once again');
  });

  test('what a tick throws ends the stay, not the watching', () => {
    const { said } = rig(libc);
    const watch = {
      start: () => void said.push('watched'),
      stop: () => void said.push('unwatched'),
    };
    let settled = 0;
    const stay = new EpollStay({
      libc: { ...libc, epollAdd: () => 0, epollRemove: () => 0 },
      node: { fd: 7, timeoutMs: () => -1 },
      epoll: 8,
      watch: { ...watch, ref: () => undefined, unref: () => undefined, close: () => undefined },
      take: () => 1,
      isIdle: () => false,
      settle: () => {
        if (++settled > 2) throw new RangeError('of a tick');
      },
      now: () => 0,
    });
    assert.throws(() => stay.begin(), /of a tick/);
    assert.deepEqual(said, ['unwatched', 'watched']);
  });

  test('this Node shows its loop, and what it calls between immediates', async () => {
    assert.ok(libc.nodeLoop !== undefined);
    const settle = findSettle();
    assert.ok(settle !== undefined);
    const said: string[] = [];
    process.nextTick(() => void Promise.resolve().then(() => said.push('tick, promise')));
    void Promise.resolve().then(() => process.nextTick(() => said.push('promise, tick')));
    await nextTurn();
    assert.equal(said.length, 2);
    setImmediate(() => {
      process.nextTick(() => void Promise.resolve().then(() => said.push('tick, promise')));
      void Promise.resolve().then(() => process.nextTick(() => said.push('promise, tick')));
      settle();
      said.push(`${said.length} before the end of the immediate`);
    });
    await nextTurn();
    assert.equal(said.at(-1), '4 before the end of the immediate');
  });
}

function wholeChecks(libc: Libc): void {
  test('while two connections never rest, timers, immediates, promises and sockets of Node go on', async (t) => {
    let waits = 0;
    const counted: Libc = {
      ...libc,
      epollPoll: (epoll, into, waitMs = 0) => {
        if (waitMs > 0) waits++;
        return libc.epollPoll(epoll, into, waitMs);
      },
    };
    const engine = createEpollEngine(counted);
    const game = await playPingPong(engine);
    const plain = await startServer(t);
    for (let round = 0; round < 20; round++) {
      await delay(1);
      await nextTurn();
      await Promise.resolve();
      const socket = connectTo(t, plain.address);
      const peer = await plain.next();
      peer.write('pong');
      assert.equal(await readText(socket, 4), 'pong');
      socket.destroy();
    }
    // Connections alone, for a while: then it stays.
    const before = game.passes();
    while (waits === 0 || game.passes() < before + 5000) await delay(30);
    await game.stop();
    assert.ok(waits > 0);
  });
}

/** Two streams of one engine, each of which answers the other. */
async function playPingPong(
  engine: StreamEngine,
): Promise<{ passes(): number; stop(): Promise<void> }> {
  let passes = 0;
  let over = false;
  const ball = Buffer.from('ball');
  const streams: Stream[] = [];
  const closings: Promise<unknown>[] = [];
  const play = (connection: Parameters<StreamEngine['open']>[0]): Stream => {
    const { promise, resolve } = Promise.withResolvers<void>();
    closings.push(promise);
    const stream: Stream = engine.open(connection, {
      onBytes: () => {
        passes++;
        if (!over) stream.write(ball);
      },
      onEnd: () => stream.destroy(),
      onDrain: () => undefined,
      onClosed: () => resolve(),
    });
    streams.push(stream);
    return stream;
  };
  const listener = await engine.listen({ address: '127.0.0.1', port: 0 }, play);
  const first = play(await engine.connect(listener.address, { timeoutMs: 5000 }));
  first.write(ball);
  return {
    passes: () => passes,
    stop: async () => {
      over = true;
      for (const stream of streams) stream.destroy();
      await Promise.all(closings);
      await listener.close();
    },
  };
}
