/** Slices hold exactly what a naive model says, and a change of one Pod costs one write at most. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import type { EndpointSlice, Pod, Service } from '../kube/index.ts';
import { desiredGroups } from './desired-endpoints.ts';
import { planSlices } from './plan-slices.ts';
import { ownerOfPods } from './slice-owner.ts';

const service: Service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 'web', uid: 'service', labels: { team: 'a' } },
  spec: { selector: { app: 'web' }, ports: [{ name: 'http', port: 80, targetPort: 'http' }] },
};

interface PodState {
  readonly ready: boolean;
  readonly leaving: boolean;
  readonly port: number;
}

function podOf(n: number, { ready, leaving, port }: PodState): Pod {
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      namespace: 'default',
      name: `p-${n}`,
      uid: `uid-${n}`,
      ...(leaving ? { deletionTimestamp: '2026-11-22T00:00:00Z' } : {}),
    },
    spec: {
      nodeName: `n-${n % 3}`,
      containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }],
    },
    status: {
      phase: 'Running',
      podIP: `10.0.${n >> 8}.${n & 255}`,
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
}

class Model {
  readonly pods = new Map<number, Pod>();
  slices: readonly EndpointSlice[] = [];

  /** Plans, carries out, and returns how many writes that took. */
  sync(of: Service = service): number {
    const groups = desiredGroups(of, [...this.pods.values()], {
      family: 'IPv4',
      zoneOf: (node) => (node === 'n-0' ? undefined : `zone-${node}`),
    });
    const existing = this.slices;
    const { create, update, remove } = planSlices(ownerOfPods(of), groups, {
      family: 'IPv4',
      existing,
    });
    const byName = new Map(existing.map((slice) => [slice.metadata.name, slice]));
    for (const slice of remove) byName.delete(slice.metadata.name);
    for (const slice of create) assert.ok(!byName.has(slice.metadata.name), 'a name twice');
    for (const slice of [...create, ...update]) byName.set(slice.metadata.name, slice);
    this.slices = [...byName.values()];
    return create.length + update.length + remove.length;
  }

  check(): void {
    const said = this.slices.flatMap((slice) =>
      (slice.endpoints ?? []).map(
        (e) => `${e.targetRef?.name} ${slice.ports?.[0]?.port} ${JSON.stringify(e.conditions)}`,
      ),
    );
    const expected = [...this.pods.values()].map((pod) => {
      const serving = pod.status?.conditions?.[0]?.status === 'True';
      const terminating = pod.metadata.deletionTimestamp !== undefined;
      const conditions = { ready: serving && !terminating, serving, terminating };
      const port = pod.spec?.containers?.[0]?.ports?.[0]?.containerPort;
      return `${pod.metadata.name} ${port} ${JSON.stringify(conditions)}`;
    });
    const order = (a: string, b: string): number => (a < b ? -1 : 1);
    assert.deepEqual(said.toSorted(order), expected.toSorted(order));
    for (const slice of this.slices) assert.ok((slice.endpoints ?? []).length <= 100);
    assert.ok(this.slices.length >= 1, 'a Service without endpoints has a slice that says so');
    assert.equal(this.sync(), 0, 'settled: nothing more to write');
  }
}

const state = fc.record({ ready: fc.boolean(), leaving: fc.boolean(), port: fc.constant(8080) });
const change = fc.record({
  pod: fc.integer({ min: 0, max: 260 }),
  state: fc.option(state, { nil: undefined }),
});

test('random changes of one Pod each: the slices are right, and one write is enough', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 260 }),
      fc.array(change, { minLength: 1, maxLength: 40 }),
      (first, changes) => {
        const model = new Model();
        for (let n = 0; n < first; n++) {
          model.pods.set(n, podOf(n, { ready: true, leaving: false, port: 8080 }));
        }
        model.sync();
        assert.equal(model.slices.length, Math.max(1, Math.ceil(first / 100)));
        for (const { pod, state: next } of changes) {
          if (next === undefined) model.pods.delete(pod);
          else model.pods.set(pod, podOf(pod, next));
          assert.ok(model.sync() <= 1, 'more than one write for one change');
          model.check();
        }
      },
    ),
    { numRuns: 150 },
  );
});

test('random bursts, ports that differ from Pod to Pod included: the slices are right', () => {
  const anyState = fc.record({
    ready: fc.boolean(),
    leaving: fc.boolean(),
    port: fc.constantFrom(8080, 8081),
  });
  const burst = fc.array(
    fc.record({
      pod: fc.integer({ min: 0, max: 150 }),
      state: fc.option(anyState, { nil: undefined }),
    }),
    { maxLength: 120 },
  );
  fc.assert(
    fc.property(fc.array(burst, { maxLength: 5 }), (bursts) => {
      const model = new Model();
      for (const changes of bursts) {
        for (const { pod, state: next } of changes) {
          if (next === undefined) model.pods.delete(pod);
          else model.pods.set(pod, podOf(pod, next));
        }
        model.sync();
        model.check();
      }
    }),
    { numRuns: 100 },
  );
});

test('one Pod among 250 changes one of three slices; the others keep their version', () => {
  const model = new Model();
  for (let n = 0; n < 250; n++) {
    model.pods.set(n, podOf(n, { ready: true, leaving: false, port: 8080 }));
  }
  model.sync();
  const before = model.slices;
  model.pods.set(7, podOf(7, { ready: true, leaving: true, port: 8080 }));
  assert.equal(model.sync(), 1);
  assert.equal(model.slices.filter((slice) => !before.includes(slice)).length, 1);
});

test('zone, hints for near endpoints, published ones that are not ready, and the port of an address', () => {
  const model = new Model();
  model.pods.set(1, podOf(1, { ready: false, leaving: false, port: 8080 }));
  const near: Service = {
    ...service,
    spec: {
      ...service.spec,
      trafficDistribution: 'PreferSameNode',
      publishNotReadyAddresses: true,
    },
  };
  model.sync(near);
  const [endpoint] = model.slices[0]?.endpoints ?? [];
  assert.equal(endpoint?.zone, 'zone-n-1');
  assert.deepEqual(endpoint?.hints, {
    forZones: [{ name: 'zone-n-1' }],
    forNodes: [{ name: 'n-1' }],
  });
  assert.deepEqual(endpoint?.conditions, { ready: true, serving: false, terminating: false });
  assert.equal(model.slices[0]?.metadata.labels?.['team'], 'a');
  const pod = podOf(1, { ready: true, leaving: false, port: 8080 });
  const annotated = { 'switchyard.dev/address': '127.0.0.1:9999' };
  model.pods.set(1, { ...pod, metadata: { ...pod.metadata, annotations: annotated } });
  model.sync(near);
  assert.equal(model.slices[0]?.ports?.[0]?.port, 9999);
});
