import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  formatSocketAddress,
  pickableSchedulers,
  type ApplyReport,
  type Endpoint,
  type Plan,
  type SocketAddress,
} from '../model/index.ts';
import { createFakeClock } from '../sys/index.ts';
import type { NetEngine } from '../sys/net/index.ts';
import { ControlError } from './errors.ts';
import { createPlanSource } from './plan-source.ts';
import type { SpreadRequest, SpreadView } from './protocol.ts';
import { clusterIp, endpoint, nodePort, planOf, server } from './testdata/plan.ts';

const quiet: ApplyReport = { revision: 1, operations: 0, failures: [], standIns: [] };
const pods = [endpoint('10.0.0.1', { pod: 'default/web-1' }), endpoint('10.0.0.2')];

interface Asked {
  readonly plan: Plan;
  readonly report?: ApplyReport;
  readonly request?: Partial<SpreadRequest>;
}

async function ask({ plan, report = quiet, request = {} }: Asked): Promise<SpreadView> {
  let made = 0;
  const engine: NetEngine = {
    name: 'portable',
    listen: () => assert.fail('listens nowhere'),
    relay: () => assert.fail('relays nothing'),
    connect: async (to: SocketAddress) => ({
      local: { address: '127.0.0.1', port: 40_000 + made++ },
      remote: to,
      destroy: () => undefined,
      onClosed: () => undefined,
    }),
  };
  const chosen: Endpoint[] = [];
  const source = createPlanSource({
    instance: () => assert.fail('not asked'),
    plan: () => plan,
    report: () => report,
    driver: {
      name: 'test',
      capabilities: { schedulers: pickableSchedulers, protocols: ['TCP'], differences: [] },
      observe: () => ({ endpoints: new Map() }),
      locate: async () => {
        const next = pods[chosen.length % pods.length];
        if (next !== undefined) chosen.push(next);
        return next;
      },
    },
    engine,
    clock: createFakeClock(),
    world: () => assert.fail('explains nothing'),
  });
  return await source.spread(
    {
      namespace: 'default',
      service: 'web',
      port: undefined,
      connections: 4,
      concurrency: 1,
      ...request,
    },
    { onProgress: () => undefined, signal: new AbortController().signal },
  );
}

async function refusal(asked: Asked): Promise<ControlError> {
  try {
    await ask(asked);
  } catch (thrown) {
    assert.ok(thrown instanceof ControlError, String(thrown));
    return thrown;
  }
  assert.fail('it was not refused');
}

const web = server('web', { frontends: [clusterIp('127.96.0.1', 80)], endpoints: pods });

test('a spread is measured at the ClusterIP and told with its Pods', async () => {
  assert.deepEqual(await ask({ plan: planOf(web) }), {
    namespace: 'default',
    service: 'web',
    port: '',
    protocol: 'TCP',
    target: '127.96.0.1:80',
    scheduler: 'rr',
    affinity: 'none',
    requested: 4,
    connected: 4,
    failed: 0,
    failures: [],
    tookMs: 0,
    shares: [
      { endpoint: '10.0.0.1:8080', pod: 'default/web-1', connections: 2, expected: 2 },
      { endpoint: '10.0.0.2:8080', pod: undefined, connections: 2, expected: 2 },
    ],
    promise: 'turns',
    chance: undefined,
    kept: true,
    exact: true,
  });
});

test('a stand-in is connected to and judged as the frontend it stands for', async () => {
  const address = { address: '127.96.0.1', port: 8080 };
  const report = {
    ...quiet,
    standIns: [{ server: web.id, frontend: clusterIp('127.96.0.1', 80), address }],
  };
  const view = await ask({ plan: planOf(web), report });
  assert.equal(view.target, formatSocketAddress(address));
  assert.equal(view.exact, true);
});

test('when the ClusterIP does not answer the NodePort is measured', async () => {
  const both = server('web', {
    frontends: [clusterIp('127.96.0.1', 80), nodePort(30_080)],
    endpoints: pods,
  });
  const failure = { code: 'NET_FAILED', message: 'Cannot listen', remedy: undefined };
  const report = {
    ...quiet,
    failures: [{ server: both.id, frontend: clusterIp('127.96.0.1', 80), ...failure }],
  };
  const view = await ask({ plan: planOf(both), report });
  assert.equal(view.target, '127.0.0.1:30080');
  assert.equal(view.exact, true);
});

const http = server('web', {
  ref: { portName: 'http' },
  frontends: [clusterIp('127.96.0.1', 80)],
  endpoints: pods,
});
const admin = server('web', {
  ref: { portName: 'admin' },
  frontends: [clusterIp('127.96.0.1', 9000)],
  endpoints: pods,
});
const dns = server('web', {
  ref: { portName: 'dns', protocol: 'UDP' },
  frontends: [clusterIp('127.96.0.1', 53)],
  endpoints: pods,
});

for (const port of ['admin', '9000']) {
  test(`a port is named or numbered: ${port}`, async () => {
    const view = await ask({ plan: planOf(http, admin, dns), request: { port } });
    assert.equal(view.target, '127.96.0.1:9000');
    assert.equal(view.port, 'admin');
  });
}

test('both families of one port are no choice to make', async () => {
  const v6 = server('web', {
    ref: { portName: 'http', family: 'IPv6' },
    frontends: [clusterIp('fd00::1', 80)],
    endpoints: [],
  });
  assert.equal((await ask({ plan: planOf(v6, http) })).target, '127.96.0.1:80');
});

test('a UDP port is measured by flows, each from a socket of its own', async () => {
  const view = await ask({ plan: planOf(dns), request: { port: 'dns' } });
  assert.deepEqual([view.protocol, view.connected, view.failed], ['UDP', 4, 0]);
  assert.equal(view.exact, true);
});

test('a port number that is both is measured by TCP', async () => {
  const udp = server('web', {
    ref: { portName: 'udp', protocol: 'UDP' },
    frontends: [clusterIp('127.96.0.1', 80)],
    endpoints: pods,
  });
  const both = planOf(http, udp);
  assert.equal((await ask({ plan: both })).protocol, 'TCP');
});

const refusals: Record<string, [Asked, string, RegExp]> = {
  'no such Service': [
    { plan: planOf(web), request: { service: 'wbe' } },
    'CONTROL_SERVICE_NOT_FOUND',
    /default\/wbe/,
  ],
  'several ports and none named': [
    { plan: planOf(http, admin, dns) },
    'CONTROL_PORT_NEEDED',
    /several ports/,
  ],
  'a port it has not': [
    { plan: planOf(http, dns), request: { port: '81' } },
    'CONTROL_PORT_NOT_FOUND',
    /no TCP or UDP port 81/,
  ],
  'no endpoint': [
    { plan: planOf(server('web', { frontends: [clusterIp('127.96.0.1', 80)] })) },
    'CONTROL_NOT_REACHABLE',
    /none of its frontends answers/,
  ],
};
for (const [name, [asked, code, message]] of Object.entries(refusals)) {
  test(`a spread is refused: ${name}`, async () => {
    const error = await refusal(asked);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(error.remedy);
  });
}

test('a refusal lists the ports, or why no frontend answers', async () => {
  assert.deepEqual((await refusal({ plan: planOf(http, admin, dns) })).details, [
    'port 9000 TCP (admin)',
    'port 53 UDP (dns)',
    'port 80 TCP (http)',
  ]);
  const empty = server('web', { frontends: [clusterIp('127.96.0.1', 80)] });
  assert.deepEqual((await refusal({ plan: planOf(empty) })).details, [
    'clusterIP 127.96.0.1:80: Cannot forward to Service default/web: it has no endpoints',
  ]);
});
