/**
 * From objects to a Plan: all of 10,000 and of 100,000 Services with 10 endpoints each, what that holds in memory,
 * and one changed endpoint. The whole must grow with the number of Services, the change must not.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import type { EndpointSlice, Service } from '../src/kube/index.ts';
import { emptyPlan, nextPlan, type Plan } from '../src/model/index.ts';
import { testNode } from '../src/model/testing.ts';
import { createChangeTracker } from '../src/plan/tracker.ts';

const endpointsEach = 10;
const changes = 2_000;

interface Measured {
  readonly fullMs: number;
  readonly bytesPerEndpoint: number;
  readonly changeUs: number;
}

export async function run(): Promise<void> {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('no garbage collector to call');
  const results = new Map<number, Measured>();
  for (const services of [10_000, 100_000]) {
    const result = measure(services, () => void collect());
    results.set(services, result);
    console.log(
      `${services.toLocaleString('en').padStart(8)} Services x ${endpointsEach}: ` +
        `full Plan ${result.fullMs.toFixed(0)} ms, ` +
        `${result.bytesPerEndpoint.toFixed(0)} bytes an endpoint, ` +
        `one change p50 ${result.changeUs.toFixed(0)} us`,
    );
  }
  const [small, large] = [...results.values()];
  if (small === undefined || large === undefined) return;
  console.log(
    `ratios: full Plan ${(large.fullMs / small.fullMs).toFixed(1)} for 10 times the Services, ` +
      `one change ${(large.changeUs / small.changeUs).toFixed(1)}`,
  );
}

function measure(count: number, collect: () => void): Measured {
  const services = Array.from({ length: count }, (_, i) => service(i));
  const slices = Array.from({ length: count }, (_, i) => slice(i, 0));
  collect();
  const heapBefore = process.memoryUsage().heapUsed;
  const started = performance.now();
  const tracker = createChangeTracker({ node: testNode });
  tracker.replaceServices(services);
  tracker.replaceSlices(slices);
  let plan = advance(tracker, emptyPlan(testNode));
  const fullMs = performance.now() - started;
  collect();
  const bytes = process.memoryUsage().heapUsed - heapBefore;
  const times: number[] = [];
  for (let n = 0; n < changes; n++) {
    const changed = slice((n * 7_919) % count, n + 1);
    const from = performance.now();
    tracker.setSlice(changed);
    plan = advance(tracker, plan);
    times.push((performance.now() - from) * 1_000);
  }
  times.sort((a, b) => a - b);
  return {
    fullMs,
    bytesPerEndpoint: bytes / (count * endpointsEach),
    changeUs: times[times.length >> 1] ?? 0,
  };
}

function advance(tracker: ReturnType<typeof createChangeTracker>, plan: Plan): Plan {
  const change = tracker.flush(plan);
  const next = change === undefined ? undefined : nextPlan(plan, change);
  if (next === undefined) throw new Error('nothing changed');
  return next.plan;
}

function service(i: number): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name: `s-${i}` },
    spec: {
      clusterIP: `10.${96 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`,
      ports: [{ name: 'http', port: 80 }],
    },
  };
}

/** The last endpoint's address follows from `version`. */
function slice(i: number, version: number): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      namespace: 'default',
      name: `s-${i}-1`,
      labels: { 'kubernetes.io/service-name': `s-${i}` },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: Array.from({ length: endpointsEach }, (_, n) => ({
      addresses: [`10.${n === 9 ? lastAddress(version) : 1}.${i & 255}.${n + 1}`],
      nodeName: `node-${n}`,
      targetRef: { kind: 'Pod', namespace: 'default', name: `s-${i}-${n}` },
    })),
  };
}

/** Never the same for two versions in a row, nor for 0 and another. */
function lastAddress(version: number): number {
  return version === 0 ? 1 : 100 + (version % 100);
}
