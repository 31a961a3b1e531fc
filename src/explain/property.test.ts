/** For any World, however its parts disagree: no answer throws, none changes what it looks at, and flows are decided as `decide` decides. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { freezeCopy, type EndpointSlice, type Pod, type Service } from '../kube/index.ts';
import {
  decide,
  formatSocketAddress,
  type ApplyReport,
  type Decision,
  type Flow,
  type Plan,
  type Protocol,
} from '../model/index.ts';
import { explainFlow, explainService, formatExplanation, type DecisionView } from './index.ts';
import { node, planOf } from './testing.ts';
import type { World } from './world.ts';

/** One value most of the time, so that parts fit together often enough to work. */
const usually = <T>(value: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: other });
const seldom = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  usually<T | undefined>(undefined, arbitrary);

const namespace = usually('shop', fc.constant('tools'));
const serviceName = usually('web', fc.constantFrom('wbe', 'db'));
const podName = fc.constantFrom('web-1', 'web-2', 'db-1');
const podIp = fc.constantFrom('10.1.0.1', '10.1.0.2', '10.1.0.3', 'fd00:1::1', 'not-an-address');
const clusterIp = usually('10.96.0.10', fc.constantFrom('10.96.0.11', 'fd00:96::10'));
const portNumber = usually(80, fc.constantFrom(8080, 30_080));
const protocol = usually('TCP', fc.constantFrom('UDP', 'SCTP'));
const labelSet = usually<Record<string, string>>(
  { app: 'web' },
  fc.dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('web', 'web-api'), { maxKeys: 2 }),
);
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined });

const servicePort = fc.record(
  {
    name: usually('http', fc.constantFrom('metrics', '')),
    port: portNumber,
    protocol: some(protocol),
    targetPort: fc.constantFrom<string | number>('http', 'htp', 8080),
    nodePort: fc.constantFrom(0, 30_080),
  },
  { requiredKeys: ['name', 'port'] },
);

const service: fc.Arbitrary<unknown> = fc.record({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('Service'),
  metadata: fc.record({
    name: serviceName,
    namespace,
    annotations: seldom(fc.constant({ 'switchyard.dev/scheduler': 'fastest' })),
    labels: seldom(fc.constant({ 'service.kubernetes.io/service-proxy-name': 'mesh' })),
    deletionTimestamp: seldom(fc.constant('2026-11-22T10:00:00Z')),
  }),
  spec: some(
    fc.record({
      type: usually<string | undefined>(
        'ClusterIP',
        fc.constantFrom('NodePort', 'LoadBalancer', 'ExternalName'),
      ),
      clusterIP: usually<string | undefined>('10.96.0.10', fc.constantFrom('None', '', undefined)),
      clusterIPs: seldom(fc.array(clusterIp, { maxLength: 2 })),
      ports: some(fc.array(servicePort, { minLength: 1, maxLength: 2 })),
      selector: some(labelSet),
      externalName: some(fc.constantFrom('db.example.com', '192.0.2.9')),
      externalIPs: some(fc.constant(['203.0.113.9'])),
      loadBalancerSourceRanges: some(fc.constantFrom(['198.51.100.0/24'], ['0.0.0.0/0'], ['x'])),
      internalTrafficPolicy: seldom(fc.constant('Local')),
      externalTrafficPolicy: seldom(fc.constant('Local')),
      sessionAffinity: some(fc.constant('ClientIP')),
      trafficDistribution: some(fc.constant('PreferSameZone')),
      publishNotReadyAddresses: seldom(fc.constant(true)),
    }),
  ),
  status: some(
    fc.record({
      loadBalancer: fc.record({
        ingress: fc.array(
          fc.constantFrom(
            { ip: '203.0.113.7' },
            { ip: '203.0.113.7', ipMode: 'Proxy' },
            { hostname: 'lb.example.com' },
          ),
          { maxLength: 2 },
        ),
      }),
    }),
  ),
});

const pod: fc.Arbitrary<unknown> = fc.record({
  apiVersion: fc.constant('v1'),
  kind: fc.constant('Pod'),
  metadata: fc.record({
    name: podName,
    namespace,
    labels: some(labelSet),
    deletionTimestamp: seldom(fc.constant('2026-11-22T10:00:00Z')),
  }),
  spec: some(
    fc.record({
      nodeName: some(fc.constantFrom('node-a', 'node-b')),
      containers: some(
        fc.constant([{ name: 'web', ports: [{ name: 'http', containerPort: 8080 }] }]),
      ),
      readinessGates: some(fc.constant([{ conditionType: 'example.com/lb' }])),
    }),
  ),
  status: some(
    fc.record({
      phase: some(fc.constantFrom('Running', 'Failed', 'Pending')),
      podIP: some(podIp),
      conditions: some(
        fc.array(
          fc.record({
            type: fc.constantFrom('Ready', 'ContainersReady', 'PodScheduled'),
            status: fc.constantFrom('True', 'False'),
            message: some(fc.constantFrom('connection refused', 'probe failed')),
          }),
          { maxLength: 2 },
        ),
      ),
      // Whatever a kubelet of another version may write there.
      containerStatuses: fc.jsonValue(),
    }),
  ),
});

const slice: fc.Arbitrary<unknown> = fc.record({
  apiVersion: fc.constant('discovery.k8s.io/v1'),
  kind: fc.constant('EndpointSlice'),
  metadata: fc.record({
    name: fc.constantFrom('web-abc', 'web-def', 'db'),
    namespace,
    labels: usually<unknown>(
      { 'kubernetes.io/service-name': 'web' },
      fc.constantFrom(undefined, { 'kubernetes.io/service-name': 'wbe' }),
    ),
  }),
  addressType: usually('IPv4', fc.constantFrom('IPv6', 'FQDN')),
  ports: usually<unknown>(
    [{ name: 'http', protocol: 'TCP', port: 8080 }],
    fc.constantFrom(undefined, null, [], [{ port: 8080 }], [{ name: 'metrics' }]),
  ),
  endpoints: fc.oneof(
    { weight: 1, arbitrary: fc.constant<unknown>(null) },
    {
      weight: 6,
      arbitrary: fc.array<unknown>(
        fc.record({
          addresses: usually(['10.1.0.1'], fc.array(podIp, { maxLength: 2 })),
          conditions: seldom(
            fc.record({
              ready: some(fc.boolean()),
              serving: some(fc.boolean()),
              terminating: some(fc.boolean()),
            }),
          ),
          nodeName: some(fc.constantFrom('node-a', 'node-b')),
          hints: some(fc.constant({ forZones: [{ name: 'zone-a' }] })),
          targetRef: some(fc.constant({ kind: 'Pod', namespace: 'shop', name: 'web-1' })),
        }),
        { minLength: 1, maxLength: 3 },
      ),
    },
  ),
});

interface Objects {
  readonly services: readonly Service[];
  readonly slices: readonly EndpointSlice[];
  readonly pods: readonly Pod[];
}

const objects: fc.Arbitrary<Objects> = fc
  .record({
    services: fc.array(service, { minLength: 1, maxLength: 3 }),
    slices: fc.array(slice, { minLength: 1, maxLength: 3 }),
    pods: fc.array(pod, { maxLength: 3 }),
  })
  .map((made) => freezeCopy(made) as Objects);

/** What is planned may be older than what is there, and the report older than both. */
const world: fc.Arbitrary<World> = fc
  .record({
    now: objects,
    before: seldom(objects),
    reported: fc.constantFrom('nothing', 'failures', 'standIns', 'neither'),
    isDrained: fc.boolean(),
    knowsNamespaces: fc.boolean(),
  })
  .map(({ now, before, reported, isDrained, knowsNamespaces }) => {
    const plan = deepFreeze(planOf(node, before ?? now, isDrained ? drained : {}));
    const namespaces = [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } }];
    return freezeWorld({
      ...now,
      namespaces: knowsNamespaces ? namespaces : [],
      plan,
      report: reported === 'nothing' ? undefined : reportOf(plan, reported),
      schedulers: new Map(),
    });
  });

const drained = { '10.1.0.1:8080': 0 };

function reportOf(plan: Plan, what: string): ApplyReport {
  const all = [...plan.servers.values()].flatMap((server) =>
    server.frontends.map((frontend) => ({ server: server.id, frontend })),
  );
  const failure = { code: 'NET_ADDRESS_IN_USE', message: 'Cannot serve', remedy: undefined };
  return {
    revision: plan.revision,
    operations: 0,
    failures: what === 'failures' ? all.map((one) => ({ ...one, ...failure })) : [],
    standIns:
      what === 'standIns'
        ? all.map((one) => ({ ...one, address: { address: '127.0.0.1', port: 18_080 } }))
        : [],
  };
}

function freezeWorld(whole: World): World {
  deepFreeze(whole.report);
  return Object.freeze(whole);
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  // Bytes cannot be frozen.
  if (ArrayBuffer.isView(value)) return value;
  Object.freeze(value);
  const parts = value instanceof Map ? value.values() : Object.values(value);
  for (const part of parts) deepFreeze(part);
  return value;
}

const flow: fc.Arbitrary<Flow> = fc.record({
  protocol: usually<Protocol>('TCP', fc.constantFrom('UDP', 'SCTP')),
  source: fc.constantFrom('10.1.0.1', '10.1.0.9', '192.0.2.1', '198.51.100.5', 'fd00:1::1'),
  sourcePort: fc.constant(40_000),
  destination: usually(
    '10.96.0.10',
    fc.constantFrom(
      '10.96.0.11',
      'fd00:96::10',
      '203.0.113.7',
      '203.0.113.9',
      '192.0.2.1',
      '127.0.0.1',
      '10.1.0.1',
      '10.96.0.99',
    ),
  ),
  destinationPort: portNumber,
  entry: fc.constantFrom('pod', 'node', 'outside'),
});

const runs = { numRuns: 1_500 };

test('a flow to an address is decided as decide decides, and the answer can be printed', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(world, flow, (any, question) => {
      const explanation = explainFlow(any, question);
      const decision = decide(any.plan, question);
      seen.add(decision.kind);
      assertSame(explanation.decision, decision);
      assertPrintable(formatExplanation(explanation));
      const isBad = decision.kind === 'reject' || decision.kind === 'drop';
      if (isBad) assert.equal(explanation.verdict, 'broken');
    }),
    runs,
  );
  assert.deepEqual([...seen].toSorted(), ['drop', 'forward', 'pass', 'reject']);
});

function assertSame(view: DecisionView, decision: Decision): void {
  assert.equal(view.kind, decision.kind);
  if (view.kind === 'forward' && decision.kind === 'forward') {
    assert.equal(view.server, decision.server.id);
    assert.equal(view.pool, decision.pool);
    assert.equal(view.masquerade, decision.masquerade);
    assert.deepEqual(
      view.candidates.map((candidate) => candidate.address),
      decision.candidates.map(formatSocketAddress),
    );
  } else if (view.kind === 'reject' || view.kind === 'drop') {
    assert.ok(decision.kind === view.kind);
    assert.equal(view.why, decision.why);
    assert.equal(view.server, decision.server?.id);
  }
}

test('a flow to any name is answered', () => {
  const host = fc.oneof(
    serviceName,
    fc.constantFrom('web.shop', 'web.tools.svc.cluster.local.', '', '.', 'example.com'),
    fc.string({ maxLength: 12 }),
  );
  fc.assert(
    fc.property(world, flow, host, (any, question, destination) => {
      const asked = { ...question, destination, namespace: 'shop' };
      assertPrintable(formatExplanation(explainFlow(any, asked)));
    }),
    runs,
  );
});

test('a Service is explained whatever the World, and works only if some endpoint is planned', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(world, namespace, serviceName, (any, inNamespace, name) => {
      const explanation = explainService(any, { namespace: inNamespace, name });
      assertPrintable(formatExplanation(explanation));
      seen.add(explanation.verdict);
      const found = any.services.find(
        (s) => s.metadata.name === name && s.metadata.namespace === inNamespace,
      );
      const servers = [...any.plan.servers.values()].filter(
        ({ ref }) => ref.namespace === inNamespace && ref.name === name,
      );
      const isDead = servers.every((s) => s.endpoints.every((e) => !e.ready && !e.serving));
      const isForwarded = found?.spec?.type !== 'ExternalName' && found?.spec?.clusterIP !== 'None';
      if (isForwarded && isDead && (found?.spec?.ports ?? []).length > 0) {
        assert.equal(explanation.verdict, 'broken', formatExplanation(explanation));
      }
    }),
    runs,
  );
  assert.deepEqual([...seen].toSorted(), ['broken', 'works', 'works-with-warnings']);
});

function assertPrintable(text: string): void {
  assert.doesNotMatch(text, /undefined|\bNaN\b|\[object/);
}

test('an endpoint that is drained is never among those a connection goes to', () => {
  fc.assert(
    fc.property(world, flow, (any, question) => {
      const explanation = explainFlow(any, question);
      const forward = explanation.steps.find((step) => step.code === 'flow-forward');
      const { decision } = explanation;
      if (forward === undefined || decision.kind !== 'forward') return;
      const zero = decision.candidates.filter((candidate) => candidate.weight === 0);
      for (const { address } of zero) assert.ok(!forward.text.includes(`${address} `));
    }),
    runs,
  );
});
