import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import type { EndpointSlice, Service } from '../kube/index.ts';
import { emptyPlan, nextPlan, type Endpoint, type NodeView, type Plan } from '../model/index.ts';
import { propertyRuns } from '../model/property-runs.suite.ts';
import { createChangeTracker, type ChangeTracker } from './tracker.ts';

const node: NodeView = {
  name: 'node-a',
  zone: 'zone-a',
  addresses: ['192.0.2.1'],
  nodePortAddresses: ['192.0.2.1'],
  serviceRanges: [],
  masqueradeAll: false,
  detectsLocalPods: true,
};

function service(name: string, fields: Partial<NonNullable<Service['spec']>> = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: {
      clusterIP: `10.96.0.${name.charCodeAt(0)}`,
      ports: [{ name: 'http', port: 80 }],
      ...fields,
    },
  };
}

function slice(name: string, owner: string, addresses: readonly string[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { namespace: 'default', name, labels: { 'kubernetes.io/service-name': owner } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: addresses.map((address) => ({ addresses: [address] })),
  };
}

function advance(tracker: ChangeTracker, plan: Plan): Plan {
  const change = tracker.flush(plan);
  return change === undefined ? plan : (nextPlan(plan, change)?.plan ?? plan);
}

test('a Service and its slice become a VirtualServer, whichever comes first', () => {
  for (const order of ['service', 'slice']) {
    const tracker = createChangeTracker({ node });
    if (order === 'service') tracker.setService(service('a'));
    tracker.setSlice(slice('a-1', 'a', ['10.1.0.2', '10.1.0.1']));
    if (order === 'slice') tracker.setService(service('a'));
    const plan = advance(tracker, emptyPlan(node));
    const server = plan.servers.get('default/a:http/TCP/IPv4');
    assert.deepEqual(
      server?.pools.cluster.map((e) => `${e.address}:${e.port}`),
      ['10.1.0.1:8080', '10.1.0.2:8080'],
    );
  }
});

test('an edit that changes nothing for forwarding gives no next Plan', () => {
  const tracker = createChangeTracker({ node });
  tracker.setService(service('a'));
  const plan = advance(tracker, emptyPlan(node));
  tracker.setService({
    ...service('a'),
    metadata: { ...service('a').metadata, annotations: { x: 'y' } },
  });
  assert.equal(advance(tracker, plan), plan);
});

test('an edit beside the endpoints keeps the pools, so that round robin goes on where it was', () => {
  const tracker = createChangeTracker({ node });
  tracker.setService(service('a'));
  tracker.setSlice(slice('a-1', 'a', ['10.1.0.1']));
  const before = advance(tracker, emptyPlan(node));
  tracker.setService(service('a', { externalIPs: ['192.0.2.50'] }));
  const after = advance(tracker, before);
  const id = 'default/a:http/TCP/IPv4';
  assert.notEqual(after.servers.get(id), before.servers.get(id));
  assert.equal(after.servers.get(id)?.pools.cluster, before.servers.get(id)?.pools.cluster);
});

test('only what an event touches is compiled', () => {
  const tracker = createChangeTracker({ node });
  for (const name of ['a', 'b', 'c']) tracker.setService(service(name));
  assert.equal(tracker.pending, 3);
  const plan = advance(tracker, emptyPlan(node));
  tracker.setSlice(slice('b-1', 'b', ['10.1.0.1']));
  assert.equal(tracker.pending, 1);
  const next = advance(tracker, plan);
  assert.equal(
    next.servers.get('default/a:http/TCP/IPv4'),
    plan.servers.get('default/a:http/TCP/IPv4'),
  );
});

test('a changed node compiles everything again', () => {
  const tracker = createChangeTracker({ node });
  tracker.setService(service('a'));
  const plan = advance(tracker, emptyPlan(node));
  tracker.setNode({ ...node, zone: 'zone-b' });
  assert.equal(advance(tracker, plan).node.zone, 'zone-b');
});

function weights(plan: Plan): unknown {
  return plan.servers.get('default/a:http/TCP/IPv4')?.endpoints.map((e) => e.weight);
}

test('weights come from the Pod, else from the slice, else are 1; a change touches only who has the Pod', () => {
  const tracker = createChangeTracker({ node });
  const named = (made: EndpointSlice, pods: readonly string[]): EndpointSlice => ({
    ...made,
    endpoints: (made.endpoints ?? []).map((e, i) => ({
      ...e,
      targetRef: { kind: 'Pod', name: pods[i] ?? '' },
    })),
  });
  tracker.setService(service('a'));
  tracker.setService(service('b'));
  tracker.setSlice(named(slice('a-1', 'a', ['10.1.0.1', '10.1.0.2']), ['p1', 'p2']));
  tracker.setSlice(named(slice('b-1', 'b', ['10.1.0.9']), ['p9']));
  let plan = advance(tracker, emptyPlan(node));
  assert.deepEqual(weights(plan), [1, 1]);
  tracker.setWeight({ namespace: 'default', pod: 'p2', weight: 8 });
  assert.equal(tracker.pending, 1);
  plan = advance(tracker, plan);
  assert.deepEqual(weights(plan), [1, 8]);
  const weighed = named(slice('a-1', 'a', ['10.1.0.1', '10.1.0.2']), ['p1', 'p2']);
  tracker.setSlice({
    ...weighed,
    metadata: { ...weighed.metadata, annotations: { 'service.cilium.io/weight': '3' } },
  });
  plan = advance(tracker, plan);
  assert.deepEqual(weights(plan), [3, 8]);
  tracker.replaceWeights([{ namespace: 'default', pod: 'p1', weight: 0 }]);
  plan = advance(tracker, plan);
  assert.deepEqual(weights(plan), [0, 3]);
  tracker.setWeight({ namespace: 'other', pod: 'p1', weight: 5 });
  assert.equal(tracker.pending, 0);
});

test('a per-request ServicePort goes through its gateway where it has endpoints, and else is as it was', () => {
  const gateway: Endpoint = {
    address: '127.0.0.1',
    port: 15_001,
    ready: true,
    serving: true,
    terminating: false,
    local: true,
    node: 'node-a',
    zone: undefined,
    zoneHints: [],
    nodeHints: [],
    weight: 1,
    pod: undefined,
  };
  let live = true;
  const tracker = createChangeTracker({ node, gatewayOf: () => (live ? gateway : undefined) });
  const made = service('a', { internalTrafficPolicy: 'Local', externalIPs: ['192.0.2.9'] });
  tracker.setService({
    ...made,
    metadata: { ...made.metadata, annotations: { 'switchyard.dev/balance': 'request' } },
  });
  tracker.setSlice(slice('a-1', 'a', ['10.1.0.1', '10.1.0.2']));
  let plan = advance(tracker, emptyPlan(node));
  const server = plan.servers.get('default/a:http/TCP/IPv4');
  assert.deepEqual(server?.pools, { cluster: [gateway], local: [], hasAny: true });
  assert.equal(server?.perRequest?.pools.cluster.length, 2);
  live = false;
  tracker.setNode({ ...node });
  plan = advance(tracker, plan);
  assert.equal(plan.servers.get('default/a:http/TCP/IPv4')?.pools.cluster.length, 2);
});

const names = ['a', 'b', 'c'];
const addresses = fc.uniqueArray(
  fc.integer({ min: 1, max: 6 }).map((n) => `10.1.0.${n}`),
  { maxLength: 4 },
);
const event = fc.oneof(
  fc.record({
    kind: fc.constant('service' as const),
    name: fc.constantFrom(...names),
    type: fc.constantFrom('ClusterIP', 'NodePort', 'ExternalName'),
    local: fc.boolean(),
    gone: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('slice' as const),
    name: fc.constantFrom('s1', 's2', 's3', 's4'),
    owner: fc.constantFrom(...names),
    addresses,
    gone: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('flush' as const) }),
);

test('after any events the Plan is the one made from scratch, and each Delta is the difference', () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60, size: 'max' }), (events) => {
      const tracker = createChangeTracker({ node });
      const services = new Map<string, Service>();
      const slices = new Map<string, EndpointSlice>();
      let plan = emptyPlan(node);
      for (const e of [...events, { kind: 'flush' as const }]) {
        if (e.kind === 'service') {
          const made = service(e.name, {
            type: e.type,
            ...(e.type === 'NodePort'
              ? { ports: [{ name: 'http', port: 80, nodePort: 30_000 + e.name.charCodeAt(0) }] }
              : {}),
            ...(e.local ? { externalTrafficPolicy: 'Local' } : {}),
          });
          if (e.gone) {
            tracker.removeService(made);
            services.delete(e.name);
          } else {
            tracker.setService(made);
            services.set(e.name, made);
          }
        } else if (e.kind === 'slice') {
          const made = slice(e.name, e.owner, e.addresses);
          if (e.gone) {
            tracker.removeSlice(made);
            slices.delete(e.name);
          } else {
            tracker.setSlice(made);
            slices.set(e.name, made);
          }
        } else {
          const change = tracker.flush(plan);
          const next = change === undefined ? undefined : nextPlan(plan, change);
          if (next !== undefined) assertDelta(plan, next.plan, next.delta);
          plan = next?.plan ?? plan;
          const scratch = createChangeTracker({ node });
          scratch.replaceServices([...services.values()]);
          scratch.replaceSlices([...slices.values()]);
          assert.deepEqual(servers(plan), servers(advance(scratch, emptyPlan(node))));
        }
      }
    }),
    { numRuns: propertyRuns / 10 },
  );
});

function servers(plan: Plan): ReadonlyMap<string, unknown> {
  return new Map([...plan.servers].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function assertDelta(
  before: Plan,
  after: Plan,
  delta: NonNullable<ReturnType<typeof nextPlan>>['delta'],
): void {
  const ids = (list: readonly { readonly id: string }[]): string[] =>
    list.map((s) => s.id).toSorted();
  const was = new Map(before.servers);
  const is = new Map(after.servers);
  assert.deepEqual(ids(delta.added), ids([...is.values()].filter((s) => !was.has(s.id))));
  assert.deepEqual(ids(delta.removed), ids([...was.values()].filter((s) => !is.has(s.id))));
  assert.deepEqual(
    ids(delta.updated.map((u) => u.after)),
    ids([...is.values()].filter((s) => was.has(s.id) && was.get(s.id) !== s)),
  );
}
