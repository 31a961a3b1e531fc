/** What manifests say comes to be, no more and no less, and a refused set leaves everything as it was. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  namespaceKind,
  podKind,
  serviceKind,
  type KubeObject,
  type ObjectClient,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createObjectCheck, createRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createApplier, patchFor, type Applier } from './apply.ts';
import { ManifestError } from './errors.ts';
import { interpretManifests, loadManifests, type DesiredObject } from './load.ts';

interface Rig {
  readonly client: ObjectClient;
  readonly applier: Applier;
  /** The writes since the last look, in order. */
  readonly writes: string[];
}

function rig(): Rig {
  let uids = 0;
  const store = createMemoryStore({ clock: createFakeClock(), newUid: () => `uid-${uids++}` });
  const registry = createRegistry({
    store,
    random: () => 0.5,
    serviceRange: parseCidr('10.96.0.0/16')!,
    allowLoopbackEndpoints: true,
  });
  const writes: string[] = [];
  const client: ObjectClient = {
    get: (kind, name) => registry.get(kind, name),
    list: (kind, options) => registry.list(kind, options),
    watch: (kind, options) => registry.watch(kind, options),
    create: (kind, object) => {
      writes.push(`create ${object.metadata.name}`);
      return registry.create(kind, object);
    },
    update: (kind, object) => registry.update(kind, object),
    patch: (kind, name, patch, options) => {
      writes.push(`patch ${name.name}${options?.subresource === 'status' ? ' status' : ''}`);
      return registry.patch(kind, name, patch, options);
    },
    delete: (kind, name, options) => {
      writes.push(`delete ${name.name}`);
      return registry.delete(kind, name, options);
    },
  };
  return { client, applier: createApplier(client), writes };
}

const check = createObjectCheck({ allowLoopback: true });

function desired(...documents: readonly string[]): readonly DesiredObject[] {
  const text = documents.join('\n---\n');
  const { desired: found, problems } = interpretManifests([{ file: 'x.yaml', text }], check);
  assert.deepEqual(problems, []);
  return found;
}

const service = (name: string, more = ''): string => `
apiVersion: v1
kind: Service
metadata: { name: ${name} }
spec:
  ports: [{ port: 80 }]${more === '' ? '' : `\n  ${more}`}`;

const named = (name: string): { namespace: string; name: string } => ({
  namespace: 'default',
  name,
});

async function serviceNames(client: ObjectClient): Promise<readonly string[]> {
  const { items } = await client.list(serviceKind);
  return items.map(({ metadata }) => metadata.name);
}

test('objects are created, Namespaces before what is in them', async () => {
  const { client, applier, writes } = rig();
  const inShop = service('web').replace('name: web', 'name: web, namespace: shop');
  const shop = 'apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }';
  const summary = await applier.apply(desired(inShop, service('api'), shop));
  assert.deepEqual(summary, { created: 3, changed: 0, deleted: 0, unchanged: 0 });
  assert.deepEqual(writes, ['create shop', 'create web', 'create api']);
  await applier.apply([]);
  assert.deepEqual(writes.slice(3), ['delete api', 'delete web', 'delete shop']);
  // What empties it and takes it out is a controller.
  const { status } = await client.get(namespaceKind, { name: 'shop' });
  assert.equal(status?.phase, 'Terminating');
});

test('only what was edited is written, and only before what is obsolete goes', async () => {
  const { client, applier, writes } = rig();
  await applier.apply(desired(service('a'), service('b'), service('c')));
  const before = await client.get(serviceKind, named('b'));
  writes.length = 0;
  const summary = await applier.apply(desired(service('a'), service('b', 'type: NodePort')));
  assert.deepEqual(summary, { created: 0, changed: 1, deleted: 1, unchanged: 1 });
  assert.deepEqual(writes, ['patch b', 'delete c']);
  const after = await client.get(serviceKind, named('b'));
  assert.equal(after.spec?.clusterIP, before.spec?.clusterIP);
  assert.equal(after.metadata.uid, before.metadata.uid);
  assert.equal(after.spec?.type, 'NodePort');
});

test('what a manifest no longer mentions goes back to its default', async () => {
  const { client, applier } = rig();
  await applier.apply(desired(service('a', 'sessionAffinity: ClientIP')));
  await applier.apply(desired(service('a')));
  const { spec } = await client.get(serviceKind, named('a'));
  assert.deepEqual([spec?.sessionAffinity, spec?.sessionAffinityConfig], ['None', undefined]);
});

test('what others wrote stays', async () => {
  const { client, applier } = rig();
  await applier.apply(desired(service('a')));
  await client.patch(serviceKind, named('a'), { metadata: { annotations: { note: 'mine' } } });
  await applier.apply(desired(service('a', 'type: NodePort')));
  const { metadata } = await client.get(serviceKind, named('a'));
  assert.deepEqual(metadata.annotations, { note: 'mine' });
});

test('an object deleted by others comes back, one made by others stays when the manifest goes', async () => {
  const { client, applier } = rig();
  const made = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: named('theirs'),
    spec: { ports: [{ port: 1 }] },
  };
  await client.create(serviceKind, made);
  await applier.apply(desired(service('mine'), service('theirs')));
  assert.equal((await client.get(serviceKind, named('theirs'))).spec?.ports?.[0]?.port, 80);
  await client.delete(serviceKind, named('mine'));
  await applier.apply(desired(service('mine'), service('theirs')));
  assert.deepEqual(await serviceNames(client), ['mine', 'theirs']);
  await applier.apply([]);
  assert.deepEqual(await serviceNames(client), ['theirs']);
});

test('a status that is written down is written, once', async () => {
  const { client, applier, writes } = rig();
  const pod = (phase: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: p }
spec: { containers: [{ name: c, image: x }] }
status: { podIP: 127.0.0.1, phase: ${phase} }`;
  await applier.apply(desired(pod('Running')));
  const { status } = await client.get(podKind, named('p'));
  assert.deepEqual([status?.podIP, status?.phase], ['127.0.0.1', 'Running']);
  await client.patch(
    podKind,
    named('p'),
    { status: { reason: 'node' } },
    { subresource: 'status' },
  );
  writes.length = 0;
  await applier.apply(desired(pod('Running')));
  assert.deepEqual(writes, []);
  await applier.apply(desired(pod('Failed')));
  assert.deepEqual(writes, ['patch p status']);
});

test('a Pod that may not become what is written is made anew, one made by others is not', async () => {
  const pod = (image: string, hostname: string): string => `
apiVersion: v1
kind: Pod
metadata: { name: p }
spec: { hostname: ${hostname}, containers: [{ name: c, image: '${image}' }] }`;
  const { client, applier, writes } = rig();
  await applier.apply(desired(pod('web:1', 'a')));
  const first = await client.get(podKind, named('p'));
  await applier.apply(desired(pod('web:2', 'a')));
  assert.equal((await client.get(podKind, named('p'))).metadata.uid, first.metadata.uid);
  writes.length = 0;
  await applier.apply(desired(pod('web:2', 'b')));
  assert.deepEqual(writes, ['patch p', 'delete p', 'create p']);
  const next = await client.get(podKind, named('p'));
  assert.notEqual(next.metadata.uid, first.metadata.uid);
  const other = createApplier(client);
  await assert.rejects(other.apply(desired(pod('web:2', 'c'))), {
    message:
      /spec: Forbidden: pod updates may not change fields other than .*\n {2}spec\.hostname: "b" -> "c"/s,
    remedy: 'Leave spec as it was, or make the object anew',
  });
});

test('a repository made for a cluster comes to be, but for the kinds that are not served', async () => {
  const { client, applier } = rig();
  const folder = fileURLToPath(new URL('./testdata/stock-repository/', import.meta.url));
  const loaded = await loadManifests([folder], check);
  assert.deepEqual(loaded.problems, []);
  const { created } = await applier.apply(loaded.desired);
  assert.deepEqual([created, loaded.skipped.length], [13, 6]);
  const { items } = await client.list(serviceKind, { namespace: 'shop' });
  assert.deepEqual(
    items.map(({ metadata, spec }) => [metadata.name, spec?.type, spec?.ports?.length ?? 0]),
    [
      ['backend', 'ClusterIP', 2],
      ['payments', 'ExternalName', 0],
      ['postgres', 'ClusterIP', 1],
      ['release-frontend', 'NodePort', 1],
    ],
  );
  // Loading it again writes nothing.
  assert.equal((await applier.apply(loaded.desired)).unchanged, 13);
});

test('a set that is refused changes nothing, and says why and where', async () => {
  const { client, applier } = rig();
  await applier.apply(desired(service('a'), service('b', 'sessionAffinity: ClientIP')));
  const before = await client.list(serviceKind);
  const broken = desired(
    service('new'),
    service('b', 'type: NodePort'),
    service('taken', 'clusterIP: 10.97.0.1'),
  );
  await assert.rejects(applier.apply(broken), (thrown) => {
    assert.ok(thrown instanceof ManifestError);
    assert.equal(thrown.code, 'MANIFEST_REFUSED');
    assert.equal(
      thrown.message,
      'Cannot load x.yaml:22: spec.clusterIP: Invalid value: ["10.97.0.1"]: failed to allocate IP 10.97.0.1: the provided IP (10.97.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16',
    );
    return true;
  });
  const after = await client.list(serviceKind);
  assert.deepEqual(after.items.map(content), before.items.map(content));
  assert.deepEqual(await applier.apply(desired(service('a'))), {
    created: 0,
    changed: 0,
    deleted: 1,
    unchanged: 1,
  });
});

test('a refused first set leaves nothing behind', async () => {
  const { client, applier } = rig();
  const broken = desired(service('a'), service('b', 'clusterIP: 10.97.0.1'));
  await assert.rejects(applier.apply(broken), { code: 'MANIFEST_REFUSED' });
  assert.deepEqual(await serviceNames(client), []);
});

test('an API that fails is not the manifest’s fault', async () => {
  const { client } = rig();
  const down = (): Promise<never> => Promise.reject(new Error('connection refused'));
  const applier = createApplier({ ...client, create: down });
  await assert.rejects(applier.apply(desired(service('a'))), {
    code: 'MANIFEST_UNAPPLIED',
    message: 'Cannot load x.yaml:2: connection refused',
    remedy: 'Save the file again once the API answers',
  });
});

const base = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } };
const patches: Readonly<
  Record<string, { last?: object; stored: object; wanted: object; want: object | undefined }>
> = {
  'nothing to do': {
    stored: { spec: { a: 1, b: 2 } },
    wanted: { spec: { a: 1 } },
    want: undefined,
  },
  'a changed field': {
    stored: { spec: { a: 1 } },
    wanted: { spec: { a: 2 } },
    want: { spec: { a: 2 } },
  },
  'a removed field': {
    last: { spec: { a: 1, b: { c: 1 } } },
    stored: { spec: { a: 1, b: { c: 1, d: 2 } } },
    wanted: { spec: { a: 1, b: {} } },
    want: { spec: { b: { c: null } } },
  },
  'a removed part': {
    last: { spec: { a: 1 } },
    stored: { spec: { a: 1 } },
    wanted: {},
    want: { spec: null },
  },
  'what others changed meanwhile': {
    last: { spec: { a: 1, b: 1 } },
    stored: { spec: { a: 2, b: 1 } },
    wanted: { spec: { a: 1, b: 2 } },
    want: { spec: { b: 2 } },
  },
  'the status is no part of it': {
    last: { status: { x: 1 } },
    stored: {},
    wanted: { status: { x: 2 } },
    want: undefined,
  },
};

for (const [name, { last, stored, wanted, want }] of Object.entries(patches)) {
  test(`patch: ${name}`, () =>
    assert.deepEqual(
      patchFor(last && { ...base, ...last }, { ...base, ...stored }, { ...base, ...wanted }),
      want,
    ));
}

/** Without what every write changes. */
function content(object: KubeObject): unknown {
  const { resourceVersion: _version, generation: _generation, ...metadata } = object.metadata;
  return { ...object, metadata };
}

test('many objects are looked for by one list; what is there is kept, also what comes at the same moment', async () => {
  const { client } = rig();
  const names = Array.from({ length: 150 }, (_, i) => `s${i}`);
  const [early, late, ...rest] = desired(...names.map((name) => service(name)));
  assert.ok(early !== undefined && late !== undefined);
  await client.create(early.kind, early.object);
  let asked = 0;
  const racing = createApplier({
    ...client,
    get: (kind, name) => {
      asked++;
      return client.get(kind, name);
    },
    list: async (kind, options) => {
      const listed = await client.list(kind, options);
      await client.create(late.kind, late.object);
      return listed;
    },
  });
  const summary = await racing.apply([early, late, ...rest]);
  assert.deepEqual(summary, { created: 148, changed: 2, deleted: 0, unchanged: 0 });
  // The one that was there, and the one that came.
  assert.equal(asked, 2);
  // What it did not make is not its own to delete.
  assert.equal((await racing.apply([])).deleted, 148);
  assert.deepEqual((await serviceNames(client)).toSorted(), ['s0', 's1']);
});
