import assert from 'node:assert/strict';
import test from 'node:test';
import {
  emptyPlan,
  formatSocketAddress,
  nextPlan,
  type Plan,
  type VirtualServer,
} from '../../model/index.ts';
import {
  clusterIp,
  elsewhere,
  externalIp,
  loadBalancerIp,
  nodePort,
  testEndpoint,
  testNode,
  testServer,
  type ServerOptions,
} from '../conformance/index.ts';
import { renderServer } from './render.ts';

const at = { address: '10.96.0.1', port: 80 };
const endpoints = [testEndpoint({ address: '10.0.0.1', port: 8080 })];

const node = testNode({ nodePortAddresses: ['192.0.2.1', '192.0.2.2', '2001:db8::1'] });

function planOf(...set: readonly VirtualServer[]): Plan {
  return nextPlan(emptyPlan(node), { set, remove: [] })?.plan ?? emptyPlan(node);
}

interface Case {
  readonly frontends: VirtualServer['frontends'];
  readonly options?: ServerOptions;
  readonly want: readonly string[];
}

const cases: Readonly<Record<string, Case>> = {
  'a ClusterIP': { frontends: [clusterIp(at)], want: ['10.96.0.1:80'] },
  'every kind': {
    frontends: [
      clusterIp(at),
      nodePort(30080),
      externalIp({ address: '192.0.2.9', port: 80 }),
      loadBalancerIp({ address: '192.0.2.10', port: 80 }),
    ],
    want: ['10.96.0.1:80', '192.0.2.1:30080', '192.0.2.2:30080', '192.0.2.9:80', '192.0.2.10:80'],
  },
  'a NodePort of IPv6': {
    frontends: [nodePort(30080)],
    options: { family: 'IPv6' },
    want: ['[2001:db8::1]:30080'],
  },
  'an address named twice': {
    frontends: [externalIp(at), loadBalancerIp(at)],
    want: ['10.96.0.1:80'],
  },
  'no endpoints': { frontends: [clusterIp(at)], options: { endpoints: [] }, want: [] },
  'only endpoints that are not ready': {
    frontends: [clusterIp(at)],
    options: { endpoints: endpoints.map((e) => ({ ...e, ready: false, serving: false })) },
    want: [],
  },
  'only endpoints elsewhere, policy Local': {
    frontends: [clusterIp(at)],
    options: {
      endpoints: endpoints.map((e) => ({ ...e, ...elsewhere })),
      internalTrafficPolicy: 'Local',
    },
    want: [],
  },
  'one path has endpoints, the other none': {
    frontends: [clusterIp(at), nodePort(30080)],
    options: {
      endpoints: endpoints.map((e) => ({ ...e, ...elsewhere })),
      internalTrafficPolicy: 'Local',
    },
    want: ['10.96.0.1:80', '192.0.2.1:30080', '192.0.2.2:30080'],
  },
};

for (const [name, { frontends, options, want }] of Object.entries(cases)) {
  test(`renders ${name}`, () => {
    const server = testServer(frontends, { endpoints, ...options });
    const { listeners, failures } = renderServer(planOf(server), server);
    assert.deepEqual(
      listeners.map((listener) => formatSocketAddress(listener.at)),
      want,
    );
    assert.deepEqual(failures, []);
  });
}

test('an address named twice answers for both frontends', () => {
  const frontends = [externalIp(at), loadBalancerIp(at)];
  const server = testServer(frontends, { endpoints });
  assert.deepEqual(renderServer(planOf(server), server).listeners[0]?.frontends, frontends);
});

test('SCTP is refused by name', () => {
  const server = testServer([clusterIp(at), nodePort(30053)], {
    name: 'dns',
    protocol: 'SCTP',
    endpoints,
  });
  const { listeners, failures } = renderServer(planOf(server), server);
  assert.deepEqual(listeners, []);
  assert.deepEqual(
    failures.map(({ code, message }) => [code, message]),
    [
      [
        'USERSPACE_PROTOCOL_UNSUPPORTED',
        'Cannot serve Service default/dns at 10.96.0.1:80: the userspace driver does not carry SCTP',
      ],
      [
        'USERSPACE_PROTOCOL_UNSUPPORTED',
        'Cannot serve Service default/dns at NodePort 30053: the userspace driver does not carry SCTP',
      ],
    ],
  );
  assert.ok(failures.every((failure) => failure.remedy !== undefined));
});

test('TCP and UDP of one Service share an address and port', () => {
  const [tcp, udp] = (['TCP', 'UDP'] as const).map((protocol) =>
    testServer([clusterIp(at)], { protocol, endpoints }),
  ) as [VirtualServer, VirtualServer];
  const plan = planOf(tcp, udp);
  const keys = [tcp, udp].flatMap((server) => {
    const { listeners, failures } = renderServer(plan, server);
    assert.deepEqual(failures, []);
    return listeners.map(({ key, protocol }) => [key, protocol]);
  });
  assert.deepEqual(keys, [
    ['TCP 10.96.0.1:80', 'TCP'],
    ['UDP 10.96.0.1:80', 'UDP'],
  ]);
});

test('of two claims the first by id has the address, and the other is told', () => {
  const first = testServer([clusterIp(at)], { name: 'a', endpoints });
  const second = testServer([externalIp(at), nodePort(30080)], { name: 'b', endpoints });
  const plan = planOf(first, second);
  assert.equal(renderServer(plan, first).listeners.length, 1);
  const { listeners, failures } = renderServer(plan, second);
  assert.deepEqual(
    listeners.map((listener) => formatSocketAddress(listener.at)),
    ['192.0.2.1:30080', '192.0.2.2:30080'],
  );
  assert.deepEqual(
    failures.map(({ code, message }) => [code, message]),
    [
      [
        'USERSPACE_FRONTEND_TAKEN',
        'Cannot serve Service default/b at 10.96.0.1:80: Service default/a has it',
      ],
    ],
  );
});

test('an address of the node goes before a NodePort there', () => {
  const port = testServer([nodePort(30080)], { name: 'a', endpoints });
  const exact = testServer([externalIp({ address: '192.0.2.1', port: 30080 })], {
    name: 'b',
    endpoints,
  });
  const plan = planOf(port, exact);
  assert.deepEqual(
    renderServer(plan, port).listeners.map((listener) => formatSocketAddress(listener.at)),
    ['192.0.2.2:30080'],
  );
  assert.equal(renderServer(plan, port).failures[0]?.code, 'USERSPACE_FRONTEND_TAKEN');
  assert.equal(renderServer(plan, exact).listeners.length, 1);
});
