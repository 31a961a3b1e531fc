/** The durable store keeps to the contract, and what it said it stored is there again. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { serviceKind, type ObjectClient, type Service } from '../kube/index.ts';
import { createFakeClock, openDatabase } from '../sys/index.ts';
import { openDurableStore, type DurableStore } from './durable-store.ts';
import { storeModelSuite } from './model.suite.ts';
import { objectClientSuite, type SuiteStore } from './object-client.suite.ts';

const root = await mkdtemp(join(tmpdir(), 'switchyard-store-'));
const opened = new Set<DurableStore>();
let folders = 0;
let uids = 0;

after(async () => {
  for (const store of opened) await store.close();
  await rm(root, { recursive: true });
});

const newFolder = (): string => join(root, String(folders++));

interface Opened extends SuiteStore {
  readonly durable: DurableStore;
}

async function open(folder: string, historySize = 64): Promise<Opened> {
  const clock = createFakeClock();
  const newUid = (): string => `uid-${uids++}`;
  const durable = await openDurableStore({ folder, clock, newUid, historySize, keepChanges: 600 });
  opened.add(durable);
  return { clock, durable, store: durable.client };
}

async function close({ durable }: Opened): Promise<void> {
  await durable.close();
  opened.delete(durable);
}

const service = (name: string, type = 'ClusterIP'): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec: { type },
});
const web = { namespace: 'shop', name: 'web' };

objectClientSuite('durable', { create: async (history) => await open(newFolder(), history) });

let last: Opened | undefined;
storeModelSuite(
  'durable',
  async () => {
    // Many histories: each ends before the next begins.
    if (last !== undefined) await close(last);
    last = await open(newFolder());
    return last.store;
  },
  // Each is a folder, a thread and a sync a write.
  { histories: 30 },
);

async function types(store: ObjectClient): Promise<readonly string[]> {
  const { items } = await store.list(serviceKind);
  return items.map(({ metadata, spec }) => `${metadata.name} ${spec?.type}`);
}

test('what was stored is there again, with uids and versions, and versions go on', async () => {
  const folder = newFolder();
  const first = await open(folder);
  const made = await first.store.create(serviceKind, service('web'));
  await first.store.create(serviceKind, service('api'));
  await first.store.delete(serviceKind, { ...web, name: 'api' });
  await first.durable.setSetting('range', '127.70.0.0/16');
  await close(first);
  const second = await open(folder);
  assert.deepEqual(await second.store.get(serviceKind, web), made);
  const { items, resourceVersion } = await second.store.list(serviceKind);
  assert.deepEqual([items.length, resourceVersion], [1, '3']);
  assert.equal(second.durable.settings['range'], '127.70.0.0/16');
  const next = await second.store.create(serviceKind, service('db'));
  assert.equal(next.metadata.resourceVersion, '4');
});

test('a watch goes on after a restart as if there had been none', async () => {
  const folder = newFolder();
  const first = await open(folder);
  const { metadata } = await first.store.create(serviceKind, service('web'));
  await first.store.update(serviceKind, service('web', 'NodePort'));
  await first.store.delete(serviceKind, web);
  await close(first);
  const { store } = await open(folder);
  const stop = new AbortController();
  const watch = store
    .watch(serviceKind, { resourceVersion: metadata.resourceVersion, signal: stop.signal })
    [Symbol.asyncIterator]();
  const seen = [await watch.next(), await watch.next()].map(({ value }) => value);
  assert.deepEqual(
    seen.map(
      (event) => event !== undefined && 'object' in event && [event.type, event.object.spec],
    ),
    [
      ['MODIFIED', { type: 'NodePort' }],
      ['DELETED', { type: 'NodePort' }],
    ],
  );
  stop.abort();
});

test('writers of one object wait for one another, and nobody sees what is not written down', async () => {
  const { store } = await open(newFolder());
  await store.create(serviceKind, service('web'));
  const writing = Array.from({ length: 20 }, (_, i) =>
    store.patch(serviceKind, web, { metadata: { labels: { [`l${i}`]: 'x' } } }),
  );
  assert.equal((await store.get(serviceKind, web)).metadata.labels, undefined);
  assert.equal((await store.list(serviceKind)).resourceVersion, '1');
  const versions = (await Promise.all(writing)).map(({ metadata }) => metadata.resourceVersion);
  assert.deepEqual(
    versions.map(Number).toSorted((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i + 2),
  );
  const { metadata } = await store.get(serviceKind, web);
  assert.equal(Object.keys(metadata.labels ?? {}).length, 20);
});

test('of two that create one name, one is refused', async () => {
  const { store } = await open(newFolder());
  const both = [service('web'), service('web')].map((object) => store.create(serviceKind, object));
  const ends = await Promise.allSettled(both);
  assert.deepEqual(ends.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

test('replaced revisions are taken out, and a watch from before them is too old after a restart', async () => {
  const folder = newFolder();
  const first = await open(folder);
  await first.store.create(serviceKind, service('web'));
  for (let i = 0; i < 3_000; i++) {
    await first.store.patch(serviceKind, web, { spec: { type: `t${i}` } });
  }
  await close(first);
  const size = statSync(join(folder, 'objects.db')).size;
  const second = await open(folder);
  assert.deepEqual(await types(second.store), ['web t2999']);
  const signal = new AbortController().signal;
  const watch = second.store.watch(serviceKind, { resourceVersion: '5', signal });
  await assert.rejects(watch[Symbol.asyncIterator]().next(), { code: 'Expired' });
  assert.ok(size < 1_000_000, `3,000 changes of one object are ${size} bytes`);
});

test('a second user of a folder is told, and harms nothing', async () => {
  const folder = newFolder();
  const first = await open(folder);
  await assert.rejects(open(folder), { code: 'DATABASE_LOCKED', remedy: /another folder/ });
  await first.store.create(serviceKind, service('web'));
});

test('the file is for its owner only', async () => {
  const folder = newFolder();
  await open(folder);
  assert.equal(statSync(join(folder, 'objects.db')).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test('a copy made while writing holds every write answered before it began', async () => {
  const { store, durable } = await open(newFolder());
  for (let i = 0; i < 50; i++) await store.create(serviceKind, service(`before${i}`));
  const during = Array.from({ length: 50 }, (_, i) => store.create(serviceKind, service(`d${i}`)));
  const folder = newFolder();
  mkdirSync(folder);
  await durable.copyTo(join(folder, 'objects.db'));
  await Promise.all(during);
  const copy = await open(folder);
  const names = (await types(copy.store)).filter((text) => text.startsWith('before'));
  assert.equal(names.length, 50);
});

const damages: Readonly<Record<string, (path: string) => void>> = {
  'no database': (path) => writeFileSync(path, 'kind: Service\n'.repeat(1_000)),
  'cut short': (path) => truncateSync(path, 8_192),
  'a page of noise': (path) => {
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 4_096, 12_288);
    writeFileSync(path, bytes);
  },
  'an object that is no JSON': (path) => {
    const text = readFileSync(path, 'latin1');
    writeFileSync(path, text.replaceAll('{"kind"', '{{kind"'), 'latin1');
  },
};

for (const [what, damage] of Object.entries(damages)) {
  test(`a damaged file is named with what to do: ${what}`, async () => {
    const folder = newFolder();
    const first = await open(folder);
    for (let i = 0; i < 100; i++) await first.store.create(serviceKind, service(`web${i}`));
    await close(first);
    const path = join(folder, 'objects.db');
    damage(path);
    const before = readFileSync(path);
    await assert.rejects(open(folder), {
      code: 'DATABASE_DAMAGED',
      message: new RegExp(path),
      remedy: /restore/,
    });
    assert.deepEqual(readFileSync(path), before, 'nothing is made worse');
  });
}

const strangers = {
  DATABASE_NEWER: { sql: 'PRAGMA user_version = 99', remedy: /newer version/ },
  DATABASE_FOREIGN: { sql: 'PRAGMA application_id = 1', remedy: /another folder/ },
};

for (const [code, { sql, remedy }] of Object.entries(strangers)) {
  test(`a file that is not for us is left alone: ${code}`, async () => {
    const folder = newFolder();
    await close(await open(folder));
    const path = join(folder, 'objects.db');
    const database = openDatabase(path);
    database.execute(sql);
    database.close();
    const before = readFileSync(path);
    await assert.rejects(open(folder), { code, message: new RegExp(path), remedy });
    assert.deepEqual(readFileSync(path), before);
  });
}

const isRoot = process.getuid?.() === 0;

test(
  'a full disk refuses writes whole, goes on reading, and writes again when there is space',
  {
    skip: isRoot ? false : 'a small disk can be made by root only',
  },
  async (t) => {
    const disk = newFolder();
    mkdirSync(disk);
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
    if (mounted.status !== 0) {
      t.skip('this host lets nobody mount a tmpfs');
      return;
    }
    try {
      const folder = join(disk, 'data');
      const first = await open(folder);
      await first.store.create(serviceKind, service('web'));
      const filler = join(disk, 'filler');
      spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4096']);
      const stored: string[] = [];
      let refused = 0;
      for (let i = 0; i < 200; i++) {
        const object = {
          ...service(`s${i}`),
          metadata: { ...service(`s${i}`).metadata, annotations: { a: 'x'.repeat(8_000) } },
        };
        try {
          await first.store.create(serviceKind, object);
          stored.push(`s${i}`);
        } catch (thrown) {
          refused++;
          assert.match(String(thrown), /Cannot store services "s\d+": .*the disk is full/);
          await assert.rejects(first.store.get(serviceKind, { ...web, name: `s${i}` }), {
            code: 'NotFound',
          });
        }
      }
      assert.ok(refused > 100, `${refused} were refused`);
      assert.ok((await types(first.store)).includes('web ClusterIP'));
      await rm(filler);
      await first.store.create(serviceKind, service('after'));
      await close(first);
      const second = await open(folder);
      const names = (await types(second.store)).map((text) => text.split(' ')[0]);
      assert.deepEqual(names, ['web', 'after', ...stored].toSorted());
      await close(second);
    } finally {
      spawnSync('umount', ['-l', disk]);
    }
  },
);

test('power lost at any point of the log leaves what was answered by then, whole', async () => {
  const folder = newFolder();
  const first = await open(folder);
  const wal = join(folder, 'objects.db-wal');
  const answered: { readonly name: string; readonly size: number }[] = [];
  for (let i = 0; i < 40; i++) {
    await first.store.create(serviceKind, service(`web${i}`));
    answered.push({ name: `web${i}`, size: statSync(wal).size });
  }
  const full = statSync(wal).size;
  for (let cut = 0; cut <= 24; cut++) {
    const crashed = newFolder();
    await cp(folder, crashed, { recursive: true });
    const at = Math.floor((full * cut) / 24);
    truncateSync(join(crashed, 'objects.db-wal'), at);
    const again = await open(crashed);
    const names = (await types(again.store)).map((text) => text.split(' ')[0] ?? '');
    const promised = answered.filter(({ size }) => size <= at).map(({ name }) => name);
    assert.deepEqual(
      promised.filter((name) => !names.includes(name)),
      [],
      `cut at ${at}`,
    );
    assert.deepEqual(
      names.toSorted(),
      answered
        .slice(0, names.length)
        .map(({ name }) => name)
        .toSorted(),
      'a beginning of the history, without a hole',
    );
    await close(again);
  }
});

test(
  'a folder that may not be written is named with what to do',
  {
    skip: isRoot ? 'root may write everywhere' : false,
  },
  async () => {
    const folder = newFolder();
    mkdirSync(folder);
    chmodSync(folder, 0o500);
    await assert.rejects(open(folder), { code: 'DATABASE_NOT_PERMITTED', remedy: /yours/ });
  },
);

test('while another process has the folder, changes wait, and go on when nobody wrote', async () => {
  const folder = newFolder();
  const own = await open(folder);
  await own.store.create(serviceKind, service('web'));
  await own.durable.suspend();
  const other = await open(folder);
  assert.equal((await other.store.get(serviceKind, web)).metadata.resourceVersion, '1');
  let isStored = false;
  const waiting = own.store.create(serviceKind, service('api')).then(() => (isStored = true));
  await assert.rejects(own.store.get(serviceKind, { ...web, name: 'api' }), { code: 'NotFound' });
  await close(other);
  assert.equal(isStored, false);
  await own.durable.resume();
  await waiting;
  const api = await own.store.get(serviceKind, { ...web, name: 'api' });
  assert.equal(api.metadata.resourceVersion, '2');
  await close(own);
});

test('what another process wrote meanwhile comes first, and what waited is refused', async () => {
  const folder = newFolder();
  const own = await open(folder);
  await own.store.create(serviceKind, service('web'));
  await own.durable.suspend();
  const waiting = own.store.create(serviceKind, service('api'));
  const refused = assert.rejects(waiting, /another process changed the objects meanwhile/);
  const other = await open(folder);
  await other.store.create(serviceKind, service('theirs'));
  await other.store.delete(serviceKind, web);
  await close(other);
  const { signal } = new AbortController();
  const watch = own.store.watch(serviceKind, { resourceVersion: '1', signal });
  await own.durable.resume();
  await refused;
  const seen: string[] = [];
  for await (const event of watch) {
    if (event.type === 'BOOKMARK') continue;
    seen.push(`${event.type} ${event.object.metadata.name}`);
    if (seen.length === 2) break;
  }
  assert.deepEqual(seen, ['ADDED theirs', 'DELETED web']);
  const next = await own.store.create(serviceKind, service('api'));
  assert.equal(next.metadata.resourceVersion, '4');
  await own.durable.suspend();
  const late = assert.rejects(own.store.create(serviceKind, service('late')), /taken over/);
  await own.durable.close();
  await late;
  opened.delete(own.durable);
});
