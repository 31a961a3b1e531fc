/** What the streams of every engine must do: the part of engine.suite.ts about bytes that are read here. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { Connection } from './engine.ts';
import type { Stream, StreamEngine, StreamHandlers } from './stream.ts';
import { connectTo, failureOf, openSockets, readAll, readText, until } from './testing.ts';

type Check = (what: string, run: (t: TestContext, engine: StreamEngine) => Promise<void>) => void;

/** What came of a stream. */
class Heard implements StreamHandlers {
  text = '';
  bytes = 0;
  ended = 0;
  drained = 0;
  closed = 0;
  stream: Stream | undefined;
  onPiece: ((piece: Uint8Array) => void) | undefined;

  onBytes(bytes: Uint8Array, length: number): void {
    this.bytes += length;
    if (length < 4096) this.text += Buffer.copyBytesFrom(bytes, 0, length).toString('latin1');
    this.onPiece?.(bytes.subarray(0, length));
  }

  onEnd(): void {
    this.ended++;
  }

  onDrain(): void {
    this.drained++;
  }

  onClosed(): void {
    this.closed++;
  }
}

interface Opened {
  readonly peer: Socket;
  readonly heard: Heard;
  readonly stream: Stream;
  readonly connection: Connection;
}

export function streamChecks(check: Check): void {
  byteChecks(check);
  endChecks(check);

  check('a stream becomes a socket of Node, early bytes first', async (t, engine) => {
    const before = openSockets();
    const { peer, heard, stream } = await openOne(t, engine);
    peer.write('head');
    await until(() => heard.text === 'head', 'the head is read');
    const socket = stream.toSocket(Buffer.from('early '));
    peer.write('later');
    assert.equal(await readText(socket, 11), 'early later');
    socket.write('answer');
    assert.equal(await readText(peer, 6), 'answer');
    socket.end();
    peer.end();
    await Promise.all([once(socket.resume(), 'close'), once(peer.resume(), 'close')]);
    assert.deepEqual([heard.text, heard.closed], ['head', 0], 'the handlers hear no more');
    await until(() => openSockets() <= before + 1, 'only the listener is left');
  });
}

function byteChecks(check: Check): void {
  check('a stream reads and writes', async (t, engine) => {
    const { peer, heard, stream } = await openOne(t, engine);
    peer.write('question');
    await until(() => heard.text === 'question', 'the question is read');
    assert.equal(stream.write(Buffer.from('answer and more'), 6), true);
    assert.equal(await readText(peer, 6), 'answer');
    assert.equal(stream.unsentBytes, 0);
  });

  check('two streams that answer one another do not mix their bytes', async (t, engine) => {
    const [one, two] = [await openOne(t, engine), await openOne(t, engine)];
    for (const [from, to] of [
      [one, two],
      [two, one],
    ] as const) {
      from.heard.onPiece = (piece) => {
        to.stream.pause();
        to.stream.resume();
        to.stream.write(piece);
      };
    }
    one.peer.write('a'.repeat(3000));
    two.peer.write('b'.repeat(3000));
    assert.equal(await readText(one.peer, 3000), 'b'.repeat(3000));
    assert.equal(await readText(two.peer, 3000), 'a'.repeat(3000));
  });

  check('a paused stream reads nothing and slows its writer', async (t, engine) => {
    const { peer, heard, stream } = await openOne(t, engine);
    stream.pause();
    const total = 16 * 1024 * 1024;
    peer.write(Buffer.alloc(total, 1));
    await until(() => peer.writableLength > 0, 'the writer waits');
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    assert.ok(heard.bytes <= 64 * 1024, `${heard.bytes} bytes were read`);
    stream.resume();
    await until(() => heard.bytes === total, 'all is read');
  });

  check('a write that comes short is kept, and its end is told', async (t, engine) => {
    const { peer, heard, stream } = await openOne(t, engine);
    peer.pause();
    const block = Buffer.alloc(64 * 1024, 3);
    let written = 0;
    for (let room = true; room; written += block.length) room = stream.write(block);
    assert.ok(stream.unsentBytes > 0);
    block.fill(9);
    stream.end();
    const all = await readAll(peer);
    assert.equal(all.length, written);
    assert.ok(!all.includes('\t'), 'what was written is not what the buffer holds later');
    assert.equal(stream.unsentBytes, 0);
    assert.equal(heard.closed, 0, 'the other direction is still open');
  });
}

function endChecks(check: Check): void {
  check('a stream hears the end and may still answer', async (t, engine) => {
    const { peer, heard, stream } = await openOne(t, engine);
    peer.end('bye');
    await until(() => heard.ended === 1, 'the end is heard');
    stream.write(Buffer.from('answer'));
    stream.end();
    assert.equal(await readAll(peer), 'answer');
    assert.equal(heard.text, 'bye');
  });

  check('a stream whose peer resets is closed once', async (t, engine) => {
    const before = openSockets();
    const { peer, heard } = await openOne(t, engine);
    peer.write('x');
    await until(() => heard.text === 'x', 'it is open');
    peer.resetAndDestroy();
    await until(() => heard.closed === 1, 'it is closed');
    await until(() => openSockets() <= before + 1, 'only the listener is left');
    assert.equal(heard.closed, 1);
  });

  check('a stream is quiet until its peer speaks or goes', async (t, engine) => {
    for (const act of [
      (peer: Socket) => void peer.write('x'),
      (peer: Socket) => void peer.end(),
      (peer: Socket) => void peer.resetAndDestroy(),
    ]) {
      const { peer, stream } = await openOne(t, engine);
      assert.equal(stream.isQuiet(), true);
      stream.pause();
      act(peer);
      await until(() => !stream.isQuiet(), 'it is quiet no more');
      stream.destroy();
    }
  });

  check('what came before a reset is read although writing fails', async (t, engine) => {
    const { peer, heard, stream } = await openOne(t, engine);
    stream.pause();
    peer.write('last words');
    peer.end();
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    stream.write(Buffer.from('x'));
    stream.resume();
    await until(() => heard.text === 'last words', 'they are read');
  });

  check('a stream that is destroyed closes, with a reset if asked', async (t, engine) => {
    for (const how of ['reset', 'close'] as const) {
      const { peer, heard, stream } = await openOne(t, engine);
      stream.destroy(how);
      stream.destroy(how);
      assert.equal(await failureOf(peer), how === 'reset' ? 'ECONNRESET' : undefined);
      await until(() => heard.closed === 1, 'it is closed');
      assert.equal(stream.write(Buffer.from('nobody reads this')), true);
    }
  });
}

async function openOne(t: TestContext, engine: StreamEngine): Promise<Opened> {
  const accepted = Promise.withResolvers<Opened>();
  const heard = new Heard();
  const listener = await engine.listen({ address: '127.0.0.1', port: 0 }, (connection) => {
    const stream = engine.open(connection, heard);
    t.after(() => stream.destroy());
    accepted.resolve({ peer, heard, stream, connection });
  });
  t.after(() => listener.close());
  const peer = connectTo(t, listener.address);
  return accepted.promise;
}
