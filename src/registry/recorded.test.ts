/** The registry's answers held against what a real API server (Kubernetes 1.36) answered to the same requests. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ApiError, endpointSliceKind, serviceKind, type Service } from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createRegistry } from './registry.ts';

interface Recorded {
  readonly step: string;
  readonly kind: string;
  readonly namespace: string;
  readonly request: { readonly metadata: object };
  readonly reason?: string;
  readonly message?: string;
  readonly causes?: readonly unknown[];
  readonly response?: unknown;
}

const file = new URL('./testdata/kubernetes-1.36.json', import.meta.url);
const recorded = JSON.parse(readFileSync(file, 'utf8')) as readonly Recorded[];

for (const answer of recorded) {
  test(`${answer.kind}: ${answer.step}`, async () => {
    let uids = 0;
    const store = createMemoryStore({
      clock: createFakeClock(),
      newUid: () => `uid-${uids++}`,
    });
    const registry = createRegistry({
      store,
      random: () => 0.5,
      serviceRange: parseCidr('10.96.0.0/12')!,
      allowLoopbackEndpoints: false,
    });
    await registry.create(serviceKind, sample('web', 'default') as Service);
    const kind = answer.kind === 'Service' ? serviceKind : endpointSliceKind;
    // The recordings were made in a Namespace called shop.
    const namespace = answer.namespace === 'shop' ? 'default' : answer.namespace;
    const body = { ...answer.request, metadata: { ...answer.request.metadata, namespace } };
    const making = registry.create<Service>(kind as typeof serviceKind, body as Service);
    if (answer.reason === undefined) {
      assert.deepEqual(comparable(await making), comparable(answer.response));
      return;
    }
    await assert.rejects(making, (thrown) => {
      assert.ok(thrown instanceof ApiError);
      assert.equal(thrown.message, answer.message);
      assert.equal(thrown.code, answer.reason);
      assert.deepEqual(thrown.causes, answer.causes ?? []);
      return true;
    });
  });
}

test('the recordings are all there', () => assert.equal(recorded.length, 39));

function sample(name: string, namespace: string): unknown {
  return { metadata: { name, namespace }, spec: { ports: [{ port: 80 }] } };
}

/** Without what differs from run to run: addresses, node ports, times. */
function comparable(object: unknown): unknown {
  const text = JSON.stringify(object, (key, value: unknown) => {
    if (['uid', 'creationTimestamp', 'resourceVersion', 'generation', 'namespace'].includes(key)) {
      return undefined;
    }
    if (key === 'nodePort' || key === 'healthCheckNodePort') return 'PORT';
    if (typeof value === 'string' && value.startsWith('10.')) return 'ADDRESS';
    return value;
  });
  return JSON.parse(text);
}
