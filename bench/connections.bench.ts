/**
 * What the nftables driver costs a connection: a new one, and a request over one that stays, through a Service and to
 * its Pods directly, from outside the node and from the node itself, with 10 Services and with 10,000. One at a time
 * and in turn, so that both meet the same weather. `npm run bench -- connections [ROUNDS]`; needs root and network namespaces.
 */
import type {
  ClientAnswer,
  ClientRequest,
  Target,
} from '../src/drivers/nftables/lab-client.suite.ts';
import {
  openLab,
  podAddress,
  podPort,
  programs,
  type Lab,
  type Program,
} from '../src/drivers/nftables/lab.suite.ts';
import { testEndpoint, testNode, testServer } from '../src/drivers/conformance/builders.ts';
import { createNftablesDriver } from '../src/drivers/nftables/index.ts';
import { emptyPlan, nextPlan } from '../src/model/index.ts';
import { silentLogger } from '../src/obs/index.ts';
import { systemClock } from '../src/sys/index.ts';

const podsEach = 10;
const forMs = 400;
const sizes = [10, 10_000] as const;
const whats = ['connections', 'requests'] as const;
const places = ['outside', 'node'] as const;

type Client = Program<ClientRequest, ClientAnswer>;

interface World {
  readonly services: number;
  readonly lab: Lab;
  readonly clients: Readonly<Record<(typeof places)[number], Client>>;
  readonly service: readonly Target[];
}

const direct: readonly Target[] = Array.from({ length: podsEach }, (_, i) => ({
  address: podAddress(i),
  port: podPort,
}));

export async function run(args: readonly string[]): Promise<void> {
  const rounds = Number(args[0] ?? 15);
  const worlds = await Promise.all(sizes.map(openWorld));
  try {
    const shares = new Map<string, number[]>();
    for (let round = 0; round <= rounds; round++) {
      for (const what of whats) {
        for (const place of places) {
          for (const world of round % 2 === 0 ? worlds : worlds.toReversed()) {
            const share = await measureShare(world.clients[place], what, world.service);
            const key = `${what} from ${place}, ${world.services} Services`;
            // The first round warms up.
            if (round > 0) shares.set(key, [...(shares.get(key) ?? []), share]);
          }
        }
      }
    }
    for (const [key, all] of shares) {
      const [low, middle, high] = [0.25, 0.5, 0.75].map((at) => quantile(all, at).toFixed(3));
      console.log(`${key.padEnd(44)} ${middle} of direct (${low} to ${high})`);
    }
    const said = places.flatMap((place) =>
      whats.map((what) => {
        const [few, many] = sizes.map((size) =>
          quantile(shares.get(`${what} from ${place}, ${size} Services`) ?? [], 0.5),
        );
        return `${what} from ${place} ${((many ?? 0) / (few ?? 1)).toFixed(3)}`;
      }),
    );
    console.log(`ratios: 10,000 Services to 10: ${said.join(', ')}`);
  } finally {
    await Promise.all(worlds.map(({ lab }) => lab.close()));
  }
}

async function openWorld(services: number): Promise<World> {
  const lab = await openLab();
  await lab.start('pods', programs.backends);
  const driver = createNftablesDriver({
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    namespace: lab.namespace,
    atStop: 'leave',
  });
  const endpoints = direct.map((place) => testEndpoint(place));
  const set = Array.from({ length: services }, (_, i) =>
    testServer([{ kind: 'clusterIP', address: `10.96.${i >> 8}.${i & 255}`, port: 80 }], {
      name: `web-${i}`,
      endpoints,
    }),
  );
  const plan = nextPlan(emptyPlan(testNode()), { set, remove: [] })?.plan;
  if (plan === undefined) throw new Error('the Plan is empty');
  const { signal } = new AbortController();
  await driver.apply(plan, undefined, signal);
  await driver.stop(signal);
  // Ten Services, spread over all.
  const service = Array.from({ length: podsEach }, (_, i) => {
    const n = Math.floor((i * services) / podsEach);
    return { address: `10.96.${n >> 8}.${n & 255}`, port: 80 };
  });
  const clients = {
    outside: await lab.start<ClientRequest, ClientAnswer>('outside', programs.client),
    node: await lab.start<ClientRequest, ClientAnswer>('node', programs.client),
  };
  return { services, lab, clients, service };
}

/** What a direct one takes, as a share of what one through the Service takes. */
async function measureShare(
  client: Client,
  what: (typeof whats)[number],
  service: readonly Target[],
): Promise<number> {
  const measured = Promise.withResolvers<number>();
  client.onAnswer((answer) => {
    if (answer.kind !== 'measured') return;
    const { direct: plain, service: balanced } = answer.timesMs;
    measured.resolve(quantile(plain, 0.5) / quantile(balanced, 0.5));
  });
  client.tell({ do: 'measure', what, sides: { direct, service }, forMs });
  return await measured.promise;
}

function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? 0;
}
