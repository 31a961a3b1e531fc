/**
 * What the machine's kernel is made to be short of, as no test may do to the kernel of its host: room for connections,
 * and modules. What came of it is told in words for the test.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import {
  clusterIp,
  testEndpoint,
  testNode,
  testServer,
} from '../../src/drivers/conformance/builders.ts';
import { nextSourcePort } from '../../src/drivers/conformance/flows.ts';
import { backendPort, podsOf } from '../../src/drivers/conformance/table-cases.ts';
import { runIn } from '../../src/drivers/conformance/namespace-tools.ts';
import { layTableWorld } from '../../src/drivers/conformance/table-world.ts';
import { createNftablesDriver } from '../../src/drivers/nftables/index.ts';
import { placeOf } from '../../src/model/case-addresses.suite.ts';
import { emptyPlan, messageOf, nextPlan, type Driver, type Plan } from '../../src/model/index.ts';
import { silentLogger } from '../../src/obs/index.ts';
import { systemClock } from '../../src/sys/index.ts';
import type { SctpSockets } from './sctp-sockets.ts';

export interface Shortages {
  /** What connections met: before it was full, while it was, and when there was room again. */
  readonly full: { readonly before: string; readonly during: string; readonly after: string };
  /** Whether a Plan was applied while it was full. */
  readonly appliedWhileFull: boolean;
  /** By the module that was taken away: what the probe says is lacking, what a commit says, and whether a table is left. */
  readonly without: Readonly<Record<string, Lack>>;
}

export interface Lack {
  readonly missing: readonly { readonly what: string; readonly remedy: string }[];
  readonly refused: string;
  readonly tables: string;
}

const services = ['10.96.200.1', '10.96.200.2'] as const;
const room = '/proc/sys/net/netfilter/nf_conntrack_max';
/** An INIT that is dropped is sent again after 3 s: by then it is dropped once more. */
const silenceMs = 5_000;
const answerMs = 60_000;

export async function beShort(sockets: SctpSockets, busybox: string): Promise<Shortages> {
  const names = layTableWorld();
  const pathOf = (spot: keyof typeof names): string => `/run/netns/${names[spot]}`;
  const make = (): Driver =>
    createNftablesDriver({
      clock: systemClock,
      random: () => 0,
      log: silentLogger,
      namespace: pathOf('node'),
      atStop: 'remove',
    });
  const [pod = ''] = podsOf('pods', 'IPv4');
  const listener = sockets.inNamespace(pathOf('pods'), () =>
    sockets.listen({ address: pod, port: backendPort }),
  );
  const meet = async (address: string, patienceMs: number): Promise<string> => {
    const source = { address: placeOf('client', 'IPv4'), port: nextSourcePort() };
    const fd = sockets.inNamespace(pathOf('outside'), () =>
      sockets.connect(source, { address, port: 80 }),
    );
    const start = performance.now();
    while (performance.now() - start < patienceMs) {
      sockets.answer(listener, pod);
      const met = sockets.met(fd);
      if (met !== undefined) return met.replace(/@.*/, '');
      await setTimeout(20);
    }
    sockets.close(fd);
    return 'silent';
  };
  const driver = make();
  const one = planWith(services.slice(0, 1), pod);
  await apply(driver, one);
  const before = await meet(services[0], answerMs);
  // The one that was made is not given up for another.
  writeFileSync(room, '1');
  const during = await meet(services[0], silenceMs);
  const two = nextPlan(one, { set: serversAt(services, pod), remove: [] });
  const appliedWhileFull = two !== undefined && (await tried(driver, two.plan)) === 'applied';
  writeFileSync(room, '100000');
  const after = await meet(services[1], answerMs);
  await driver.stop(AbortSignal.abort());
  const without: Record<string, Lack> = {};
  // The first stays away as well; the second is wanted before it.
  for (const module of ['nft_hash', 'nft_masq']) {
    execFileSync(busybox, ['rmmod', module]);
    const lacking = make();
    const missing = await lacking.probe();
    const refused = await tried(lacking, one);
    await lacking.stop(AbortSignal.abort());
    const tables = runIn(names.node, 'nft', 'list', 'tables');
    without[module] = { missing, refused, tables };
  }
  return { full: { before, during, after }, appliedWhileFull, without };
}

const serversAt = (addresses: readonly string[], pod: string): ReturnType<typeof testServer>[] =>
  addresses.map((address, i) =>
    testServer([clusterIp({ address, port: 80 })], {
      name: `short-${i}`,
      protocol: 'SCTP',
      scheduler: 'sh',
      endpoints: [testEndpoint({ address: pod, port: backendPort })],
    }),
  );

function planWith(addresses: readonly string[], pod: string): Plan {
  const plan = emptyPlan(testNode());
  return nextPlan(plan, { set: serversAt(addresses, pod), remove: [] })?.plan ?? plan;
}

async function apply(driver: Driver, plan: Plan): Promise<void> {
  await driver.apply(plan, undefined, AbortSignal.timeout(60_000));
}

async function tried(driver: Driver, plan: Plan): Promise<string> {
  try {
    await apply(driver, plan);
    return 'applied';
  } catch (error) {
    return messageOf(error);
  }
}
