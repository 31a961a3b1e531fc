/** The memory store keeps to the contract, and its cost follows the change. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { podKind, serviceKind, type KubeObject, type Service } from '../kube/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { EventLog } from './event-log.ts';
import { createMemoryStore, type MemoryStoreOptions } from './memory.ts';
import { storeModelSuite } from './model.suite.ts';
import { objectClientSuite, type SuiteStore } from './object-client.suite.ts';
import { ObjectTable } from './object-table.ts';

function create(options: Partial<MemoryStoreOptions> = {}): SuiteStore {
  const clock = createFakeClock();
  let uids = 0;
  return { clock, store: createMemoryStore({ clock, newUid: () => `uid-${uids++}`, ...options }) };
}

objectClientSuite('memory', { create: (historySize) => create({ historySize }) });
storeModelSuite('memory', () => create({ historySize: 64 }).store);

const service = (name: string): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
});

test('a watch that sees nothing of much is told how far it has come', async () => {
  const { store } = create({ bookmarkEvery: 10 });
  const stop = new AbortController();
  const options = { labelSelector: 'app=none', signal: stop.signal };
  const watch = store.watch(serviceKind, options)[Symbol.asyncIterator]();
  for (let i = 0; i < 25; i++) await store.create(serviceKind, service(`s${i}`));
  const seen = [(await watch.next()).value, (await watch.next()).value];
  assert.deepEqual(seen, [
    { type: 'BOOKMARK', resourceVersion: '10' },
    { type: 'BOOKMARK', resourceVersion: '20' },
  ]);
  stop.abort();
});

test('versions of a store that was made anew are not mistaken for its own', async () => {
  const { store } = create({ firstVersion: 1_000 });
  const made = await store.create(serviceKind, service('a'));
  assert.equal(made.metadata.resourceVersion, '1001');
  const signal = new AbortController().signal;
  const old = store.watch(serviceKind, { resourceVersion: '999', signal });
  await assert.rejects(old[Symbol.asyncIterator]().next(), {
    code: 'Expired',
    message: 'too old resource version: 999 (1000)',
  });
});

test('a change wakes the watchers of its kind only, each once', async () => {
  let wakes = 0;
  const services = new EventLog(16, 0);
  const pods = new EventLog(16, 0);
  for (let i = 0; i < 3; i++) services.onceAppended(() => wakes++);
  const entry = {
    version: 1,
    event: { type: 'ADDED', object: service('a') },
    previous: undefined,
  } as const;
  pods.append(entry);
  assert.equal(wakes, 0);
  services.append(entry);
  services.append({ ...entry, version: 2 });
  assert.equal(wakes, 3);
});

test('a place is found in a history that has gone round more than once', () => {
  const log = new EventLog(16_384, 0);
  for (let i = 1; i <= 40_000; i++) {
    const event = { type: 'ADDED', object: service('a') } as const;
    log.append({ version: i * 3, event, previous: undefined });
  }
  const looks: number[] = [];
  for (const version of [119_999, 100_000, 80_000]) {
    const at = log.positionAfter(version);
    assert.equal(log.at(at)?.version, (Math.floor(version / 3) + 1) * 3);
    looks.push(at);
  }
  assert.throws(() => log.positionAfter(3), { code: 'Expired' });
  assert.throws(() => log.at(0), { code: 'Expired' });
  assert.equal(log.at(log.end), undefined);
  assert.deepEqual(
    looks,
    looks.toSorted((a, b) => b - a),
  );
});

test('a list of one namespace looks at nothing else', () => {
  const table = new ObjectTable(new EventLog(16, 0));
  let reads = 0;
  const counted = (namespace: string, name: string): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    get metadata() {
      reads++;
      return { name, namespace };
    },
  });
  for (let i = 0; i < 1_000; i++) {
    const name = { namespace: `n${i % 100}`, name: `s${i}` };
    table.set(name, counted(name.namespace, name.name));
  }
  const items = [...table.list('n7')];
  assert.equal(items.length, 10);
  assert.equal(reads, 0);
});

test('a slow watcher holds nothing: the history is all there is', async () => {
  const { store } = create({ historySize: 8 });
  const stop = new AbortController();
  const watches = Array.from({ length: 50 }, () =>
    store.watch(podKind, { signal: stop.signal })[Symbol.asyncIterator](),
  );
  for (let i = 0; i < 9; i++) {
    const metadata = { name: `p${i}`, namespace: 'shop' };
    await store.create(podKind, { apiVersion: 'v1', kind: 'Pod', metadata });
  }
  for (const watch of watches) await assert.rejects(watch.next(), { code: 'Expired' });
  stop.abort();
});
