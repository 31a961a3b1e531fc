/** A connection goes on at another engine of the process, and nothing that engine held outlives it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import test, { type TestContext } from 'node:test';
import { messageOf } from '../../model/index.ts';
import { createEngine } from './create-engine.ts';
import type { Connection } from './engine.ts';
import { createThreadEngine } from './epoll.ts';
import type { Ledger, Stream, StreamEngine } from './stream.ts';
import { until } from './testing.ts';

const skip = await createEngine({ prefer: 'epoll' }).then(() => false, messageOf);
const host = '127.0.86.1';

interface World {
  readonly engine: StreamEngine;
  readonly ledger: Ledger;
  readonly client: ReturnType<typeof connect>;
  readonly connection: Connection;
  /** Descriptors that the ledger names. */
  readonly held: () => readonly number[];
}

async function startWorld(t: TestContext): Promise<World> {
  const { engine } = await createEngine({ prefer: 'epoll', workers: 2 });
  const accepted = Promise.withResolvers<Connection>();
  const listener = await engine.listen({ address: host, port: 0 }, accepted.resolve);
  t.after(() => listener.close());
  const client = connect(listener.address.port, host);
  t.after(() => client.destroy());
  client.on('error', () => undefined);
  const connection = await accepted.promise;
  t.after(() => connection.destroy());
  const ledger: Ledger = new SharedArrayBuffer(65_536);
  const held = (): readonly number[] =>
    [...new Uint8Array(ledger).entries()].flatMap(([fd, is]) => (is === 1 ? [fd] : []));
  return { engine, ledger, client, connection, held };
}

/** Says all it hears again. */
function echo(open: (handlers: Parameters<StreamEngine['open']>[1]) => Stream): Stream {
  const stream: Stream = open({
    onBytes: (bytes, length) => void stream.write(bytes.slice(0, length)),
    onEnd: () => stream.end(),
    onDrain: () => undefined,
    onClosed: () => undefined,
  });
  return stream;
}

test(
  'what was said before and after is heard there, and the ledger is right',
  { skip },
  async (t) => {
    const { engine, ledger, client, connection, held } = await startWorld(t);
    client.write('before ');
    const other = await createThreadEngine(ledger);
    t.after(() => other.end());
    const own = held();
    assert.equal(own.length, 1, 'its epoll');
    const passed = engine.passing?.give(connection, ledger);
    assert.ok(passed !== undefined);
    assert.deepEqual(
      held(),
      [...own, passed.descriptor].toSorted((a, b) => a - b),
    );
    assert.equal(passed.remote.port, client.localPort);
    assert.equal(engine.passing?.give(connection, ledger), undefined, 'it is gone from here');
    const stream = echo((handlers) => other.open(other.take(passed), handlers));
    client.write('after');
    let heard = '';
    client.setEncoding('utf8').on('data', (part: string) => (heard += part));
    await until(() => heard === 'before after', 'all of it comes back');
    stream.destroy();
    await once(client, 'close');
    assert.deepEqual(held(), own);
  },
);

test('whoever buries a thread resets what it held', { skip }, async (t) => {
  const { engine, ledger, client, connection, held } = await startWorld(t);
  const passed = engine.passing?.give(connection, ledger);
  assert.deepEqual(held(), [passed?.descriptor]);
  const failed = once(client, 'error');
  engine.passing?.bury(ledger);
  assert.match(messageOf((await failed)[0]), /ECONNRESET/);
  assert.deepEqual(held(), []);
});
