/** The node itself is followed: whatever the cluster says of it later is in its view, once. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ScriptedApi } from '../../test/support/scripted-api.ts';
import { labels, nodeKind, nodeTaints, serviceCidrKind, type Node } from '../kube/index.ts';
import { formatCidr, type NodeView } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import { createClusterClient } from './cluster-client.ts';
import { proxyFollowings } from './followings.ts';
import { createMirror } from './mirror.ts';
import { createNodeFollower, type NodeFollower } from './node-follower.ts';
import { accessTo } from './testing.ts';

const own: Node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } };

function nodeWith(spec: NonNullable<Node['spec']>): Node {
  return { ...own, spec };
}

interface Followed {
  readonly api: ScriptedApi;
  readonly follower: NodeFollower;
  readonly views: NodeView[];
}

async function followed(
  t: TestContext,
  options: Partial<Parameters<typeof createNodeFollower>[0]> = {},
): Promise<Followed> {
  const api = new ScriptedApi();
  await api.start();
  t.after(() => api.stop());
  api.set(nodeKind, own);
  const common = { clock: systemClock, random: Math.random, log: silentLogger };
  const { following, readings } = proxyFollowings('node-a');
  const access = accessTo(api.url);
  const cluster = createClusterClient({ ...common, access, readings, userAgent: 'test' });
  const mirror = createMirror({ ...common, cluster, following, kept: undefined });
  const views: NodeView[] = [];
  const follower = createNodeFollower({
    ...common,
    client: mirror.client,
    node: 'node-a',
    hostAddresses: ['192.0.2.9'],
    nodePortAddresses: [],
    masqueradeAll: false,
    detectsLocalPods: true,
    byPodRanges: false,
    changed: (view) => views.push(view),
    ...options,
  });
  await mirror.start(new AbortController().signal);
  await follower.start(new AbortController().signal);
  t.after(async () => {
    await follower.stop();
    await mirror.stop();
  });
  return { api, follower, views };
}

async function until(holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, 'not in time');
    await systemClock.sleep(5);
  }
}

test('its zone is followed', async (t) => {
  const { api, follower, views } = await followed(t);
  assert.equal(follower.view().zone, undefined);
  for (const zone of ['here', 'there']) {
    api.set(nodeKind, { ...own, metadata: { name: 'node-a', labels: { [labels.zone]: zone } } });
    await until(() => follower.view().zone === zone);
  }
  assert.deepEqual(
    views.map(({ zone }) => zone),
    ['here', 'there'],
  );
});

test('the Service ranges are followed, but those that are not ready', async (t) => {
  const { api, follower } = await followed(t);
  const range = (name: string, cidr: string, ready: 'True' | 'False'): object => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name },
    spec: { cidrs: [cidr] },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  });
  const set = (...row: Parameters<typeof range>): void =>
    api.set(serviceCidrKind, range(...row) as Parameters<typeof api.set>[1]);
  const now = (): string => follower.view().serviceRanges.map(formatCidr).join();
  set('b', '10.98.0.0/16', 'True');
  set('c', '10.99.0.0/16', 'False');
  set('a', '10.97.0.0/16', 'True');
  await until(() => now() === '10.97.0.0/16,10.98.0.0/16');
  set('c', '10.99.0.0/16', 'True');
  await until(() => now() === '10.97.0.0/16,10.98.0.0/16,10.99.0.0/16');
});

test('its Pods are told by its podCIDRs once it has them, and not before', async (t) => {
  const { api, follower, views } = await followed(t, { byPodRanges: true });
  assert.equal(follower.view().detectsLocalPods, false);
  api.set(nodeKind, nodeWith({ podCIDRs: ['10.244.3.0/24', 'fd00:3::/64'] }));
  await until(() => follower.view().detectsLocalPods);
  assert.deepEqual(follower.view().podRanges?.map(formatCidr), ['10.244.3.0/24', 'fd00:3::/64']);
  assert.equal(views.length, 1);
});

test('a node without the kernel to tell Pods does not, whatever its podCIDRs', async (t) => {
  const { api, follower } = await followed(t, { byPodRanges: true, detectsLocalPods: false });
  const metadata = { name: 'node-a', labels: { [labels.zone]: 'here' } };
  api.set(nodeKind, { ...nodeWith({ podCIDRs: ['10.244.3.0/24'] }), metadata });
  await until(() => follower.view().zone === 'here');
  assert.equal(follower.view().detectsLocalPods, false);
});

test('no load balancer shall choose one that is going, or gone', async (t) => {
  const { api, follower } = await followed(t);
  assert.equal(follower.isEligible(), true);
  const taints = [{ key: nodeTaints.toBeDeleted, effect: 'NoSchedule' }];
  api.set(nodeKind, nodeWith({ taints }));
  await until(() => !follower.isEligible());
  api.set(nodeKind, own);
  await until(() => follower.isEligible());
  api.remove(nodeKind, own);
  await until(() => !follower.isEligible());
});
