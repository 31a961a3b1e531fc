/** The cases about who is chosen: schedulers, weights and affinity. */
import assert from 'node:assert/strict';
import {
  createSchedulerState,
  EndpointLoads,
  pick,
  type Endpoint,
  type SocketAddress,
} from '../../model/index.ts';
import { clusterIp, externalIp, testServer, type ServerOptions } from './builders.ts';
import type { Cases } from './cases.ts';
import type { Rig } from './rig.ts';

const clientIP = { affinity: { kind: 'clientIP', timeoutSeconds: 600 } } as const;

async function serve(rig: Rig, options: ServerOptions): Promise<SocketAddress> {
  const at = await rig.freePlace();
  await rig.apply(testServer([clusterIp(at)], options));
  return at;
}

async function names(rig: Rig, at: SocketAddress, count: number): Promise<readonly string[]> {
  const seen: string[] = [];
  for (let i = 0; i < count; i++) seen.push(await rig.nameAt(at));
  return seen;
}

async function weighted(rig: Rig, weights: Readonly<Record<string, number>>): Promise<Endpoint[]> {
  return await Promise.all(
    Object.entries(weights).map(([name, weight]) => rig.endpoint(name, { weight })),
  );
}

export const schedulingCases = {
  'wrr gives each endpoint exactly its weight, evenly mixed': async (rig) => {
    const endpoints = await weighted(rig, { a: 5, b: 3, c: 2 });
    const at = await serve(rig, { endpoints, scheduler: 'wrr' });
    await rig.expectShares(at, { a: 10, b: 6, c: 4 });
    const seen = await names(rig, at, 20);
    const runs = seen.join('').match(/a+|b+|c+/g) ?? [];
    assert.ok(runs.length > 10, `mixed, not in blocks: ${seen.join('')}`);
  },

  'rr does not mind weights, but for 0': async (rig) => {
    const endpoints = await weighted(rig, { a: 7, b: 1, none: 0 });
    const at = await serve(rig, { endpoints });
    await rig.expectShares(at, { a: 4, b: 4 });
  },

  'lc gives to the endpoint with the fewest open connections': async (rig) => {
    const endpoints = await rig.endpoints('a', 'b', 'c');
    const at = await serve(rig, { endpoints, scheduler: 'lc' });
    const held: string[] = [];
    for (let i = 0; i < 9; i++) held.push((await rig.hold(at)).name);
    assert.equal(held.toSorted((x, y) => (x < y ? -1 : 1)).join(''), 'aaabbbccc');
  },

  'random gives every endpoint its share, but for chance': async (rig) => {
    const endpoints = await rig.endpoints('a', 'b', 'c');
    const at = await serve(rig, { endpoints, scheduler: 'random' });
    const seen = await names(rig, at, 300);
    for (const name of ['a', 'b', 'c']) {
      const count = seen.filter((one) => one === name).length;
      // 100 with a deviation of 8.2: six of them are passed once in 500 million times.
      assert.ok(count > 50 && count < 150, `${name} ${count} of 300`);
    }
  },

  'sh sends every source where the specification does': hashCase('sh'),
  'dh sends every destination where the specification does': hashCase('dh'),
  'mh sends every source where the specification does, also when an endpoint has gone':
    hashCase('mh'),

  'ClientIP affinity keeps a client at its endpoint, over all frontends': async (rig) => {
    const [at, external] = [await rig.freePlace(), await rig.freePlace()];
    const endpoints = await rig.endpoints('a', 'b', 'c');
    await rig.apply(testServer([clusterIp(at), externalIp(external)], { endpoints, ...clientIP }));
    const first = await rig.nameAt(at);
    assert.deepEqual(
      await names(rig, at, 5),
      Array.from({ length: 5 }, () => first),
    );
    assert.equal(await rig.nameAt(external), first);
    const seen = await Promise.all(rig.world.sources.map((source) => rig.nameAt(at, { source })));
    assert.equal(new Set(seen).size, 3, 'other clients have endpoints of their own');
  },

  'ClientIP affinity moves when the endpoint goes, and stays there': async (rig) => {
    const endpoints = await rig.endpoints('a', 'b', 'c');
    const at = await serve(rig, { endpoints, ...clientIP });
    const first = await rig.nameAt(at);
    const left = endpoints.filter((endpoint) => rig.nameOf(endpoint) !== first);
    await rig.apply(testServer([clusterIp(at)], { endpoints: left, ...clientIP }));
    const second = await rig.nameAt(at);
    assert.notEqual(second, first);
    await rig.apply(testServer([clusterIp(at)], { endpoints, ...clientIP }));
    assert.deepEqual(
      await names(rig, at, 4),
      Array.from({ length: 4 }, () => second),
    );
  },

  'IPv6 is spread as IPv4 is': async (rig) => {
    const address = await rig.world.addressOf('IPv6');
    if (address === undefined) return 'this host does not have ::1';
    const endpoints = await Promise.all(
      ['a', 'b'].map((name) => rig.endpointAt(name, { address })),
    );
    const at = await rig.freePlace(address);
    await rig.apply(testServer([clusterIp(at)], { family: 'IPv6', endpoints }));
    await rig.expectShares(at, { a: 4, b: 4 });
    return undefined;
  },
} as const satisfies Cases;

/** Every source, to several frontends, goes where the specification's own `pick` sends it. */
function hashCase(scheduler: 'sh' | 'dh' | 'mh'): (rig: Rig) => Promise<void> {
  return async (rig) => {
    const endpoints = await rig.endpoints('a', 'b', 'c');
    const places = [await rig.freePlace(), ...(await frontendPlaces(rig, 6))];
    const [first = places[0], ...others] = places;
    assert.ok(first !== undefined);
    const frontends = [clusterIp(first), ...others.map(externalIp)];
    const check = async (pool: readonly Endpoint[]): Promise<void> => {
      await rig.apply(testServer(frontends, { endpoints: pool, scheduler }));
      const state = createSchedulerState(scheduler, pool, new EndpointLoads(), () => 0);
      for (const to of places) {
        const asked = rig.world.sources.map(async (source) => {
          const flow = { ...rig.flowTo(to), source };
          const index = pick(scheduler, state, pool, flow, 0, () => 0);
          const want = rig.nameOf(pool[index] ?? { address: '', port: 0 });
          assert.equal(await rig.nameAt(to, { source }), want, `${source} to ${to.address}`);
        });
        await Promise.all(asked);
      }
    };
    await check(endpoints);
    await check(endpoints.slice(1));
  };
}

async function frontendPlaces(rig: Rig, count: number): Promise<SocketAddress[]> {
  return await Promise.all(Array.from({ length: count }, () => rig.freePlace()));
}
