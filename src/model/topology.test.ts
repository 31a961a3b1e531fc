import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { arbitraryEndpoints, arbitraryFrontends, trafficPolicy } from './arbitraries.suite.ts';
import { parseEndpoints } from './case-endpoints.suite.ts';
import { categorizeNaively } from './categorize-oracle.suite.ts';
import { propertyRuns } from './property-runs.suite.ts';
import { plainRequestRules, type Endpoint, type Frontend } from './service-port.ts';
import { testEndpoint } from './testing.ts';
import {
  choosePools,
  leadsToGateway,
  throughGateway,
  topologyMode,
  usableEndpoints,
} from './topology.ts';

/** Endpoints by words, each carrying its name as its address. */
function endpointsOf(words: string): readonly Endpoint[] {
  return parseEndpoints(words).map(({ name, endpoint }) => ({ ...endpoint, address: name }));
}

const namesOf = (endpoints: readonly Endpoint[]): string =>
  endpoints.map((e) => e.address).join('');

describe('usableEndpoints', () => {
  const cases: Readonly<Record<string, string>> = {
    none: '',
    'a ready': 'a',
    'a ready, b ready': 'ab',
    'a ready, b not-ready, c ready': 'ac',
    'a not-ready': '',
    'a terminating': 'a',
    'a terminating not-serving': '',
    'a not-ready serving': '',
    'a terminating, b ready': 'b',
    'a terminating, b not-ready, c terminating': 'ac',
    'a ready terminating, b terminating': 'a',
    'a ready not-serving': 'a',
  };
  for (const [words, want] of Object.entries(cases)) {
    test(`${words}: ${want === '' ? 'none' : want}`, () => {
      assert.equal(namesOf(usableEndpoints(endpointsOf(words))), want);
    });
  }

  test('the same array when all are ready, so that a driver keeps its state', () => {
    const all = endpointsOf('a ready, b ready');
    assert.equal(usableEndpoints(all), all);
  });
});

describe('topologyMode', () => {
  const cases: readonly (readonly [words: string, zone: string | undefined, want: string])[] = [
    ['none', 'east', ''],
    ['a ready', 'east', ''],
    ['a ready hint-zones=east', 'east', 'PreferSameZone'],
    ['a ready hint-zones=west', 'east', ''],
    ['a ready hint-zones=east', 'west', ''],
    ['a ready hint-zones=east', undefined, ''],
    ['a ready hint-zones=east', '', ''],
    ['a ready hint-zones=east, b ready hint-zones=west', 'east', 'PreferSameZone'],
    ['a ready hint-zones=east, b ready', 'east', ''],
    ['a ready zone=east, b ready zone=west', 'east', ''],
    ['a ready hint-nodes=here', 'east', 'PreferSameNode'],
    ['a ready hint-nodes=here', undefined, 'PreferSameNode'],
    ['a ready hint-nodes=there', 'east', ''],
    ['a ready hint-nodes=here, b ready hint-nodes=there', 'east', 'PreferSameNode'],
    ['a ready hint-nodes=here, b ready', 'east', ''],
    ['a ready node=here local', 'east', ''],
    ['a ready hint-nodes=here hint-zones=east', 'east', 'PreferSameNode'],
    ['a ready hint-nodes=there hint-zones=east', 'east', 'PreferSameZone'],
    ['a ready hint-nodes=here hint-zones=east, b ready hint-zones=west', 'east', 'PreferSameZone'],
    ['a ready hint-nodes=here, b ready hint-zones=east', 'east', ''],
  ];
  for (const [words, zone, want] of cases) {
    test(`${words}; zone ${JSON.stringify(zone)}: ${want === '' ? 'no hints' : want}`, () => {
      assert.equal(topologyMode(endpointsOf(words), { name: 'here', zone }), want);
    });
  }
});

const clusterIp: Frontend = { kind: 'clusterIP', address: '10.96.0.10', port: 80 };
const outer: Readonly<Record<string, Frontend>> = {
  nodePort: { kind: 'nodePort', address: undefined, port: 30_080 },
  loadBalancer: { kind: 'loadBalancer', address: '198.18.0.10', port: 80 },
  externalIP: { kind: 'externalIP', address: '198.19.0.10', port: 80 },
};

interface PoolsCase {
  readonly name: string;
  readonly endpoints: string;
  readonly internal?: 'Local';
  readonly external?: 'Local';
  /** Reached from outside as well. */
  readonly outer?: true;
  readonly cluster: string;
  readonly local: string;
  readonly hasAny: boolean;
}

const mixed = 'a ready, b ready local';
const poolsCases: readonly PoolsCase[] = [
  { name: 'no endpoints', endpoints: 'none', cluster: '', local: '', hasAny: false },
  { name: 'Cluster needs no local pool', endpoints: mixed, cluster: 'ab', local: '', hasAny: true },
  {
    name: 'internal Local alone needs no cluster pool',
    endpoints: mixed,
    internal: 'Local',
    cluster: '',
    local: 'b',
    hasAny: true,
  },
  {
    name: 'internal Local, reached from outside, needs both',
    endpoints: mixed,
    internal: 'Local',
    outer: true,
    cluster: 'ab',
    local: 'b',
    hasAny: true,
  },
  {
    name: 'external Local needs both',
    endpoints: mixed,
    external: 'Local',
    outer: true,
    cluster: 'ab',
    local: 'b',
    hasAny: true,
  },
  {
    name: 'external Local means nothing where nobody comes from outside',
    endpoints: mixed,
    external: 'Local',
    cluster: 'ab',
    local: '',
    hasAny: true,
  },
  {
    name: 'none local, but some elsewhere',
    endpoints: 'a ready, b not-ready local',
    internal: 'Local',
    cluster: '',
    local: '',
    hasAny: true,
  },
  {
    name: 'none local, some elsewhere terminate and serve',
    endpoints: 'a terminating, b not-ready local',
    internal: 'Local',
    cluster: '',
    local: '',
    hasAny: true,
  },
  {
    name: 'none could serve anywhere',
    endpoints: 'a terminating not-serving, b not-ready serving local',
    internal: 'Local',
    external: 'Local',
    outer: true,
    cluster: '',
    local: '',
    hasAny: false,
  },
  {
    name: 'the local pool falls back alone',
    endpoints: 'a ready, b terminating local',
    external: 'Local',
    outer: true,
    cluster: 'a',
    local: 'b',
    hasAny: true,
  },
  {
    name: 'the cluster pool falls back without regard to hints',
    endpoints: 'a terminating hint-zones=east, b terminating hint-zones=west',
    cluster: 'ab',
    local: '',
    hasAny: true,
  },
  {
    name: 'hints filter the cluster pool and not the local one',
    endpoints: 'a ready hint-zones=east, b ready local hint-zones=west',
    external: 'Local',
    outer: true,
    cluster: 'a',
    local: 'b',
    hasAny: true,
  },
];

const place = { name: 'here', zone: 'east' };

describe('choosePools', () => {
  for (const c of poolsCases) {
    for (const [kind, frontend] of c.outer
      ? Object.entries(outer)
      : ([['clusterIP', clusterIp]] as const)) {
      test(`${c.name} (${kind}): ${c.endpoints}`, () => {
        const pools = choosePools(
          endpointsOf(c.endpoints),
          {
            frontends: [clusterIp, frontend],
            internalTrafficPolicy: c.internal ?? 'Cluster',
            externalTrafficPolicy: c.external ?? 'Cluster',
          },
          place,
        );
        const { cluster, local, hasAny } = c;
        const got = { cluster: namesOf(pools.cluster), local: namesOf(pools.local) };
        assert.deepEqual({ ...got, hasAny: pools.hasAny }, { cluster, local, hasAny });
      });
    }
  }

  test('is CategorizeEndpoints told naively', () => {
    fc.assert(
      fc.property(
        arbitraryEndpoints(),
        fc.record({
          frontends: fc.oneof(arbitraryFrontends('IPv4'), fc.constant([clusterIp])),
          internalTrafficPolicy: trafficPolicy,
          externalTrafficPolicy: trafficPolicy,
        }),
        fc.record({
          name: fc.constantFrom('here', 'there', 'nowhere'),
          zone: fc.constantFrom(undefined, '', 'east', 'west', 'north'),
        }),
        (endpoints, needs, at) => {
          const want = categorizeNaively(endpoints, needs, at);
          assert.deepEqual(choosePools(endpoints, needs, at), want);
        },
      ),
      { numRuns: propertyRuns },
    );
  });
});

test('whether a gateway stands for endpoints is told by any pool in use, not by an empty one', () => {
  const gateway = { cluster: testEndpoint({ port: 1 }), local: testEndpoint({ port: 2 }) };
  const pools = { cluster: [], local: [testEndpoint()], hasAny: true };
  const perRequest = { ...plainRequestRules, pools };
  assert.equal(leadsToGateway({ pools, perRequest }), false);
  assert.equal(leadsToGateway({ pools: throughGateway(pools, gateway), perRequest }), true);
  assert.equal(leadsToGateway({ pools, perRequest: undefined }), false);
  const none = { cluster: [], local: [], hasAny: false };
  const asked = { ...plainRequestRules, pools: none };
  assert.equal(
    leadsToGateway({ pools: throughGateway(none, gateway), perRequest: asked }),
    undefined,
  );
});
