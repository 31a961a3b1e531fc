/** A running instance that answers the same every time, for the golden files of the command line. */
import {
  ControlError,
  type ControlSource,
  type EndpointView,
  type ExplainView,
  type ServiceFilter,
  type ServicePortView,
  type SpreadView,
} from '../../control/index.ts';
import { fakeNames } from './fake-names.ts';
import { fakeRequests } from './fake-requests.ts';
import { fakeWorkloads } from './fake-workloads.ts';

const service: ServicePortView = {
  namespace: 'default',
  name: 'web',
  port: 'http',
  protocol: 'TCP',
  family: 'IPv4',
  scheduler: 'rr',
  affinity: 'none',
  frontends: [
    {
      kind: 'clusterIP',
      declared: '127.83.4.9:80',
      reachable: ['127.83.4.9:8080'],
      problem: undefined,
    },
    {
      kind: 'nodePort',
      declared: ':30080',
      reachable: [],
      problem: {
        code: 'NET_ADDRESS_IN_USE',
        message: 'Cannot listen at 127.0.0.1:30080: another process already listens there',
        remedy: 'Stop that process, or give the Service another nodePort',
      },
    },
  ],
  endpoints: 3,
  ready: 3,
};

const noEndpoints = {
  code: 'CONTROL_NO_ENDPOINTS',
  message: 'Cannot forward to Service shop/cart: none of its 2 endpoints is ready',
  remedy: 'See why Pod shop/cart-1 is not ready',
};

const services: readonly ServicePortView[] = [
  service,
  {
    ...service,
    namespace: 'shop',
    name: 'cart',
    port: '',
    protocol: 'UDP',
    affinity: 'clientIP 10800s',
    frontends: [
      { kind: 'clusterIP', declared: '127.83.4.10:53', reachable: [], problem: noEndpoints },
      { kind: 'externalIP', declared: '127.9.9.9:53', reachable: [], problem: noEndpoints },
    ],
    endpoints: 2,
    ready: 0,
  },
];

const endpoint: EndpointView = {
  namespace: 'default',
  service: 'web',
  port: 'http',
  address: '127.84.0.1:8080',
  pod: 'default/web-1',
  node: 'laptop',
  state: 'ready',
  weight: 1,
  connections: 1_234,
  open: 2,
  failures: 0,
  bytesIn: 999,
  bytesOut: 123_456_789,
  connectLatency: {
    count: 1_234,
    sumMs: 308.5,
    buckets: [
      { upToMs: 0.5, count: 1_230 },
      { upToMs: undefined, count: 4 },
    ],
  },
};

const endpoints: readonly EndpointView[] = [
  endpoint,
  {
    ...endpoint,
    address: '127.84.0.2:8080',
    pod: 'default/web-2',
    weight: 10,
    failures: 3,
    bytesIn: 1_500,
    bytesOut: 1_023_999,
  },
  {
    ...endpoint,
    namespace: 'shop',
    service: 'cart',
    port: '',
    address: '[fd00::2]:53',
    pod: undefined,
    node: undefined,
    state: 'not-ready',
    weight: 0,
    connections: undefined,
    open: undefined,
    failures: undefined,
    bytesIn: undefined,
    bytesOut: undefined,
    bytesUnknown: 'accounting-off',
    connectLatency: undefined,
  },
];

const share = (n: number, connections: number, expected: number): SpreadView['shares'][number] => ({
  endpoint: `127.84.0.${n}:8080`,
  pod: `default/web-${n}`,
  connections,
  expected,
});

const spread: SpreadView = {
  namespace: 'default',
  service: 'web',
  port: 'http',
  protocol: 'TCP',
  target: '127.83.4.9:8080',
  scheduler: 'rr',
  affinity: 'none',
  requested: 300,
  connected: 300,
  failed: 0,
  failures: [],
  tookMs: 214,
  shares: [share(1, 100, 100), share(2, 100, 100), share(3, 100, 100)],
  promise: 'turns',
  chance: undefined,
  kept: true,
  exact: true,
};

const spreads: Readonly<Record<string, SpreadView>> = {
  web: spread,
  remainder: {
    ...spread,
    service: 'remainder',
    port: '',
    requested: 100,
    connected: 100,
    shares: [share(1, 34, 100 / 3), share(2, 33, 100 / 3), share(3, 33, 100 / 3)],
  },
  crowded: {
    ...spread,
    service: 'crowded',
    shares: [
      share(1, 104, 100),
      share(2, 96, 100),
      { ...share(3, 100, 100), pod: 'elsewhere/web-3' },
    ],
    kept: false,
    exact: false,
  },
  failing: {
    ...spread,
    service: 'failing',
    connected: 180,
    failed: 120,
    failures: [
      {
        code: 'NET_REFUSED',
        message: 'Cannot connect to 127.83.4.9:8080: refused',
        connections: 119,
      },
      {
        code: 'LAB_NOT_FORWARDED',
        message: 'The connection was accepted and forwarded to no endpoint',
        connections: 1,
      },
    ],
    shares: [share(1, 90, 90), share(2, 90, 90)],
    kept: false,
    exact: false,
  },
  sticky: {
    ...spread,
    service: 'sticky',
    affinity: 'clientIP 10800s',
    promise: 'one-endpoint',
    shares: [share(1, 0, 0), share(2, 300, 300)],
  },
  random: {
    ...spread,
    service: 'random',
    scheduler: 'random',
    promise: 'shares',
    chance: 0.3678,
    shares: [share(1, 90, 100), share(2, 110, 100), share(3, 100, 100)],
    exact: false,
  },
  skewed: {
    ...spread,
    service: 'skewed',
    scheduler: 'random',
    promise: 'shares',
    chance: 0.00000001,
    shares: [share(1, 190, 100), share(2, 10, 100), share(3, 100, 100)],
    kept: false,
    exact: false,
  },
  busy: {
    ...spread,
    service: 'busy',
    scheduler: 'lc',
    promise: 'load',
    shares: [share(1, 150, 100), share(2, 90, 100), share(3, 60, 100)],
    exact: false,
  },
  drained: {
    ...spread,
    service: 'drained',
    shares: [share(1, 150, 150), share(2, 150, 150), share(3, 0, 0)],
  },
};

const object = { kind: 'Service', namespace: 'default', name: 'web', field: 'spec.selector' };

const brokenService: ExplainView = {
  explanation: {
    kind: 'service',
    namespace: 'default',
    name: 'web',
    verdict: 'broken',
    steps: [
      {
        stage: 'selector',
        code: 'selector-near-value',
        severity: 'broken',
        text: 'The selector app=web matches no Pod of namespace default',
        object,
      },
    ],
    findings: [],
  },
  text: [
    'Service default/web: broken',
    '',
    '1. broken: The selector app=web matches no Pod of namespace default',
    '   where: Service default/web, spec.selector',
    '   why:   1 Pod has app=web-api where app=web is asked for: web-1',
    '   do:    Select app=web-api, or label the Pod app=web',
    '',
    'Step by step:',
    '  ok      name      Service default/web is of type ClusterIP',
    '  warning name      It is new',
    '  BROKEN  selector  The selector app=web matches no Pod of namespace default',
    '',
  ].join('\n'),
};

const passedFlow: ExplainView = {
  explanation: {
    kind: 'flow',
    flow: 'TCP 127.0.0.1:40000 -> 127.83.4.9:80',
    decision: { kind: 'pass' },
    verdict: 'works',
    steps: [],
    findings: [],
  },
  text: 'TCP 127.0.0.1:40000 -> 127.83.4.9:80: not served\n',
};

const matches = (filter: ServiceFilter, namespace: string, name: string): boolean =>
  (filter.namespace === undefined || filter.namespace === namespace) &&
  (filter.name === undefined || filter.name === name);

/** The same endpoint after so many looks, a second apart. */
function busier(each: EndpointView, looks: number): EndpointView {
  if (each.connections === undefined) return each;
  const { connectLatency: latency } = each;
  return {
    ...each,
    connections: each.connections + looks * each.weight * 10,
    bytesOut: (each.bytesOut ?? 0) + looks * each.weight * 2_048,
    connectLatency: latency && {
      ...latency,
      count: latency.count + looks * each.weight * 10,
      sumMs: latency.sumMs + looks * each.weight * 25,
    },
  };
}

/** `isBusy`: every look at its traffic is a second after the last, and something has happened. */
export function fakeSource(isBusy = false): ControlSource {
  let looks = 0;
  return {
    instance: () => ({
      instance: 'default',
      pid: 4711,
      version: '0.1.0',
      startedAt: '2026-01-02T03:04:05.678Z',
      driver: 'userspace',
      planRevision: 7,
      names: { dns: ['127.0.0.1:5353', '[::1]:5353'], door: '127.0.0.1:1080' },
      components: [],
    }),
    services: (filter) => services.filter((s) => matches(filter, s.namespace, s.name)),
    requests: fakeRequests,
    names: fakeNames,
    explain: async ({ kind }) => (kind === 'service' ? brokenService : passedFlow),
    endpoints: (filter) => endpoints.filter((e) => matches(filter, e.namespace, e.service)),
    traffic: (filter) => {
      if (isBusy) looks++;
      return {
        atMs: 1_000 * looks,
        planRevision: 7,
        limited: { connections: isBusy ? 12 : 0, flows: 0 },
        endpoints: endpoints
          .filter((e) => matches(filter, e.namespace, e.service))
          .map((each) => busier(each, looks)),
      };
    },
    metrics: async () => ({
      address: '127.0.0.1:9100',
      text: '# TYPE switchyard_plan_revision gauge\nswitchyard_plan_revision 7\n',
    }),
    audit: async () => ({
      driver: 'nftables',
      deviations: [
        {
          server: 'default/web/http/TCP/IPv4',
          object: 'table ip switchyard, set services, element 10.96.0.7 . tcp . 80',
          found: undefined,
          expected: 'jump pool-default/web/http/tcp-cluster',
          remedy: 'sudo nft delete table ip switchyard; the running instance makes it anew within a second',
        },
      ],
    }),
    plan: () => ({
      revision: 7,
      node: { name: 'laptop', zone: undefined, serviceRanges: ['127.83.0.0/16'] },
      servers: [
        {
          id: 'default/web:http/TCP/IPv4',
          scheduler: 'rr',
          affinity: 'none',
          frontends: ['clusterIP 127.83.4.9:80', 'nodePort :30080'],
          cluster: ['127.84.0.1:8080', '127.84.0.2:8080', '127.84.0.3:8080', '127.84.0.4:8080'],
          local: [],
        },
        {
          id: 'shop/cart:/UDP/IPv4',
          scheduler: 'rr',
          affinity: 'clientIP 10800s',
          frontends: ['clusterIP 127.83.4.10:53'],
          cluster: [],
          local: [],
        },
      ],
    }),
    workloads: fakeWorkloads,
    spread: async ({ namespace, service: name }) => {
      const view = spreads[name];
      if (view !== undefined) return view;
      if (name === 'ports') {
        throw new ControlError(
          'CONTROL_PORT_NEEDED',
          'Cannot measure the spread of default/ports: it has several ports',
          {
            details: ['port 80 TCP (http)', 'port 9000 TCP (admin)'],
            remedy: 'Name one of them with --port',
          },
        );
      }
      throw new ControlError(
        'CONTROL_SERVICE_NOT_FOUND',
        `Cannot measure the spread of ${namespace}/${name}: no Service of that name is forwarded`,
        { remedy: 'See those that are with switchyard get services -A' },
      );
    },
  };
}
