/** What a scrape says, held against counters that are known; and that nothing is paid before one. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  emptyPlan,
  endpointKey,
  nextPlan,
  type Driver,
  type EndpointCounters,
  type Observation,
  type Plan,
} from '../model/index.ts';
import { clusterIp, testEndpoint, testNode, testServer } from '../drivers/conformance/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { metricRows } from './metric-rows.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { samplesOf } from './samples.ts';
import { SyncTimes } from './sync-times.ts';

const at = { address: '127.9.97.1', port: 8080 };
const a = testEndpoint({ address: '10.0.0.1', port: 80 }, { pod: 'default/web-"1"\n' });
const quiet = testEndpoint({ address: '10.0.0.2', port: 80 });
const server = testServer([clusterIp(at)], { name: 'web', endpoints: [a, quiet] });
const { plan } = nextPlan(emptyPlan(testNode()), { set: [server], remove: [] })!;

const counters: EndpointCounters = {
  connections: 6,
  open: 2,
  failures: 1,
  bytesIn: 100,
  bytesOut: 2_000,
  connectLatency: { count: 5, sumMs: 12, buckets: [1, 2, 0, 1, 0, 0, 0, 0, 0, 0, 1] },
};
const none = { connections: 0, open: 0, failures: 0, bytesIn: 0, bytesOut: 0 };

const observation: Observation = {
  endpoints: new Map([
    [
      server.id,
      new Map([
        [endpointKey(a), counters],
        [endpointKey(quiet), none],
      ]),
    ],
    ['default/gone:/TCP/IPv4', new Map([['10.0.0.9:80', counters]])],
  ]),
  limited: { connections: 3, flows: 0 },
};

function create(syncs = new SyncTimes(createFakeClock()), where?: typeof at): Metrics {
  const report = { revision: 1, operations: 1, failures: [], standIns: [] };
  return createMetrics({
    at: where,
    version: '1.2.3',
    driver: { name: 'fake', observe: () => observation },
    applied: () => ({ plan, report }),
    syncs,
    log: silentLogger,
  });
}

const labels =
  'namespace="default",service="web",port="",protocol="TCP",family="IPv4",endpoint="10.0.0.1:80",pod="default/web-\\"1\\"\\n"';

test('counters of an endpoint are said in full, those of quiet ones and of what is gone are not', async () => {
  const lines = (await create().text()).split('\n');
  const ours = lines.filter((line) => line.startsWith('switchyard_endpoint_'));
  assert.deepEqual(ours.slice(0, 5), [
    `switchyard_endpoint_connections_total{${labels}} 6`,
    `switchyard_endpoint_open_connections{${labels}} 2`,
    `switchyard_endpoint_failures_total{${labels}} 1`,
    `switchyard_endpoint_received_bytes_total{${labels}} 100`,
    `switchyard_endpoint_sent_bytes_total{${labels}} 2000`,
  ]);
  const name = 'switchyard_endpoint_connect_duration_seconds';
  const cumulative = [
    ['0.0001', 1],
    ['0.0005', 3],
    ['0.001', 3],
    ['0.005', 4],
    ['0.01', 4],
    ['0.05', 4],
    ['0.1', 4],
    ['0.5', 4],
    ['1', 4],
    ['5', 4],
    ['+Inf', 5],
  ].map(([le, count]) => `${name}_bucket{${labels},le="${le}"} ${count}`);
  assert.deepEqual(ours.slice(5), [
    ...cumulative,
    `${name}_sum{${labels}} 0.012`,
    `${name}_count{${labels}} 5`,
  ]);
  assert.ok(lines.includes('switchyard_limit_reached_total{limit="connections"} 3'));
  assert.ok(lines.includes(`switchyard_plan_revision ${plan.revision}`));
  assert.ok(lines.includes('switchyard_build_info{version="1.2.3",driver="fake"} 1'));
  assert.ok(lines.some((line) => line.startsWith('process_resident_memory_bytes ')));
});

test('every metric of the table is told with its help and type, and twice the same', async () => {
  const metrics = create();
  const text = await metrics.text();
  for (const { name, type, help } of Object.values(metricRows)) {
    assert.ok(text.includes(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`), name);
  }
  const own = (whole: string): readonly string[] =>
    whole.split('\n').filter((line) => /^(switchyard|kubeproxy)_/.test(line));
  assert.deepEqual(own(await metrics.text()), own(text), 'nothing is added up');
});

test('more endpoints than a scrape tells of are counted as left out', () => {
  const endpoints = Array.from({ length: 10_003 }, (_, i) =>
    testEndpoint({ address: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, port: 80 }),
  );
  const large = testServer([clusterIp(at)], { name: 'web', endpoints });
  const grown: Plan = nextPlan(plan, { set: [large], remove: [] })!.plan;
  const { plain } = samplesOf({
    version: '',
    driver: '',
    plan: grown,
    report: undefined,
    observation: {
      endpoints: new Map([[large.id, new Map(endpoints.map((e) => [endpointKey(e), counters]))]]),
    },
    syncs: new SyncTimes(createFakeClock()),
  });
  assert.equal(plain.connections?.length, 10_000);
  assert.deepEqual(plain.leftOut, [{ labels: [], value: 3 }]);
});

test('syncs are timed around the driver: full ones, partial ones, failures', async () => {
  const clock = createFakeClock(1_000_000);
  const syncs = new SyncTimes(clock);
  let takesMs = 0;
  const driver: Driver = {
    name: 'fake',
    capabilities: { schedulers: ['rr'], protocols: ['TCP'], differences: [] },
    probe: async () => [],
    observe: () => observation,
    drained: async () => undefined,
    locate: async () => a,
    stop: async () => undefined,
    apply: async () => {
      if (takesMs < 0) throw new Error('as the test says');
      await clock.advance(takesMs);
      return { revision: 1, operations: 0, failures: [], standIns: [] };
    },
  };
  const timed = syncs.timed(driver);
  const { signal } = new AbortController();
  const delta = {
    fromRevision: 0,
    toRevision: 1,
    added: [],
    updated: [],
    removed: [],
    nodeChanged: false,
  };
  takesMs = 3;
  await timed.apply(plan, undefined, signal);
  takesMs = 60_000;
  await timed.apply(plan, delta, signal);
  takesMs = -1;
  await assert.rejects(timed.apply(plan, delta, signal), /as the test says/);
  const text = await create(syncs).text();
  const says = (line: string): void => assert.ok(text.includes(`\n${line}\n`), line);
  says('kubeproxy_sync_full_proxy_rules_duration_seconds_bucket{le="0.004"} 1');
  says('kubeproxy_sync_full_proxy_rules_duration_seconds_bucket{le="0.002"} 0');
  says('kubeproxy_sync_partial_proxy_rules_duration_seconds_bucket{le="16.384"} 0');
  says('kubeproxy_sync_partial_proxy_rules_duration_seconds_bucket{le="+Inf"} 1');
  says('kubeproxy_sync_proxy_rules_duration_seconds_count 2');
  says('kubeproxy_sync_proxy_rules_duration_seconds_sum 60.003');
  says('kubeproxy_sync_proxy_rules_last_timestamp_seconds 1060.003');
  says('switchyard_sync_failures_total 1');
});

test('Prometheus gets them over HTTP', async (t) => {
  const metrics = create(undefined, { ...at, port: 0 });
  t.after(() => metrics.stop());
  await metrics.start(new AbortController().signal);
  const where = metrics.address();
  assert.ok(where !== undefined);
  const answer = await fetch(`http://${where.address}:${where.port}/metrics`);
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  assert.match(await answer.text(), /^switchyard_service_ready_endpoints\{.*service="web"/m);
  await metrics.stop();
  assert.equal(metrics.address(), undefined);
});
