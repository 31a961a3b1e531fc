import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainName } from './explain-name.ts';
import { hostAddresses, searchNames } from './host-addresses.ts';
import type { Elsewhere } from './responder.ts';
import { testPod, testService, testSlice, testWorld } from './testing.ts';

test('the search list of a Pod', () => {
  const zone = 'cluster.local';
  assert.deepEqual(searchNames(zone, 'web', 'shop'), [
    'web.shop.svc.cluster.local',
    'web.svc.cluster.local',
    'web.cluster.local',
    'web',
  ]);
  assert.equal(searchNames(zone, 'a.b.c.d.e.f', 'shop')[0], 'a.b.c.d.e.f');
  assert.deepEqual(searchNames(zone, 'web.', 'shop'), ['web']);
});

test('which name answered, and by which rule', () => {
  const world = testWorld();
  assert.deepEqual(explainName(world, 'web.shop'), {
    answer: ['web.shop.svc.cluster.local 5 A 10.96.1.10'],
    rule: 'cluster-ip',
    steps: [
      'web.shop.default.svc.cluster.local: NXDOMAIN. There is no such Service',
      'web.shop.svc.cluster.local: NOERROR. The ClusterIPs of the Service',
    ],
  });
  assert.equal(explainName(world, 'example.com').rule, 'outside');
  assert.equal(explainName(world, 'Web.default.svc.cluster.local.').rule, 'cluster-ip');
});

test('why a Pod is not in the answer', () => {
  const world = testWorld();
  world.setService(testService('slow', { clusterIP: 'None' }));
  const slice = testSlice('slow', [{ address: '10.1.2.1', ready: false }]);
  world.setSlice({
    ...slice,
    endpoints: [{ ...slice.endpoints![0]!, targetRef: { kind: 'Pod', name: 'slow-2' } }],
  });
  const pod = testPod('slow-2', '10.1.2.1');
  const message = 'probe GET /healthz gave 503';
  world.setPod({
    ...pod,
    status: { ...pod.status, conditions: [{ type: 'Ready', status: 'False', message }] },
  });
  const { rule, steps } = explainName(world, 'slow.default.svc.cluster.local');
  assert.equal(rule, 'headless-none-ready');
  assert.deepEqual(steps.at(-1), `Pod slow-2 is left out: it is not ready: ${message}`);
});

test('the addresses behind a host name, here and elsewhere', async () => {
  const asked: string[] = [];
  const elsewhere: Elsewhere = {
    forward: async () => new Uint8Array(),
    lookup: async ({ name, type }) => {
      asked.push(name);
      const data = { kind: 'A', address: '192.0.2.9' } as const;
      return type === 1 ? [{ name, type, class: 1, ttlSeconds: 1, data }] : [];
    },
  };
  const at = { world: testWorld(), elsewhere, namespace: 'default' };
  assert.deepEqual(await hostAddresses('web', at), ['10.96.0.10']);
  assert.deepEqual(await hostAddresses('db.default', at), ['10.1.0.5', '10.1.0.6', 'fd00:1::5']);
  assert.deepEqual(await hostAddresses('in', at), ['10.96.0.10']);
  assert.deepEqual(await hostAddresses('fd00:0::1', at), ['fd00::1']);
  assert.deepEqual(asked, []);
  assert.deepEqual(await hostAddresses('out', at), ['192.0.2.9']);
  assert.deepEqual(asked, ['Example.com', 'Example.com']);
  assert.deepEqual(
    await hostAddresses('none.svc.cluster.local', { ...at, elsewhere: undefined }),
    [],
  );
});
