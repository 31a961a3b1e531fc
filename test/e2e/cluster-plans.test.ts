/** What a real API server once answered, replayed, gives the Plan that our own API gives for the same objects. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openAccess, type ClusterAccess } from '../../src/cluster/index.ts';
import { accessTo, createTestProxy } from '../../src/cluster/testing.ts';
import {
  endpointSliceKind,
  namespaceKind,
  nodeKind,
  serviceKind,
  type EndpointSlice,
  type KubeObject,
  type Service,
} from '../../src/kube/index.ts';
import type { Plan } from '../../src/model/index.ts';
import { systemClock } from '../../src/sys/index.ts';
import { startApi } from '../support/api.ts';
import { ScriptedApi } from '../support/scripted-api.ts';
import { root } from '../support/tree.ts';

interface Transcript {
  readonly request: { readonly method: string; readonly path: string };
  readonly response: { readonly body?: unknown };
}

/** The recorded list of a kind that holds the most. */
function recorded<T extends KubeObject>(kind: string, template: Omit<T, 'metadata'>): readonly T[] {
  const file = join(root, 'test/e2e/testdata/kubernetes-1.36.jsonl.gz');
  const lines = gunzipSync(readFileSync(file)).toString('utf8').trim().split('\n');
  const lists = lines.flatMap((line) => {
    const { request, response } = JSON.parse(line) as Transcript;
    const body = parsed(response.body);
    const list = body as { readonly kind?: string; readonly items?: readonly T[] } | undefined;
    return request.method === 'GET' && list?.kind === kind ? [list.items ?? []] : [];
  });
  const [longest = []] = lists.toSorted((a, b) => b.length - a.length);
  assert.ok(longest.length > 0, `no ${kind} is recorded`);
  return longest.map((item) => ({ ...item, ...template }));
}

/** Bodies that are no JSON document, a watch's lines among them, hold no list. */
function parsed(body: unknown): unknown {
  if (typeof body !== 'string') return body;
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

/** As somebody would write it: what the server adds is the server's to add. */
function bare<T extends KubeObject>(object: T): T {
  const { name, namespace, labels, annotations } = object.metadata;
  const metadata = {
    name,
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels === undefined ? {} : { labels }),
    ...(annotations === undefined ? {} : { annotations }),
  };
  const { status: _status, ...rest } = object as T & { readonly status?: unknown };
  return { ...rest, metadata } as unknown as T;
}

async function planOf(t: TestContext, access: ClusterAccess): Promise<Plan> {
  const proxy = createTestProxy({ access, applied: () => undefined });
  await proxy.start();
  t.after(() => proxy.stop());
  return proxy.planner.applied().plan;
}

/** Without what only the embedded API brings: its own Service. */
function shown(plan: Plan): readonly string[] {
  return [...plan.servers.values()]
    .filter(({ ref }) => !(ref.namespace === 'default' && ref.name === 'kubernetes'))
    .map((server) => JSON.stringify(server))
    .toSorted();
}

test('two nodes at a replayed API, and one at ours, have the same Plan', async (t) => {
  const services = recorded<Service>('ServiceList', { apiVersion: 'v1', kind: 'Service' });
  const slices = recorded<EndpointSlice>('EndpointSliceList', {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    ...({} as Pick<EndpointSlice, 'addressType'>),
  });
  const replayed = new ScriptedApi();
  await replayed.start();
  t.after(() => replayed.stop());
  replayed.set(nodeKind, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } });
  for (const service of services) replayed.set(serviceKind, service);
  for (const slice of slices) replayed.set(endpointSliceKind, slice);
  const first = shown(await planOf(t, accessTo(replayed.url)));
  assert.ok(first.length > 0);
  assert.ok(first.some((text) => text.includes('"address"')));
  assert.deepEqual(shown(await planOf(t, accessTo(replayed.url))), first);

  const api = await startApi();
  t.after(() => api.stop());
  const namespaces = new Set(services.map(({ metadata }) => metadata.namespace ?? ''));
  for (const name of namespaces) {
    if (name === 'default') continue;
    const namespace = { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
    await api.registry.create(namespaceKind, namespace);
  }
  for (const service of services) {
    if (service.metadata.name !== 'kubernetes')
      await api.registry.create(serviceKind, bare(service));
  }
  for (const slice of slices) {
    if (slice.metadata.name !== 'kubernetes')
      await api.registry.create(endpointSliceKind, bare(slice));
  }
  const { kubeconfig } = api;
  const access = await openAccess({ kubeconfig, inCluster: undefined, clock: systemClock });
  assert.deepEqual(shown(await planOf(t, access)), first);
});
