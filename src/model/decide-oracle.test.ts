import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { arbitraryFlow, arbitrarySituation } from './arbitraries.suite.ts';
import { decide } from './decide.ts';
import { decideNaively } from './decide-oracle.suite.ts';
import type { Decision, Flow, StepCode } from './flow.ts';
import type { NodeView } from './plan.ts';
import { propertyRuns } from './property-runs.suite.ts';
import type { Endpoint, Frontend, VirtualServer } from './service-port.ts';
import { testEndpoint, testNode, testPlan, testServer } from './testing.ts';

test('decide says what a look at every VirtualServer says', () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(arbitrarySituation, ({ plan, servers, flow }) => {
      const decision = decide(plan, flow);
      assert.deepEqual(decision, decideNaively(servers, plan.node, flow));
      const words = [decision.kind, 'why' in decision ? decision.why : ''];
      if (decision.kind === 'forward') {
        assert.ok(decision.candidates.length > 0);
        words.push(decision.frontend.kind, decision.pool, decision.masquerade);
      }
      const key = words.join(' ').trim();
      seen.set(key, (seen.get(key) ?? 0) + 1);
    }),
    { numRuns: propertyRuns },
  );
  // The property is worth something only if it met every kind of Decision.
  const met = [...seen.keys()].toSorted((a, b) => a.localeCompare(b));
  assert.deepEqual(met, everyOutcome);
});

const external = ['externalIP', 'loadBalancer', 'nodePort'].flatMap((kind) =>
  ['cluster always', 'cluster hairpin', 'local hairpin'].map((way) => `forward  ${kind} ${way}`),
);
const internal = ['cluster', 'local'].flatMap((pool) =>
  ['always', 'hairpin'].map((masquerade) => `forward  clusterIP ${pool} ${masquerade}`),
);
const everyOutcome = [
  'drop no-local-endpoints',
  'drop source-range',
  'drop unallocated-address',
  ...internal,
  ...external,
  'pass',
  'reject no-endpoints',
  'reject port-not-served',
];

test('steps come in order, end where the Decision does, and change nothing', () => {
  fc.assert(
    fc.property(arbitrarySituation, ({ plan, flow }) => {
      const codes: StepCode[] = [];
      const traced = decide(plan, flow, { step: (code) => void codes.push(code) });
      assert.deepEqual(traced, decide(plan, flow));
      assert.deepEqual(codes, stepsOf(traced, plan.node.nodePortAddresses, flow));
    }),
    { numRuns: propertyRuns },
  );
});

/** The steps that lead to a Decision. */
function stepsOf(decision: Decision, nodePortAddresses: readonly string[], flow: Flow): StepCode[] {
  const server = decision.kind === 'pass' ? undefined : decision.server;
  if (server === undefined) return ['frontend-unknown'];
  const matched = server.frontends.find(
    (f) => f.port === flow.destinationPort && f.address === flow.destination,
  );
  const isNodePort = matched === undefined && nodePortAddresses.includes(flow.destination);
  assert.ok(matched !== undefined || isNodePort);
  const guarded = matched?.kind === 'loadBalancer' && server.sourceRanges.length > 0;
  const before: StepCode[] = [
    'frontend-matched',
    ...(guarded ? ['source-range-checked' as const] : []),
  ];
  if (decision.kind === 'drop' && decision.why === 'source-range') return before;
  return [...before, 'policy-applied', decision.kind === 'forward' ? 'pool-chosen' : 'pool-empty'];
}

test('the last step says what the Decision rests on', () => {
  const endpoints = [testEndpoint({ address: '10.1.0.1' }), testEndpoint({ address: '10.1.0.2' })];
  const steps: unknown[] = [];
  const flow = { protocol: 'TCP', sourcePort: 1, destination: '10.96.0.10', entry: 'pod' } as const;
  decide(
    testPlan([testServer({ endpoints })]),
    { ...flow, source: '10.1.0.9', destinationPort: 80 },
    { step: (code, values) => void steps.push([code, values]) },
  );
  const policy = 'internalTrafficPolicy Cluster';
  assert.deepEqual(steps, [
    [
      'frontend-matched',
      { server: 'default/web:http/TCP/IPv4', kind: 'clusterIP', address: '10.96.0.10', port: 80 },
    ],
    ['policy-applied', { policy, pool: 'cluster', masquerade: 'hairpin', entry: 'pod' }],
    ['pool-chosen', { pool: 'cluster', candidates: 2, scheduler: 'rr', affinity: 'none' }],
  ]);
});

/** Anything the types allow, sensible or not: strings for addresses, ranges of any length, pools of any origin. */
const anyText = fc.oneof(
  fc.string(),
  fc.constantFrom('10.96.0.1', '::1', '192.0.2.1', '::', '1.2.3'),
);
const anyRange = fc.record({
  family: fc.constantFrom('IPv4' as const, 'IPv6' as const),
  bytes: fc.uint8Array({ maxLength: 20 }),
  prefix: fc.oneof(fc.integer({ min: -200, max: 200 }), fc.double()),
});
const anyEndpoints: fc.Arbitrary<Endpoint[]> = fc.array(
  anyText.map((address) => testEndpoint({ address })),
  { maxLength: 3 },
);
const anyPort = fc.oneof(fc.constantFrom(80, 81), fc.double());
const anyFrontend: fc.Arbitrary<Frontend> = fc.record({
  kind: fc.constantFrom('clusterIP', 'nodePort', 'loadBalancer', 'externalIP'),
  address: fc.option(anyText, { nil: undefined }),
  port: anyPort,
});
const anyServer: fc.Arbitrary<VirtualServer> = fc
  .record({
    name: fc.string({ maxLength: 3 }),
    frontends: fc.array(anyFrontend, { maxLength: 4 }),
    sourceRanges: fc.array(anyRange, { maxLength: 3 }),
    endpoints: anyEndpoints,
    pools: fc.record({ cluster: anyEndpoints, local: anyEndpoints, hasAny: fc.boolean() }),
  })
  .map((fields) => testServer(fields));
const anyNode: fc.Arbitrary<NodeView> = fc
  .record({
    addresses: fc.array(anyText, { maxLength: 3 }),
    nodePortAddresses: fc.array(anyText, { maxLength: 3 }),
    serviceRanges: fc.array(anyRange, { maxLength: 2 }),
    masqueradeAll: fc.boolean(),
    detectsLocalPods: fc.boolean(),
  })
  .map((fields) => ({ ...testNode, ...fields }));

test('decide never throws, whatever the types allow', () => {
  fc.assert(
    fc.property(
      fc.array(anyServer, { maxLength: 3 }),
      anyNode,
      arbitraryFlow,
      fc.record({ source: anyText, destination: anyText, destinationPort: anyPort }),
      (servers, node, flow, any) => {
        const decision = decide(testPlan(servers, node), { ...flow, ...any });
        if (decision.kind === 'forward') assert.ok(decision.candidates.length > 0);
      },
    ),
    { numRuns: propertyRuns },
  );
});
