/** People keep the URLs of browsers: which port is taken, when that is another than the usual one, and for how long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPortableEngine, NetError, type NetEngine } from '../sys/net/index.ts';
import { createBrowserPort } from './browser-port.ts';

/** Grants any port that is not taken, and the first of its own for 0. */
function engineWith(taken: ReadonlySet<number>): Pick<NetEngine, 'listen'> {
  return {
    listen: async ({ address, port }) => {
      if (taken.has(port)) {
        throw new NetError('NET_ADDRESS_IN_USE', `Cannot listen at ${address}:${port}: taken`);
      }
      const place = { address, port: port === 0 ? 40_001 : port };
      return {
        address: place,
        close: async () => undefined,
        suspend: () => -1,
        resume: async () => undefined,
      };
    },
  };
}

interface Rig {
  readonly remembered: Map<string, string>;
  start(taken: readonly number[], port?: number): Promise<number | undefined>;
}

function rig(): Rig {
  const remembered = new Map<string, string>();
  return {
    remembered,
    start: async (taken, port) => {
      const browsers = createBrowserPort({
        engine: { ...createPortableEngine(), ...engineWith(new Set(taken)) },
        gateway: { takeByName: () => true },
        port,
        objects: {
          recall: (name) => remembered.get(name),
          remember: async (name, text) => void remembered.set(name, text),
        },
      });
      await browsers.start(new AbortController().signal);
      const at = browsers.address()?.port;
      await browsers.stop();
      assert.equal(browsers.address(), undefined);
      return at;
    },
  };
}

test('it is the usual port, and nothing is to be remembered', async () => {
  const { start, remembered } = rig();
  assert.deepEqual([await start([]), await start([])], [8_880, 8_880]);
  assert.equal(remembered.size, 0);
});

test('another one while that is taken stays, also when the usual one is free again', async () => {
  const { start } = rig();
  assert.equal(await start([8_880]), 40_001);
  assert.equal(await start([]), 40_001);
  // Both are somebody else's now.
  assert.equal(await start([40_001]), 8_880);
});

test('one that is asked for is taken, or nothing is', async () => {
  const { start, remembered } = rig();
  assert.equal(await start([], 9_000), 9_000);
  await assert.rejects(start([9_000], 9_000), { code: 'NET_ADDRESS_IN_USE' });
  assert.equal(remembered.size, 0, 'it is the flag that stays, not what it said once');
});
