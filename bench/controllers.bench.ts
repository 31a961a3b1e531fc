/**
 * From Pods to EndpointSlices and Endpoints, through the registry and the memory store: 1,000 and 10,000 Services
 * with 10 Pods each, from the controller's start to the last slice and the last Endpoints, the peak memory of the
 * whole process (the objects themselves included), and one Pod's change to the slice that says it. The start must
 * grow with the number of Pods, the change must not. Each size has a process of its own.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { createEndpointSliceController } from '../src/controllers/index.ts';
import {
  endpointSliceKind,
  endpointsKind,
  namespaceKind,
  podKind,
  serviceKind,
  type Kind,
  type KubeObject,
  type ObjectClient,
  type Pod,
  type Service,
} from '../src/kube/index.ts';
import { parseCidr } from '../src/model/index.ts';
import { silentLogger } from '../src/obs/index.ts';
import { createRegistry } from '../src/registry/index.ts';
import { createMemoryStore } from '../src/store/index.ts';
import { systemClock } from '../src/sys/index.ts';

const podsEach = 10;
const servicesPerNamespace = 100;
const changes = 500;

interface Measured {
  readonly services: number;
  readonly slicesMs: number;
  readonly allMs: number;
  readonly peakMb: number;
  readonly objectsMb: number;
  readonly changeP50Us: number;
  readonly changeP99Us: number;
}

export async function run(args: readonly string[]): Promise<void> {
  const [only] = args;
  if (only !== undefined) {
    console.log(JSON.stringify(await measure(Number(only))));
    return;
  }
  const results: Measured[] = [];
  for (const services of [1_000, 10_000]) {
    const result = await measureApart(services);
    results.push(result);
    console.log(
      `${services.toLocaleString('en').padStart(7)} Services x ${podsEach} Pods: ` +
        `slices ${result.slicesMs.toFixed(0)} ms, with Endpoints ${result.allMs.toFixed(0)} ms, ` +
        `peak ${result.peakMb.toFixed(0)} MB (${result.objectsMb.toFixed(0)} MB before), ` +
        `one change p50 ${result.changeP50Us.toFixed(0)} us, p99 ${result.changeP99Us.toFixed(0)} us`,
    );
  }
  const [small, large] = results;
  if (small === undefined || large === undefined) return;
  const ratio = (of: (measured: Measured) => number): string => (of(large) / of(small)).toFixed(1);
  console.log(
    `ratios for 10 times the Pods: slices ${ratio((m) => m.slicesMs)}, ` +
      `one change p50 ${ratio((m) => m.changeP50Us)}, p99 ${ratio((m) => m.changeP99Us)}`,
  );
}

async function measureApart(services: number): Promise<Measured> {
  const runner = new URL('./run.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [runner, 'controllers', String(services)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [output, [code]] = await Promise.all([text(child.stdout), once(child, 'close')]);
  assert.equal(code, 0, output);
  const lines = output.trim().split('\n');
  const measured: Measured = JSON.parse(lines.at(-1) ?? '');
  return measured;
}

async function measure(services: number): Promise<Measured> {
  const clock = systemClock;
  const serviceRange = parseCidr('10.96.0.0/12');
  assert.ok(serviceRange);
  const client = createRegistry({
    store: createMemoryStore({ clock, newUid: randomUUID }),
    random: Math.random,
    serviceRange,
    allowLoopbackEndpoints: false,
  });
  await fill(client, services);
  const objectsMb = process.memoryUsage().rss / 2 ** 20;
  const controller = createEndpointSliceController({
    client,
    clock,
    random: Math.random,
    log: silentLogger,
  });
  const started = performance.now();
  const slices = counted(client, endpointSliceKind, services);
  const endpoints = counted(client, endpointsKind, services);
  await controller.start(new AbortController().signal);
  await slices;
  const slicesMs = performance.now() - started;
  await endpoints;
  const allMs = performance.now() - started;
  const times = await change(client, services);
  await controller.stop();
  return {
    services,
    slicesMs,
    allMs,
    peakMb: process.resourceUsage().maxRSS / 1_024,
    objectsMb,
    changeP50Us: times[times.length >> 1] ?? 0,
    changeP99Us: times[Math.floor(times.length * 0.99)] ?? 0,
  };
}

/** Resolves when so many objects of a kind were made. */
async function counted(client: ObjectClient, kind: Kind, count: number): Promise<void> {
  const stop = new AbortController();
  let left = count;
  for await (const event of client.watch<KubeObject>(kind, { signal: stop.signal })) {
    if (event.type === 'ADDED' && --left === 0) stop.abort();
  }
}

async function fill(client: ObjectClient, services: number): Promise<void> {
  for (let i = 0; i < services; i++) {
    const namespace = namespaceOf(i);
    if (i % servicesPerNamespace === 0) {
      const metadata = { name: namespace };
      await client.create(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata });
    }
    await client.create(serviceKind, serviceOf(i));
    for (let n = 0; n < podsEach; n++) await client.create(podKind, podOf(i, n));
  }
}

/** One Pod after the other stops being ready, or is again: until its slice says so. Sorted, in microseconds. */
async function change(client: ObjectClient, services: number): Promise<readonly number[]> {
  const stop = new AbortController();
  const watch = client.watch(endpointSliceKind, { signal: stop.signal })[Symbol.asyncIterator]();
  const times: number[] = [];
  for (let n = 0; n < changes; n++) {
    const i = (n * 7_919) % services;
    const pod = podOf(i, n % podsEach);
    const conditions = [{ type: 'Ready', status: 'False', lastProbeTime: String(n) }];
    const { namespace, name } = pod.metadata;
    const from = performance.now();
    const status = { conditions };
    await client.patch(podKind, { namespace, name }, { status }, { subresource: 'status' });
    await watch.next();
    times.push((performance.now() - from) * 1_000);
  }
  stop.abort();
  return times.toSorted((a, b) => a - b);
}

const namespaceOf = (service: number): string => `n-${Math.floor(service / servicesPerNamespace)}`;

function serviceOf(i: number): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: namespaceOf(i), name: `s-${i}`, labels: { app: `a-${i}` } },
    spec: {
      selector: { app: `a-${i}` },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    },
  };
}

function podOf(i: number, n: number): Pod {
  const ip = `10.${(i * podsEach + n) >> 16}.${((i * podsEach + n) >> 8) & 255}.${(i * podsEach + n) & 255}`;
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { namespace: namespaceOf(i), name: `s-${i}-${n}`, labels: { app: `a-${i}` } },
    spec: {
      nodeName: `node-${n}`,
      containers: [{ name: 'web', image: 'web:1', ports: [{ name: 'http', containerPort: 8080 }] }],
    },
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: 'Ready', status: 'True' }],
    },
  };
}
