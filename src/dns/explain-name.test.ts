import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explainName, type NameExplanation } from './explain-name.ts';
import { hostAddresses, searchNames } from './host-addresses.ts';
import type { Elsewhere } from './responder.ts';
import { defaultZone, MutableWorld, type World } from './world.ts';
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

const explain = (
  world: World,
  name: string,
  { type = 'A', elsewhere = undefined as Elsewhere | undefined } = {},
): Promise<NameExplanation> =>
  explainName({ name, namespace: 'default', type }, { world, elsewhere });

test('which name answered, and by which rule', async () => {
  const world = testWorld();
  assert.deepEqual(await explain(world, 'web.shop'), {
    name: 'web.shop',
    namespace: 'default',
    type: 'A',
    verdict: 'answered',
    answer: ['web.shop.svc.cluster.local 5 A 10.96.1.10'],
    steps: [
      {
        name: 'web.shop.default.svc.cluster.local',
        rcode: 'NXDOMAIN',
        rule: 'no-service',
        because: 'There is no such Service',
        notes: [],
      },
      {
        name: 'web.shop.svc.cluster.local',
        rcode: 'NOERROR',
        rule: 'cluster-ip',
        because: 'The ClusterIPs of the Service',
        notes: [],
      },
    ],
  });
});

test('a whole name without a final dot costs a search, with one it does not', async () => {
  const world = testWorld();
  const { steps, verdict } = await explain(world, 'web.default.svc.cluster.local');
  assert.equal(verdict, 'answered');
  assert.deepEqual(
    steps.map(({ rcode }) => rcode),
    ['NXDOMAIN', 'NXDOMAIN', 'NXDOMAIN', 'NOERROR'],
  );
  assert.equal((await explain(world, 'Web.default.svc.cluster.local.')).steps.length, 1);
});

test('what has no records of the type, what does not exist, what nobody knows, what is outside', async () => {
  const world = testWorld();
  const no = await explain(world, 'web', { type: 'aaaa' });
  assert.deepEqual([no.verdict, no.type, no.steps[0]?.rcode], ['no-records', 'AAAA', 'NODATA']);
  assert.equal((await explain(world, 'nobody')).verdict, 'no-name');
  const young = new MutableWorld(defaultZone, () => 0);
  assert.equal((await explain(young, 'web')).verdict, 'unknown');
  const data = { kind: 'A', address: '192.0.2.9' } as const;
  const elsewhere: Elsewhere = {
    forward: async () => new Uint8Array(),
    lookup: async ({ name }) => [{ name, type: 1, class: 1, ttlSeconds: 1, data }],
  };
  const out = await explain(world, 'example.com.', { elsewhere });
  assert.deepEqual(out.answer, ['example.com 1 A 192.0.2.9']);
  assert.equal(out.steps[0]?.rule, 'outside');
  assert.equal((await explain(world, 'example.com.')).steps[0]?.rcode, 'REFUSED');
  const alias = await explain(world, 'out', { elsewhere });
  assert.deepEqual(alias.answer.at(-1), 'Example.com 1 A 192.0.2.9');
});

test('an address is asked for its name', async () => {
  const { type, answer } = await explain(testWorld(), '10.96.0.10');
  assert.equal(type, 'PTR');
  assert.deepEqual(answer, ['10.0.96.10.in-addr.arpa 5 PTR web.default.svc.cluster.local']);
});

test('why a Pod is not in the answer', async () => {
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
  const { steps, verdict } = await explain(world, 'slow');
  assert.equal(verdict, 'no-name');
  assert.equal(steps[0]?.rule, 'headless-none-ready');
  assert.deepEqual(steps[0]?.notes, [`Pod slow-2 is left out: it is not ready: ${message}`]);
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
