/** What backup and restore print, over real files and a store on disk, against golden files: the good ways and the bad. */
import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test, type TestContext } from 'node:test';
import { runCli, type CliDeps, type CliEnv } from '../cli/index.ts';
import { fakeSource } from '../cli/testdata/fake-source.ts';
import { createControlServer, instanceFolder } from '../control/index.ts';
import { configMapKind, type ConfigMap } from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createRegistry, type ObjectRegistry } from '../registry/index.ts';
import { createFakeClock, openDatabase } from '../sys/index.ts';
import type { AddressBlock } from './address-block.ts';
import { createBackupSource, restoreInto } from './backups.ts';
import { openObjects, type Objects } from './objects.ts';

const testdata = join(import.meta.dirname, 'testdata', 'backups');
const root = mkdtempSync(join(tmpdir(), 'sy-backups-'));
const at = (...parts: readonly string[]): string => join(root, ...parts);
const folders: CliEnv = {
  home: root,
  xdgRuntimeDir: undefined,
  instance: undefined,
  noColor: true,
};

interface Running {
  readonly objects: Objects;
  readonly registry: ObjectRegistry;
  stop(): Promise<void>;
}

/** An instance as far as backups are concerned: a store in a folder, and a control socket. */
async function run(instance: string, range: string): Promise<Running> {
  const folder = at(`data-${instance}`);
  const objects = await openObjects({ folder, instance, folders, estate: undefined });
  await objects.remember('serviceRange', range);
  const serviceRange = parseCidr(range);
  assert.ok(serviceRange !== undefined);
  const block: AddressBlock = {
    serviceRange,
    secondaryRange: undefined,
    podRange: serviceRange,
    ownAddress: '127.0.0.1',
    farPodRange: serviceRange,
    claim: undefined,
    release: async () => undefined,
  };
  const registry = createRegistry({
    store: objects.store,
    random: Math.random,
    serviceRange,
    allowLoopbackEndpoints: true,
  });
  const backups = createBackupSource({ objects, client: registry, block, folder });
  const server = createControlServer({
    folder: instanceFolder(folders, instance),
    instance,
    source: { ...fakeSource(), backups },
    log: silentLogger,
  });
  await server.start(new AbortController().signal);
  return {
    objects,
    registry,
    stop: async () => {
      await server.stop();
      await objects.close();
    },
  };
}

const configMap = (name: string): ConfigMap => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { namespace: 'default', name },
  data: { a: name },
});

let running: Running;
before(async () => {
  mkdirSync(at('folder'));
  const other = await run('other', '127.65.0.0/17');
  await other.registry.create(configMapKind, configMap('one'));
  await other.objects.copyTo(at('other-range.db'));
  await other.stop();
  running = await run('shop', '127.64.0.0/17');
  for (const name of ['one', 'two']) await running.registry.create(configMapKind, configMap(name));
  await running.objects.copyTo(at('good.db'));
  const bytes = readFileSync(at('good.db'));
  writeFileSync(at('damaged.db'), bytes.subarray(0, bytes.length / 2));
  writeFileSync(at('text.db'), 'no database, whatever its name');
  writeFileSync(at('nothing.db'), '');
  copyFileSync(at('good.db'), at('newer.db'));
  change('newer.db', 'PRAGMA user_version = 99');
  change('foreign.db', 'CREATE TABLE bookmarks (url TEXT)');
});
after(async () => {
  await running.stop();
  rmSync(root, { recursive: true, force: true });
});

function change(file: string, sql: string): void {
  const database = openDatabase(at(file));
  database.execute(sql);
  database.close();
}

/** A data folder that nobody has open, with this as its file. */
function dataFolder(name: string, file: string): void {
  mkdirSync(at(name));
  writeFileSync(at(name, 'notes.txt'), 'kept');
  copyFileSync(at(file), at(name, 'objects.db'));
}

interface Case {
  readonly argv: readonly string[];
  readonly prepare?: () => Promise<unknown> | void;
}

const into = (file: string, folder: string): readonly string[] => [
  'restore',
  file,
  '--data-dir',
  folder,
];

/** By golden file, in this order: what one leaves the next one finds. */
const golden: Readonly<Record<string, Case>> = {
  'backup.text': { argv: ['backup', 'monday.db'] },
  'backup.json': { argv: ['backup', 'monday.db', '-o', 'json'] },
  'backup-nowhere.text': { argv: ['backup', 'nosuch/monday.db'] },
  'backup-over-folder.json': { argv: ['backup', 'folder', '-o', 'json'] },
  'backup-not-running.text': { argv: ['backup', 'monday.db', '--instance', 'blog'] },
  'restore-nothing-to-do.text': { argv: ['restore', 'monday.db'] },
  'restore.text': {
    argv: ['restore', 'monday.db'],
    prepare: () => running.registry.delete(configMapKind, { namespace: 'default', name: 'one' }),
  },
  'restore.json': {
    argv: ['restore', 'monday.db', '-o', 'json'],
    prepare: () => running.registry.create(configMapKind, configMap('three')),
  },
  'restore-missing.text': { argv: ['restore', 'nosuch.db'] },
  'restore-damaged.text': { argv: ['restore', 'damaged.db'] },
  'restore-damaged.json': { argv: ['restore', 'damaged.db', '-o', 'json'] },
  'restore-no-database.text': { argv: ['restore', 'text.db'] },
  'restore-empty.text': { argv: ['restore', 'nothing.db'] },
  'restore-foreign.text': { argv: ['restore', 'foreign.db'] },
  'restore-foreign.json': { argv: ['restore', 'foreign.db', '-o', 'json'] },
  'restore-newer.text': { argv: ['restore', 'newer.db'] },
  'restore-newer.json': { argv: ['restore', 'newer.db', '-o', 'json'] },
  'restore-other-range.text': { argv: ['restore', 'other-range.db'] },
  'restore-other-range.json': { argv: ['restore', 'other-range.db', '-o', 'json'] },
  'restore-into-running.text': { argv: into('monday.db', 'data-shop') },
  'restore-into-running.json': { argv: [...into('monday.db', 'data-shop'), '-o', 'json'] },
  'restore-into-new.text': { argv: into('monday.db', 'fresh') },
  'restore-into-same.json': { argv: [...into('monday.db', 'fresh'), '-o', 'json'] },
  'restore-into-not-empty.text': {
    argv: into('monday.db', 'full'),
    prepare: async () => {
      await running.registry.create(configMapKind, configMap('four'));
      await running.objects.copyTo(at('four.db'));
      dataFolder('full', 'four.db');
    },
  },
  'restore-into-damaged.text': {
    argv: into('monday.db', 'broken'),
    prepare: () => dataFolder('broken', 'text.db'),
  },
  'restore-into-foreign.text': {
    argv: into('monday.db', 'bookmarks'),
    prepare: () => dataFolder('bookmarks', 'foreign.db'),
  },
  'restore-into-newer.text': {
    argv: into('monday.db', 'newer'),
    prepare: () => dataFolder('newer', 'newer.db'),
  },
  'restore-into-other-range.text': {
    argv: into('monday.db', 'elsewhere'),
    prepare: () => dataFolder('elsewhere', 'other-range.db'),
  },
};

const never = (): never => assert.fail('not asked for');

async function shown({ argv, prepare }: Case): Promise<string> {
  await prepare?.();
  const written = { stdout: '', stderr: '' };
  const stream = (name: keyof typeof written) => ({
    write: (text: string) => {
      written[name] += text;
    },
  });
  const deps: CliDeps = {
    version: '0.1.0',
    clock: createFakeClock(),
    interrupted: () => new AbortController().signal,
    up: never,
    restore: restoreInto,
    cleanup: never,
    dns: never,
    proxy: never,
    gateway: never,
    doctor: never,
    errorTables: async () => (await import('./error-tables.ts')).errorTables,
  };
  const io = { stdout: stream('stdout'), stderr: stream('stderr'), env: folders, folder: root };
  const exit = await runCli(argv, io, deps);
  const text = `--- stdout\n${written.stdout}--- stderr\n${written.stderr}--- exit ${exit}\n`;
  return `$ switchyard ${argv.join(' ')}\n${text.replaceAll(root, '/srv')}`;
}

for (const [name, c] of Object.entries(golden)) {
  test(`golden ${name}`, async (t: TestContext) => {
    t.assert.fileSnapshot(await shown(c), join(testdata, `${name}.txt`), {
      serializers: [(text) => String(text)],
    });
  });
}

test('what was refused changed nothing, and nothing is left beside the files', async () => {
  const { items } = await running.registry.list(configMapKind);
  assert.deepEqual(items.map(({ metadata }) => metadata.name).toSorted(), ['four', 'one', 'two']);
  for (const [folder, file] of [
    ['bookmarks', 'foreign.db'],
    ['newer', 'newer.db'],
  ] as const) {
    assert.deepEqual(readFileSync(at(folder, 'objects.db')), readFileSync(at(file)), folder);
    assert.equal(readFileSync(at(folder, 'notes.txt'), 'utf8'), 'kept');
  }
  assert.equal(
    readFileSync(at('broken', 'objects.db.damaged'), 'utf8').slice(0, 11),
    'no database',
  );
  const left = ['.', 'data-shop', 'fresh', 'full', 'broken', 'bookmarks', 'newer', 'elsewhere']
    .flatMap((folder) => readdirSync(at(folder)).map((name) => `${folder}/${name}`))
    .filter((name) => name.includes('.switchyard-'));
  assert.deepEqual(left, []);
});

test('every golden file has its case', () => {
  const files = Object.keys(golden).map((name) => `${name}.txt`);
  assert.deepEqual(readdirSync(testdata).toSorted(), files.toSorted());
});
