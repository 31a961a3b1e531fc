/** ObjectClient over HTTPS against the embedded API: the suite of every client, and the ways in. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test, type TestContext } from 'node:test';
import { parse, stringify } from 'yaml';
import {
  createClusterClient,
  openAccess,
  type ClusterClient,
  type ClusterClientOptions,
} from '../../src/cluster/index.ts';
import {
  ApiError,
  endpointSliceKind,
  endpointsKind,
  namespaceKind,
  nameOf,
  serviceKind,
  type KubeObject,
  type ObjectClient,
} from '../../src/kube/index.ts';
import type { ObjectRegistry } from '../../src/registry/index.ts';
import { createMemoryStore } from '../../src/store/index.ts';
import { objectClientSuite } from '../../src/store/object-client.suite.ts';
import { createFakeClock, systemClock } from '../../src/sys/index.ts';
import { startApi, type TestApi } from '../support/api.ts';

/** A store without rules as what an API server serves: the suite's objects are no complete Services. */
function unruled(store: ObjectClient): ObjectRegistry {
  return {
    get: (...asked) => store.get(...asked),
    list: (...asked) => store.list(...asked),
    watch: (...asked) => store.watch(...asked),
    create: (...asked) => store.create(...asked),
    update: (...asked) => store.update(...asked),
    patch: (...asked) => store.patch(...asked),
    delete: (...asked) => store.delete(...asked),
    make: (kind, value) => store.create(kind, value as KubeObject),
    revise: async (kind, name, { revision, context }) => {
      const { value, expected } = revision(await store.get(kind, name));
      const object = value as KubeObject & { readonly status?: unknown };
      if (context.subresource === 'status') {
        return await store.patch(kind, name, { status: object.status }, { subresource: 'status' });
      }
      if (object.metadata?.name !== name.name) throw new ApiError('BadRequest', 'another name');
      const { resourceVersion: _own, ...metadata } = object.metadata;
      const version = expected === undefined ? {} : { resourceVersion: expected };
      return await store.update(kind, { ...object, metadata: { ...metadata, ...version } });
    },
    remove: (kind, name, options) => store.delete(kind, name, options),
    replaceStored: (work) => work(),
  };
}

const open: TestApi[] = [];
after(async () => {
  for (const api of open) await api.stop();
});

async function clientOf(
  api: Pick<TestApi, 'kubeconfig'>,
  options: Partial<ClusterClientOptions> = {},
): Promise<ClusterClient> {
  const { kubeconfig } = api;
  const clock = systemClock;
  const access = await openAccess({ kubeconfig, inCluster: undefined, clock });
  const random = Math.random;
  return createClusterClient({ access, clock, random, userAgent: 'switchyard/test', ...options });
}

const noGeneration = 'an API server shows no generation of Services';

objectClientSuite('over HTTPS', {
  create: async (historySize) => {
    const clock = createFakeClock();
    let uids = 0;
    const store = createMemoryStore({ clock, newUid: () => `uid-${uids++}`, historySize });
    const api = await startApi({ registry: unruled(store) });
    open.push(api);
    for (const kind of [serviceKind, endpointSliceKind, endpointsKind]) {
      for (const object of (await store.list<KubeObject>(kind)).items) {
        await store.delete(kind, nameOf(object));
      }
    }
    return { store: await clientOf(api, { pageSize: 3 }), clock };
  },
  skip: {
    'an object is stored with uid, time, generation and version': noGeneration,
    'generation counts changes of the spec only': noGeneration,
    'an update cannot change what the store set': noGeneration,
    'watchers share their events': 'each watch reads its own copy from its connection',
    'a watcher that does not keep up is Expired, the others are not':
      'a connection holds more than a hundred small events; the server ends a slow watch itself',
  },
});

async function api(t: TestContext): Promise<TestApi> {
  const started = await startApi();
  t.after(() => started.stop());
  return started;
}

interface KubeconfigParts {
  readonly clusters: readonly { readonly cluster: Record<string, unknown> }[];
  readonly users: { user: Record<string, unknown> }[];
}

/** The kubeconfig with another user in it, in a folder of its own. */
function rewritten(
  t: TestContext,
  { kubeconfig }: TestApi,
  change: (config: KubeconfigParts, folder: string) => void,
): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-kubeconfig-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = parse(readFileSync(kubeconfig, 'utf8')) as KubeconfigParts;
  change(config, folder);
  const path = join(folder, 'config');
  writeFileSync(path, stringify(config));
  return path;
}

test('a token in a file that is renewed: refused once, read again, answered', async (t) => {
  const served = await api(t);
  let token = '';
  const kubeconfig = rewritten(t, served, ({ users }, folder) => {
    token = join(folder, 'token');
    for (const row of users) row.user = { tokenFile: 'token' };
  });
  writeFileSync(token, 'expired');
  const client = await clientOf({ kubeconfig });
  t.after(() => client.close());
  await assert.rejects(client.list(namespaceKind), { code: 'Unauthorized' });
  writeFileSync(token, `${served.token}\n`);
  const { items } = await client.list(namespaceKind);
  assert.ok(items.some(({ metadata }) => metadata.name === 'default'));
});

test('a program gives the credentials, and is asked again when they are refused', async (t) => {
  const served = await api(t);
  let asked = '';
  const kubeconfig = rewritten(t, served, ({ users }, folder) => {
    asked = join(folder, 'asked');
    const program = join(folder, 'login');
    // The first token it gives is refused; the second is right.
    writeFileSync(
      program,
      `#!/bin/sh
echo x >> ${asked}
if [ "$(wc -l < ${asked})" -gt 1 ]; then token=${served.token}; else token=old; fi
echo '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"'$token'"}}'
`,
    );
    chmodSync(program, 0o755);
    const exec = {
      apiVersion: 'client.authentication.k8s.io/v1',
      command: program,
      interactiveMode: 'Never',
    };
    for (const row of users) row.user = { exec };
  });
  const client = await clientOf({ kubeconfig });
  t.after(() => client.close());
  await client.list(namespaceKind);
  await client.list(serviceKind);
  assert.equal(readFileSync(asked, 'utf8').trim().split('\n').length, 2);
});

test('who cannot be trusted, or is not there, is told with what to do', async (t) => {
  const served = await api(t);
  const untrusted = rewritten(t, served, ({ clusters }) => {
    for (const { cluster } of clusters) delete cluster['certificate-authority-data'];
  });
  const closed = rewritten(t, served, ({ clusters }) => {
    for (const { cluster } of clusters) cluster['server'] = 'https://127.0.0.213:9';
  });
  for (const [kubeconfig, says] of [
    [untrusted, /certificate/],
    [closed, /127\.0\.0\.213:9/],
  ] as const) {
    const client = await clientOf({ kubeconfig });
    t.after(() => client.close());
    await assert.rejects(client.list(namespaceKind), (thrown: unknown) => {
      assert.ok(thrown instanceof ApiError && thrown.remedy !== undefined);
      assert.equal(thrown.code, 'ServiceUnavailable');
      assert.match(thrown.message, says);
      return true;
    });
  }
});
