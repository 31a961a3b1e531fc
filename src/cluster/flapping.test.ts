/** An API that cuts, lies, refuses and forgets: what is forwarded is only ever what was true, and in the end what is. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ScriptedApi, type Fault } from '../../test/support/scripted-api.ts';
import { endpointSliceKind, labels, nodeKind, podKind, serviceKind } from '../kube/index.ts';
import { systemClock } from '../sys/index.ts';
import {
  accessTo,
  createTestProxy,
  forwarded,
  hurriedClock,
  testService,
  testSlice,
} from './testing.ts';

const services = 12;
const changes = 250;

/** Repeatable chance. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

async function until(holds: () => boolean, what: () => string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, what());
    await systemClock.sleep(5);
  }
}

interface Flapping {
  isBad: boolean;
  token: string;
}

function faultFor(random: () => number): Fault | undefined {
  const at = random();
  if (at < 0.12) return { kind: 'status', code: 429, retryAfter: 1 };
  if (at < 0.2) return { kind: 'status', code: 503, retryAfter: 0 };
  if (at < 0.3) return { kind: 'status', code: 500 };
  if (at < 0.36) return { kind: 'status', code: 410 };
  if (at < 0.46) return { kind: 'cut' };
  if (at < 0.53) return { kind: 'garbage' };
  return at < 0.6 ? { kind: 'truncated' } : undefined;
}

async function scripted(
  t: TestContext,
  flapping: Flapping,
  { random, streams = false }: { readonly random: () => number; readonly streams?: boolean },
): Promise<ScriptedApi> {
  const api = new ScriptedApi({
    streams,
    history: 20,
    faultOf: ({ authorization }) => {
      if (authorization !== `Bearer ${flapping.token}`) return { kind: 'status', code: 401 };
      return flapping.isBad ? faultFor(random) : undefined;
    },
  });
  await api.start();
  t.after(() => api.stop());
  return api;
}

for (const [seed, streams] of [
  [1, false],
  [2, true],
  [3, false],
  [4, true],
] as const) {
  const lists = streams ? 'lists streamed' : 'lists by pages';
  test(`forwarding changes only truly, and converges (seed ${seed}, ${lists})`, async (t) => {
    const random = chance(seed);
    const flapping: Flapping = { isBad: false, token: 'first' };
    const api = await scripted(t, flapping, { random, streams });
    const history = new Map<string, string[]>();
    const remember = (i: number, numbers: readonly number[]): void => {
      const slice = testSlice(i, labels.serviceName, numbers);
      const endpoints = (slice.endpoints ?? []).map(({ addresses }) => `${addresses[0]}:8080`);
      const states = history.get(`default/s${i}`) ?? [];
      history.set(`default/s${i}`, [...states, JSON.stringify(endpoints.toSorted())]);
      api.set(endpointSliceKind, slice);
    };
    api.set(nodeKind, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } });
    for (let i = 0; i < services; i++) {
      api.set(serviceKind, testService(i));
      remember(i, [i * 10]);
    }
    const seen = new Map<string, string[]>();
    const proxy = createTestProxy({
      access: accessTo(api.url, () => flapping.token),
      clock: hurriedClock(100),
      random,
      pageSize: 5,
      applied: (plan) => {
        for (const [name, endpoints] of Object.entries(forwarded(plan))) {
          const states = seen.get(name) ?? [];
          const state = JSON.stringify(endpoints.toSorted());
          if (states.at(-1) !== state) seen.set(name, [...states, state]);
        }
        // No Service may ever be missing: none was deleted.
        assert.equal(plan.servers.size, services);
      },
    });
    await proxy.start();
    t.after(() => proxy.stop());
    flapping.isBad = true;
    for (let n = 0; n < changes; n++) {
      const i = Math.floor(random() * services);
      const count = 1 + Math.floor(random() * 4);
      remember(
        i,
        Array.from({ length: count }, (_, k) => n * 8 + k),
      );
      if (n % 9 === 0) api.cut(() => faultFor(random) ?? { kind: 'cut' });
      if (n === changes / 2) flapping.token = 'second';
      await systemClock.sleep(4);
    }
    flapping.isBad = false;
    const wanted = Object.fromEntries([...history].map(([name, states]) => [name, states.at(-1)]));
    const now = (): Record<string, string> =>
      Object.fromEntries(
        Object.entries(forwarded(proxy.planner.applied().plan)).map(([name, endpoints]) => [
          name,
          JSON.stringify(endpoints.toSorted()),
        ]),
      );
    const isTrue = (): boolean =>
      Object.entries(wanted).every(([name, state]) => now()[name] === state);
    await until(isTrue, () => `not converged: ${JSON.stringify([now(), wanted])}`);
    for (const [name, states] of seen) {
      // Each state seen was true once, and they come in the order in which they were.
      let at = 0;
      for (const state of states) {
        const found = (history.get(name) ?? []).indexOf(state, at);
        assert.ok(found >= at, `${name} was never ${state} after ${at}`);
        at = found + 1;
      }
    }
    assert.ok(api.requests.length > 50);
  });
}

test("what is asked is kube-proxy's selection, and of Pods only the metadata of those that weigh", async (t) => {
  const api = await scripted(t, { isBad: false, token: 'token' }, { random: chance(1) });
  api.set(nodeKind, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } });
  const proxy = createTestProxy({ access: accessTo(api.url), applied: () => undefined });
  await proxy.start();
  t.after(() => proxy.stop());
  const lists = api.requests.filter(({ verb }) => verb === 'list');
  const asked = Object.fromEntries(lists.map(({ kind, selectors }) => [kind.plural, selectors]));
  assert.deepEqual(asked, {
    services: { label: `!${labels.serviceProxyName}`, field: 'spec.clusterIP!=None' },
    endpointslices: { label: `!${labels.headless}`, field: '' },
    pods: { label: 'switchyard.dev/weight', field: '' },
    nodes: { label: '', field: 'metadata.name=node-a' },
    servicecidrs: { label: '', field: '' },
  });
  const pods = lists.find(({ kind }) => kind === podKind);
  assert.match(pods?.accept ?? '', /as=PartialObjectMetadataList/);
});
