/** What every engine must do with the words of a client whose backend goes without an answer. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import { ClientWords, keptWordsBytes } from './client-words.ts';
import type { Connection, NetEngine, Relay } from './engine.ts';
import { connectTo, failureOf, readAll, readText, startServer } from './testing.ts';

interface Rig {
  readonly client: Socket;
  /** Relays the client to a new backend, with the same words each time. */
  next(preface?: Uint8Array): Promise<{ readonly relay: Relay; readonly backend: Socket }>;
}

async function createRig(t: TestContext, engine: NetEngine): Promise<Rig> {
  const backends = await startServer(t);
  const accepted = Promise.withResolvers<Connection>();
  const listener = await engine.listen({ address: '127.0.0.1', port: 0 }, accepted.resolve);
  t.after(() => listener.close());
  const client = connectTo(t, listener.address);
  const taken = await accepted.promise;
  t.after(() => taken.destroy());
  const words = new ClientWords();
  return {
    client,
    next: async (preface) => {
      const to = await engine.connect(backends.address, { timeoutMs: 5_000 });
      const backend = await backends.next();
      backend.on('error', () => undefined);
      return { relay: engine.relay(taken, to, { preface, words }), backend };
    },
  };
}

/** The ways a backend goes without a word. */
const exits: Readonly<Record<string, (backend: Socket) => void>> = {
  'with a reset': (backend) => void backend.resetAndDestroy(),
  'with an end': (backend) => void backend.end(),
};

export function replaySuite(name: string, create: () => NetEngine): void {
  const check = (what: string, run: (t: TestContext, rig: Rig) => Promise<void>): void => {
    test(`${name} engine: ${what}`, { timeout: 20_000 }, async (t) => {
      await run(t, await createRig(t, create()));
    });
  };

  for (const [how, exit] of Object.entries(exits)) {
    check(`a backend that goes ${how} leaves the client to the next`, async (_t, rig) => {
      rig.client.write('first ');
      const one = await rig.next();
      assert.equal(await readText(one.backend, 6), 'first ');
      exit(one.backend);
      assert.equal(await one.relay.done, 'unanswered');
      assert.equal(one.relay.bytesFromClient, 6);
      rig.client.write('second');
      const two = await rig.next(Buffer.from('PREFACE '));
      assert.equal(await readText(two.backend, 20), 'PREFACE first second');
      two.backend.end('answer');
      assert.equal(await readAll(rig.client), 'answer');
      rig.client.end();
      assert.equal(await two.relay.done, 'finished');
      assert.equal(two.relay.bytesFromClient, 12);
      assert.equal(two.relay.bytesFromBackend, 6);
    });
  }

  check('the end of a client that had ended is said again as well', async (_t, rig) => {
    rig.client.end('all');
    for (let gone = 0; gone < 3; gone++) {
      const { relay, backend } = await rig.next();
      assert.equal(await readAll(backend), 'all');
      backend.resetAndDestroy();
      assert.equal(await relay.done, 'unanswered');
    }
    const last = await rig.next();
    assert.equal(await readAll(last.backend), 'all');
    last.backend.end('answer');
    assert.equal(await readAll(rig.client), 'answer');
    assert.equal(await last.relay.done, 'finished');
  });

  check('after the first byte of an answer nothing is said again', async (_t, rig) => {
    rig.client.write('question');
    const { relay, backend } = await rig.next();
    await readText(backend, 8);
    backend.write('a');
    await readText(rig.client, 1);
    backend.resetAndDestroy();
    assert.equal(await relay.done, 'backend-failed');
  });

  check('more than is kept is not said again', async (_t, rig) => {
    rig.client.write(Buffer.alloc(keptWordsBytes + 1, 'x'));
    const { relay, backend } = await rig.next();
    await readText(backend, keptWordsBytes + 1);
    backend.resetAndDestroy();
    assert.equal(await relay.done, 'backend-failed');
  });

  check('a client that resets is not left waiting', async (_t, rig) => {
    rig.client.write('question');
    const { relay, backend } = await rig.next();
    await readText(backend, 8);
    rig.client.resetAndDestroy();
    assert.equal(await relay.done, 'client-failed');
    assert.equal(await failureOf(backend), 'ECONNRESET');
  });

  check('a client that goes between two backends ends the next relay', async (_t, rig) => {
    rig.client.write('question');
    const one = await rig.next();
    await readText(one.backend, 8);
    one.backend.resetAndDestroy();
    assert.equal(await one.relay.done, 'unanswered');
    rig.client.resetAndDestroy();
    await once(rig.client, 'close');
    const two = await rig.next();
    assert.equal(await two.relay.done, 'client-failed');
  });
}
