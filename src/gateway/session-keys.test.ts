import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { secretKind, type ObjectClient } from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock, type FakeClock } from '../sys/index.ts';
import { createSessionKeys, type SessionKeys } from './session-keys.ts';

const name = { namespace: 'kube-system', name: 'switchyard-session-keys' };
const day = 86_400_000;

function createApi(clock: FakeClock): ObjectClient {
  const serviceRange = parseCidr('10.96.0.0/16');
  assert.ok(serviceRange !== undefined);
  let uids = 0;
  const store = createMemoryStore({ clock, newUid: () => `uid-${++uids}` });
  return createRegistry({
    store,
    random: Math.random,
    serviceRange,
    allowLoopbackEndpoints: true,
  });
}

async function startKeys(
  t: TestContext,
  client: ObjectClient,
  clock: FakeClock,
): Promise<SessionKeys> {
  const options = {
    client,
    clock,
    random: Math.random,
    log: silentLogger,
    changed: () => undefined,
  };
  const keys = createSessionKeys(options);
  t.after(() => keys.stop());
  await keys.start(AbortSignal.timeout(10_000));
  return keys;
}

const textsOf = (keys: SessionKeys): readonly string[] =>
  keys.keys().map((key) => Buffer.from(key).toString('hex'));

/** Lets watches and writes get through, which take no time of the clock. */
async function until(clock: FakeClock, isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 1_000 && !isSo(); i++) {
    await clock.advance(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.ok(isSo());
}

test('two that begin at once make one key and share it', async (t) => {
  const clock = createFakeClock(1_700_000_000_000);
  const api = createApi(clock);
  const both = await Promise.all([startKeys(t, api, clock), startKeys(t, api, clock)]);
  await until(clock, () => both.every((keys) => keys.keys().length === 1));
  assert.deepEqual(textsOf(both[0]), textsOf(both[1]));
  assert.equal(both[0].keys()[0]?.length, 32);
  assert.equal(both[0].status().state, 'ready');
  const { items } = await api.list(secretKind);
  assert.equal(items.length, 1);
});

test('a key is followed by another after 30 days, and honoured until that one is', async (t) => {
  const clock = createFakeClock(1_700_000_000_000);
  const api = createApi(clock);
  const [one, other] = [await startKeys(t, api, clock), await startKeys(t, api, clock)];
  await until(clock, () => one.keys().length === 1 && other.keys().length === 1);
  const [first] = textsOf(one);
  await clock.advance(30 * day + 3_600_000);
  await until(clock, () => one.keys().length === 2 && other.keys().length === 2);
  assert.deepEqual(textsOf(one), textsOf(other));
  assert.equal(textsOf(one)[1], first, 'the newest comes first');
  const [second] = textsOf(one);
  await clock.advance(30 * day + 3_600_000);
  await until(clock, () => textsOf(one)[1] === second && textsOf(other)[1] === second);
  assert.ok(!textsOf(one).includes(first ?? ''), 'the first is dropped');
  const secret = await api.get(secretKind, name);
  assert.equal(Object.keys(secret.data ?? {}).length, 2);
});

test('a Secret that is taken away is made anew; until then its keys hold', async (t) => {
  const clock = createFakeClock(1_700_000_000_000);
  const api = createApi(clock);
  const keys = await startKeys(t, api, clock);
  await until(clock, () => keys.keys().length === 1);
  const before = textsOf(keys);
  await api.delete(secretKind, name);
  assert.deepEqual(textsOf(keys), before);
  await clock.advance(3_600_000);
  await until(clock, () => textsOf(keys)[0] !== before[0]);
});

test('what is no key in the Secret is passed over and left where it is', async (t) => {
  const clock = createFakeClock(1_700_000_000_000);
  const api = createApi(clock);
  const foreign = { note: Buffer.from('mine').toString('base64'), 'key-1': 'c2hvcnQ=' };
  await api.create(secretKind, {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: name,
    data: foreign,
  });
  const keys = await startKeys(t, api, clock);
  await until(clock, () => keys.keys().length === 1);
  const secret = await api.get(secretKind, name);
  assert.equal(secret.data?.['note'], foreign.note);
});
