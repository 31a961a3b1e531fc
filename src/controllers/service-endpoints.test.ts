/**
 * Endpoints and mirrored slices say what a naive reading of Pods and of hand-made Endpoints says, after any history
 * of changes; each change costs at most one write.
 */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import {
  endpointSliceKind,
  endpointsKind,
  eventKind,
  podKind,
  serviceKind,
  type EndpointAddress,
  type Endpoints,
  type EndpointSlice,
  type ObjectClient,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createEndpointSliceController } from './endpoint-slices.ts';
import { mirroredEndpoints } from './mirrored-endpoints.ts';
import { planSlices } from './plan-slices.ts';
import { ServiceState } from './service-state.ts';
import { ownerOfMirrored } from './slice-owner.ts';
import { syncEndpoints } from './sync-endpoints.ts';
import { holds } from './testing.ts';

const runs = process.env['SWITCHYARD_SOAK'] === '1' ? 20_000 : 300;

const web = { namespace: 'default', name: 'web' };

function serviceOf(spec: Service['spec'] & object = {}): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { ...web, labels: { team: 'a' } },
    spec: {
      clusterIP: '10.96.0.1',
      clusterIPs: ['10.96.0.1'],
      selector: { app: 'web' },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
      ...spec,
    },
  };
}

interface PodState {
  readonly ready: boolean;
  readonly leaving: boolean;
  readonly finished: boolean;
  readonly port: number;
}

const fine: PodState = { ready: true, leaving: false, finished: false, port: 8080 };

function podOf(n: number, state: Partial<PodState> = {}): Pod {
  const { ready, leaving, finished, port } = { ...fine, ...state };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'default',
      name: `p-${n}`,
      labels: { app: 'web' },
      ...(leaving ? { deletionTimestamp: '2026-11-22T00:00:00Z' } : {}),
    },
    spec: {
      nodeName: 'n1',
      containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }],
    },
    status: {
      phase: finished ? 'Succeeded' : 'Running',
      podIP: `10.0.${n >> 8}.${n & 255}`,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

function newStore(): ObjectClient {
  let uid = 0;
  return createMemoryStore({ clock: systemClock, newUid: () => `uid-${++uid}` });
}

const podStates = fc.record({
  n: fc.integer({ min: 0, max: 9 }),
  there: fc.boolean(),
  ready: fc.boolean(),
  leaving: fc.boolean(),
  finished: fc.boolean(),
  port: fc.constantFrom(8080, 9090),
});

/** What the subsets say, one line an address and port. */
function linesOf({ subsets = [] }: Endpoints): readonly string[] {
  return subsets
    .flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }) =>
      ports.flatMap(({ port }) => [
        ...addresses.map(({ ip }) => `${ip}:${port} ready`),
        ...notReadyAddresses.map(({ ip }) => `${ip}:${port} not ready`),
      ]),
    )
    .toSorted();
}

test('Endpoints equal the naive model after any history, at most one write a change', async () => {
  const history = fc.array(podStates, { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(history, fc.boolean(), async (events, publishNotReadyAddresses) => {
      const client = newStore();
      const state = new ServiceState();
      const service = serviceOf({ publishNotReadyAddresses });
      const pods = new Map<number, Pod>();
      for (const { n, there, ...fields } of events) {
        if (there) pods.set(n, podOf(n, fields));
        else pods.delete(n);
        const before = Number((await client.list(endpointsKind)).resourceVersion);
        const existing = state.endpoints.objects.get('default/web');
        await syncEndpoints(service, [...pods.values()], { client, state, existing });
        const { items, resourceVersion } = await client.list(endpointsKind);
        assert.ok(Number(resourceVersion) - before <= 1, 'one write at most');
        const naive = [...pods.values()].flatMap((pod) => {
          const { phase, podIP, conditions } = pod.status ?? {};
          const isOver = phase === 'Succeeded';
          const isLeaving = pod.metadata.deletionTimestamp !== undefined;
          if (isOver || (isLeaving && !publishNotReadyAddresses)) return [];
          const isReady = publishNotReadyAddresses || conditions?.[0]?.status === 'True';
          const port = pod.spec?.containers?.[0]?.ports?.[0]?.containerPort;
          return [`${podIP}:${port} ${isReady ? 'ready' : 'not ready'}`];
        });
        const [written] = items;
        assert.ok(written);
        assert.deepEqual(linesOf(written), naive.toSorted());
      }
    }),
    { numRuns: runs },
  );
});

const addresses = fc.uniqueArray(
  fc.oneof(
    fc.integer({ min: 1, max: 200 }).map((n) => `10.9.0.${n}`),
    fc.integer({ min: 1, max: 200 }).map((n) => `fd00::${n.toString(16)}`),
  ),
  { maxLength: 12 },
);

const subsets = fc.array(
  fc.record({ ready: addresses, notReady: addresses, port: fc.integer({ min: 1, max: 3 }) }),
  { maxLength: 4 },
);

function endpointsOf(
  parts: readonly { ready: readonly string[]; notReady: readonly string[]; port: number }[],
): Endpoints {
  const list = (ips: readonly string[]): readonly EndpointAddress[] => ips.map((ip) => ({ ip }));
  return {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: { ...web, uid: 'e' },
    subsets: parts.map(({ ready, notReady, port }) => ({
      addresses: list(ready),
      notReadyAddresses: list(notReady.filter((ip) => !ready.includes(ip))),
      ports: [{ port }],
    })),
  };
}

test('mirrored slices equal the naive model, one for each family and port, and settle', () => {
  fc.assert(
    fc.property(fc.array(subsets, { minLength: 1, maxLength: 8 }), (history) => {
      let slices: readonly EndpointSlice[] = [];
      for (const parts of history) {
        const endpoints = endpointsOf(parts);
        const { groups, skipped, invalid } = mirroredEndpoints(endpoints);
        assert.deepEqual([skipped, invalid], [0, 0]);
        const plan = (family: 'IPv4' | 'IPv6'): ReturnType<typeof planSlices> =>
          planSlices(ownerOfMirrored(endpoints), groups[family], {
            family,
            existing: slices.filter(({ addressType }) => addressType === family),
          });
        for (const family of ['IPv4', 'IPv6'] as const) {
          const { create, update, remove } = plan(family);
          const gone = new Set([...update, ...remove].map(({ metadata }) => metadata.name));
          const kept = slices.filter(({ metadata }) => !gone.has(metadata.name));
          slices = [...kept, ...update, ...create];
          const { create: c, update: u, remove: r } = plan(family);
          assert.equal(c.length + u.length + r.length, 0, 'nothing is written twice');
        }
        const seen = slices.flatMap(({ ports, endpoints: all }) =>
          (all ?? []).map((each) => `${each.addresses[0]}:${ports?.[0]?.port}`),
        );
        const naive = parts.flatMap(({ ready, notReady, port }) =>
          [...ready, ...notReady].map((ip) => `${ip}:${port}`),
        );
        assert.deepEqual([...new Set(seen)].toSorted(), [...new Set(naive)].toSorted());
        const keys = slices.map(({ addressType, ports }) => `${addressType} ${ports?.[0]?.port}`);
        assert.equal(new Set(keys).size, keys.length);
      }
    }),
    { numRuns: runs },
  );
});

async function start(t: TestContext): Promise<ObjectClient> {
  const client = newStore();
  const controller = createEndpointSliceController({
    client,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  });
  await controller.start(AbortSignal.timeout(5_000));
  t.after(() => controller.stop());
  return client;
}

test('Endpoints have the labels of their Service and say whose they are; they go with it', async (t) => {
  const client = await start(t);
  await client.create(serviceKind, serviceOf({ clusterIP: 'None', clusterIPs: ['None'] }));
  await client.create(podKind, podOf(1));
  await holds(async () => {
    const { metadata, subsets: found } = await client.get(endpointsKind, web);
    assert.deepEqual(metadata.labels, {
      team: 'a',
      'endpoints.kubernetes.io/managed-by': 'endpoint-controller',
      'service.kubernetes.io/headless': '',
    });
    assert.deepEqual(found, [
      {
        addresses: [
          {
            ip: '10.0.0.1',
            nodeName: 'n1',
            targetRef: {
              kind: 'Pod',
              namespace: 'default',
              name: 'p-1',
              uid: (await client.get(podKind, { ...web, name: 'p-1' })).metadata.uid,
            },
          },
        ],
        ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      },
    ]);
  });
  // Made from Pods: there is nothing to mirror.
  const { items } = await client.list(endpointSliceKind);
  assert.equal(items.length, 1);
  await client.delete(serviceKind, web);
  await holds(async () => assert.deepEqual((await client.list(endpointsKind)).items, []));
});

test('beyond 1,000 addresses the ready ones come first, and the annotation says so', async (t) => {
  const client = await start(t);
  for (let n = 0; n < 1_010; n++) await client.create(podKind, podOf(n, { ready: n % 2 === 0 }));
  await client.create(serviceKind, serviceOf());
  await holds(async () => {
    const { metadata, subsets: found = [] } = await client.get(endpointsKind, web);
    assert.equal(metadata.annotations?.['endpoints.kubernetes.io/over-capacity'], 'truncated');
    assert.deepEqual(
      found.map(({ addresses: a = [], notReadyAddresses: n = [] }) => [a.length, n.length]),
      [[505, 495]],
    );
  });
  for (let n = 0; n < 20; n++) await client.delete(podKind, { ...web, name: `p-${n}` });
  await holds(async () => {
    const { metadata } = await client.get(endpointsKind, web);
    assert.deepEqual(metadata.annotations ?? {}, {});
  });
});

test('hand-made Endpoints are mirrored, and no longer when they or their Service say so', async (t) => {
  const client = await start(t);
  const { selector: _selector, ...plain } = serviceOf().spec ?? {};
  const mirrored = async (): Promise<readonly EndpointSlice[]> =>
    (await client.list(endpointSliceKind)).items;
  await client.create(endpointsKind, {
    ...endpointsOf([{ ready: ['10.9.0.1'], notReady: ['fd00::1'], port: 8080 }]),
    metadata: { ...web, annotations: { note: 'mine' }, labels: { team: 'b' } },
  });
  await client.create(serviceKind, { ...serviceOf(), spec: plain });
  await holds(async () => assert.equal((await mirrored()).length, 2));
  const [slice] = await mirrored();
  assert.deepEqual(slice?.metadata.labels, {
    team: 'b',
    'kubernetes.io/service-name': 'web',
    'endpointslice.kubernetes.io/managed-by': 'endpointslicemirroring-controller.k8s.io',
  });
  assert.deepEqual(slice.metadata.annotations, { note: 'mine' });
  assert.equal(slice.metadata.ownerReferences?.[0]?.kind, 'Endpoints');
  const skip = (value: string | null): Promise<unknown> => {
    const labels = { 'endpointslice.kubernetes.io/skip-mirror': value };
    return client.patch(endpointsKind, web, { metadata: { labels } });
  };
  await skip('true');
  await holds(async () => assert.deepEqual(await mirrored(), []));
  await skip(null);
  await holds(async () => assert.equal((await mirrored()).length, 2));
  const leader = { 'control-plane.alpha.kubernetes.io/leader': '{}' };
  await client.patch(endpointsKind, web, { metadata: { annotations: leader } });
  await holds(async () => assert.deepEqual(await mirrored(), []));
  assert.deepEqual((await client.get(endpointsKind, web)).metadata.annotations?.['note'], 'mine');
});

test('a subset of more than 1,000 addresses is cut, and an Event says so', async (t) => {
  const client = await start(t);
  const { selector: _selector, ...plain } = serviceOf().spec ?? {};
  await client.create(serviceKind, { ...serviceOf(), spec: plain });
  const ready = Array.from({ length: 1_003 }, (_, n) => `10.8.${n >> 8}.${n & 255}`);
  await client.create(endpointsKind, endpointsOf([{ ready, notReady: ['wrong'], port: 1 }]));
  await holds(async () => {
    const { items } = await client.list(endpointSliceKind);
    assert.deepEqual(
      items.map(({ endpoints }) => endpoints?.length),
      [1_000],
    );
    const events = (await client.list(eventKind)).items;
    assert.deepEqual(
      events.map(({ reason = '' }) => reason).toSorted((a, b) => (a < b ? -1 : 1)),
      ['InvalidIPAddress', 'TooManyAddressesToMirror'],
    );
  });
});
