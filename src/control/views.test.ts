import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  plainRequestRules,
  type ApplyReport,
  type Observation,
  type VirtualServer,
} from '../model/index.ts';
import type { ServicePortView } from './protocol.ts';
import { clusterIp, endpoint, node, nodePort, planOf, server } from './testdata/plan.ts';
import { endpointViews, planView, servicePortViews } from './views.ts';

const all = { namespace: undefined, name: undefined };
const quiet: ApplyReport = { revision: 1, operations: 0, failures: [], standIns: [] };

function only(views: readonly ServicePortView[]): ServicePortView {
  const [view, ...rest] = views;
  assert.ok(view);
  assert.equal(rest.length, 0);
  return view;
}

const web = server('web', {
  ref: { portName: 'http' },
  frontends: [clusterIp('127.96.0.1', 80), nodePort(30_080)],
  endpoints: [
    endpoint('10.0.0.1', { pod: 'default/web-1' }),
    endpoint('10.0.0.2', { ready: false }),
  ],
});

const schedulers = ['rr', 'lc'] as const;

test('a ServicePort says what its driver does instead of what it asks for', () => {
  const byLoad = (asked: Partial<VirtualServer>): object => {
    const server = { ...web, scheduler: 'lc', ...asked } as const;
    const { scheduler, standIn } = only(
      servicePortViews({ plan: planOf(server), report: quiet }, all, ['rr']),
    );
    return { scheduler, standIn };
  };
  assert.deepEqual(byLoad({}), { scheduler: 'lc', standIn: 'rr' });
  const pools = web.pools;
  const perRequest = { ...plainRequestRules, pools };
  assert.deepEqual(byLoad({ perRequest }), { scheduler: 'lc', standIn: undefined });
});

test('a ServicePort says where its frontends answer', () => {
  assert.deepEqual(only(servicePortViews({ plan: planOf(web), report: quiet }, all, schedulers)), {
    namespace: 'default',
    name: 'web',
    port: 'http',
    protocol: 'TCP',
    family: 'IPv4',
    scheduler: 'rr',
    affinity: 'none',
    endpoints: 2,
    ready: 1,
    frontends: [
      {
        kind: 'clusterIP',
        declared: '127.96.0.1:80',
        reachable: ['127.96.0.1:80'],
        problem: undefined,
      },
      { kind: 'nodePort', declared: ':30080', reachable: ['127.0.0.1:30080'], problem: undefined },
    ],
  });
});

test('nothing is reachable before the first apply', () => {
  const view = only(servicePortViews({ plan: planOf(web), report: undefined }, all, schedulers));
  assert.deepEqual(
    view.frontends.map((f) => f.reachable),
    [[], []],
  );
});

test('a stand-in is where the frontend is reached', () => {
  const report: ApplyReport = {
    ...quiet,
    standIns: [
      {
        server: web.id,
        frontend: clusterIp('127.96.0.1', 80),
        address: { address: '127.96.0.1', port: 8080 },
      },
    ],
  };
  const view = only(servicePortViews({ plan: planOf(web), report }, all, schedulers));
  assert.deepEqual(view.frontends[0]?.reachable, ['127.96.0.1:8080']);
  assert.deepEqual(view.frontends[1]?.reachable, ['127.0.0.1:30080']);
});

test('a frontend that failed is not reachable and says why; the other one is', () => {
  const why = {
    code: 'NET_ADDRESS_IN_USE',
    message: 'Cannot listen at 127.0.0.1:30080: another process does',
    remedy: 'Stop it',
  };
  const report = { ...quiet, failures: [{ server: web.id, frontend: nodePort(30_080), ...why }] };
  const view = only(servicePortViews({ plan: planOf(web), report }, all, schedulers));
  assert.deepEqual(view.frontends[0]?.reachable, ['127.96.0.1:80']);
  assert.deepEqual(view.frontends[1]?.reachable, []);
  assert.deepEqual(view.frontends[1]?.problem, why);
});

test('an address two Services claim is served for the first', () => {
  const first = server('a', {
    frontends: [clusterIp('127.96.0.1', 80)],
    endpoints: web.endpoints,
  });
  const second = server('b', {
    frontends: [clusterIp('127.96.0.1', 80)],
    endpoints: web.endpoints,
  });
  const [a, b] = servicePortViews({ plan: planOf(second, first), report: quiet }, all, schedulers);
  assert.deepEqual(a?.frontends[0]?.reachable, ['127.96.0.1:80']);
  assert.deepEqual(b?.frontends[0]?.reachable, []);
  assert.equal(b?.frontends[0]?.problem?.code, 'CONTROL_FRONTEND_CLAIMED');
  assert.match(b?.frontends[0]?.problem?.message ?? '', /Service default\/a has it/);
});

const withoutEndpoints = {
  'no endpoints': { endpoints: [], message: /it has no endpoints/ },
  'none ready': {
    endpoints: [endpoint('10.0.0.1', { ready: false, pod: 'default/web-1' })],
    message: /none of its 1 endpoints is ready/,
  },
  'all drained': {
    endpoints: [endpoint('10.0.0.1', { weight: 0 })],
    message: /all its endpoints have weight 0/,
  },
};
for (const [name, c] of Object.entries(withoutEndpoints)) {
  test(`a Service that cannot forward says why: ${name}`, () => {
    const plan = planOf(
      server('web', { frontends: [clusterIp('127.96.0.1', 80)], endpoints: c.endpoints }),
    );
    const [frontend] = only(servicePortViews({ plan, report: quiet }, all, schedulers)).frontends;
    assert.deepEqual(frontend?.reachable, []);
    assert.equal(frontend?.problem?.code, 'CONTROL_NO_ENDPOINTS');
    assert.match(frontend?.problem?.message ?? '', c.message);
    assert.ok(frontend?.problem?.remedy);
  });
}

test('views are sorted and filtered by namespace and name', () => {
  const plan = planOf(
    server('b'),
    server('a'),
    server('a', { ref: { portName: 'x' } }),
    server('a', { ref: { namespace: 'shop' } }),
  );
  const named = (
    filter: typeof all | { namespace: string | undefined; name: string | undefined },
  ) =>
    servicePortViews({ plan, report: quiet }, filter, schedulers).map(
      (v) => `${v.namespace}/${v.name}:${v.port}`,
    );
  assert.deepEqual(named(all), ['default/a:', 'default/a:x', 'default/b:', 'shop/a:']);
  assert.deepEqual(named({ namespace: 'default', name: undefined }), [
    'default/a:',
    'default/a:x',
    'default/b:',
  ]);
  assert.deepEqual(named({ namespace: undefined, name: 'a' }), [
    'default/a:',
    'default/a:x',
    'shop/a:',
  ]);
});

test('endpoints have their state and what the driver counted of them', () => {
  const plan = planOf(
    server('web', {
      endpoints: [
        endpoint('10.0.0.1', { pod: 'default/web-1', weight: 5 }),
        endpoint('10.0.0.2', { ready: false, terminating: true }),
        endpoint('10.0.0.3', { ready: false, serving: false, terminating: true }),
        endpoint('10.0.0.4', { ready: false, serving: false }),
      ],
    }),
  );
  const observation: Observation = {
    endpoints: new Map([
      [
        'default/web:/TCP/IPv4',
        new Map([
          [
            '10.0.0.1:8080',
            { connections: 7, open: 1, failures: 0, bytesIn: 10, bytesOut: undefined },
          ],
        ]),
      ],
    ]),
  };
  const views = endpointViews(plan, observation, all);
  assert.deepEqual(views[0], {
    namespace: 'default',
    service: 'web',
    port: '',
    address: '10.0.0.1:8080',
    pod: 'default/web-1',
    node: 'laptop',
    state: 'ready',
    weight: 5,
    connections: 7,
    open: 1,
    failures: 0,
    bytesIn: 10,
    bytesOut: undefined,
    bytesUnknown: undefined,
    connectLatency: undefined,
  });
  assert.deepEqual(
    views.map((v) => [v.state, v.connections]),
    [
      ['ready', 7],
      ['serving', undefined],
      ['terminating', undefined],
      ['not-ready', undefined],
    ],
  );
});

test('an IPv6 address is bracketed in every view', () => {
  const v6 = server('web', {
    ref: { family: 'IPv6' },
    frontends: [clusterIp('fd00::1', 80)],
    endpoints: [endpoint('fd00::2')],
  });
  const plan = planOf(v6);
  assert.deepEqual(
    endpointViews(plan, { endpoints: new Map() }, all).map((v) => v.address),
    ['[fd00::2]:8080'],
  );
  assert.deepEqual(planView(plan).servers[0]?.frontends, ['clusterIP [fd00::1]:80']);
});

test('a NodePort answers at the node addresses of its family only', () => {
  const plan = planOf(
    server('web', { frontends: [nodePort(30_080)], endpoints: [endpoint('10.0.0.1')] }),
  );
  const dual = { ...plan, node: { ...node, nodePortAddresses: ['127.0.0.1', '::1', '10.9.9.9'] } };
  const view = only(servicePortViews({ plan: dual, report: quiet }, all, schedulers));
  assert.deepEqual(view.frontends[0]?.reachable, ['127.0.0.1:30080', '10.9.9.9:30080']);
});

test('the Plan is told as it is', () => {
  const plan = planOf({ ...web, affinity: { kind: 'clientIP', timeoutSeconds: 10_800 } });
  assert.deepEqual(planView(plan), {
    revision: 1,
    node: { name: 'laptop', zone: undefined, serviceRanges: ['127.96.0.0/16'] },
    servers: [
      {
        id: 'default/web:http/TCP/IPv4',
        scheduler: 'rr',
        affinity: 'clientIP 10800s',
        frontends: ['clusterIP 127.96.0.1:80', 'nodePort :30080'],
        cluster: ['10.0.0.1:8080'],
        local: [],
      },
    ],
  });
});
