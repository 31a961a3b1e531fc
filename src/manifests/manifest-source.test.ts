/** Files on disk become objects, follow their edits, and survive broken ones. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { serviceKind, type ObjectClient } from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { silentLogger, type Component, type Logger } from '../obs/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createManifestSource, type ManifestReport } from './manifest-source.ts';

interface Rig {
  readonly folder: string;
  readonly client: ObjectClient;
  readonly source: Component;
  readonly infos: string[];
  readonly write: (name: string, text: string) => Promise<void>;
  /** The next report that is not taken yet. */
  readonly report: () => Promise<ManifestReport>;
  readonly names: () => Promise<string>;
}

async function rig(t: TestContext, paths: readonly string[] = ['.']): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'manifests-'));
  let uids = 0;
  const client = createRegistry({
    store: createMemoryStore({ clock: systemClock, newUid: () => `uid-${uids++}` }),
    random: Math.random,
    serviceRange: parseCidr('10.96.0.0/16')!,
    allowLoopbackEndpoints: true,
  });
  const reports: ManifestReport[] = [];
  const infos: string[] = [];
  const told = new EventEmitter();
  const log: Logger = {
    ...silentLogger,
    info: (_message, fields) => void infos.push(String(fields?.['kind'])),
  };
  const source = createManifestSource({
    paths: paths.map((path) => join(folder, path)),
    client,
    clock: systemClock,
    log,
    onReport: (report) => {
      reports.push(report);
      told.emit('report');
    },
  });
  t.after(async () => {
    await source.stop();
    await rm(folder, { recursive: true });
  });
  return {
    folder,
    client,
    source,
    infos,
    write: (name, text) => writeFile(join(folder, name), text),
    report: async () => {
      if (reports.length === 0) await once(told, 'report', { signal: AbortSignal.timeout(10_000) });
      return reports.shift()!;
    },
    names: async () => {
      const { items } = await client.list(serviceKind);
      return items.map(({ metadata }) => metadata.name).join(' ');
    },
  };
}

const service = (name: string, port: number | string = 80): string =>
  `apiVersion: v1\nkind: Service\nmetadata:\n  name: ${name}\nspec:\n  ports:\n    - port: ${port}\n`;
const never = new AbortController().signal;

test('a folder is loaded at start and followed: edits, new files, new folders, removals', async (t) => {
  const { source, write, report, names, folder } = await rig(t);
  await write('a.yaml', `${service('a')}---\n${service('b')}`);
  await source.start(never);
  assert.deepEqual(await report(), {
    result: 'applied',
    summary: { created: 2, changed: 0, deleted: 0, unchanged: 0 },
    skipped: [],
  });
  assert.equal(source.status().state, 'ready');
  // One object leaves the file.
  await write('a.yaml', service('a'));
  await report();
  assert.equal(await names(), 'a');
  await mkdir(join(folder, 'more'));
  await write('more/c.yml', service('c'));
  await report();
  assert.equal(await names(), 'a c');
  await write('more/c.yml', service('d'));
  await report();
  assert.equal(await names(), 'a d');
  await rm(join(folder, 'a.yaml'));
  await report();
  assert.equal(await names(), 'd');
});

test('a broken edit keeps everything and says where; mending it is told too', async (t) => {
  const { source, write, report, names } = await rig(t);
  await write('a.yaml', service('a'));
  await write('b.yaml', service('b'));
  await source.start(never);
  await report();
  await write('a.yaml', service('renamed', '80a'));
  const refused = await report();
  assert.equal(refused.result, 'refused');
  const [problem] = refused.result === 'refused' ? refused.problems : [];
  assert.equal(problem?.line, 7);
  assert.equal(problem?.field, 'spec.ports[0].port');
  assert.equal(problem?.reason, 'Invalid value: "80a": must be an integer');
  assert.equal(problem?.remedy, 'Write port as a whole number, without quotes');
  assert.equal(await names(), 'a b');
  assert.equal(source.status().state, 'degraded');
  await write('a.yaml', service('a'));
  assert.equal((await report()).result, 'applied');
  assert.equal(await names(), 'a b');
  assert.equal(source.status().state, 'ready');
});

test('a single file is followed when an editor replaces it, and missed when it goes', async (t) => {
  const { source, write, report, names, folder } = await rig(t, ['a.yaml']);
  await write('a.yaml', service('a'));
  await source.start(never);
  await report();
  await rm(join(folder, 'a.yaml'));
  const refused = await report();
  assert.equal(refused.result === 'refused' && refused.problems[0]?.code, 'MANIFEST_NOT_FOUND');
  assert.equal(await names(), 'a');
  await write('a.yaml', service('b'));
  while ((await report()).result !== 'applied');
  assert.equal(await names(), 'b');
});

test('a folder that goes and comes back is followed again', async (t) => {
  const { source, write, report, names, folder } = await rig(t, ['sub']);
  await mkdir(join(folder, 'sub'));
  await write('sub/a.yaml', service('a'));
  await source.start(never);
  await report();
  await rm(join(folder, 'sub'), { recursive: true });
  // What an editor empties is emptied; what is gone as a whole is an error.
  let last = await report();
  while (last.result !== 'refused') last = await report();
  assert.equal(last.problems[0]?.code, 'MANIFEST_NOT_FOUND');
  await mkdir(join(folder, 'sub'));
  await write('sub/b.yaml', service('b'));
  while ((await names()) !== 'b') await report();
  await write('sub/b.yaml', service('c'));
  while ((await names()) !== 'c') await report();
});

test('a broken start is refused with all problems of all files, and nothing is made', async (t) => {
  const { source, write, names, folder } = await rig(t, ['.', 'nowhere']);
  await write('a.yaml', service('a', 0));
  await write('b.yaml', 'kind: [');
  await assert.rejects(source.start(never), (thrown: Error) => {
    assert.deepEqual(thrown.message.replaceAll(folder, '').split('\n'), [
      'Cannot load /nowhere: it does not exist',
      '  and /a.yaml:7: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive',
      '  and /b.yaml:1: Flow sequence in block collection must be sufficiently indented and end with a ]',
    ]);
    return true;
  });
  assert.equal(await names(), '');
});

test('a kind that is not served is named once', async (t) => {
  const { source, write, report, infos } = await rig(t);
  const other = 'apiVersion: apps/v1\nkind: DaemonSet\nmetadata: { name: web }\n';
  await write('a.yaml', other);
  await source.start(never);
  const first = await report();
  assert.equal(first.result === 'applied' && first.skipped[0]?.kind, 'DaemonSet');
  await write('a.yaml', `${other}---\n${service('a')}`);
  const second = await report();
  assert.deepEqual(second.result === 'applied' && second.skipped, []);
  assert.deepEqual(infos, ['DaemonSet']);
});

test('stop before start, and twice, is harmless', async (t) => {
  const { source } = await rig(t);
  await source.stop();
  await source.stop();
  assert.equal(source.status().state, 'stopped');
});
