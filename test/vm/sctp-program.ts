/** What the machine runs: every sentence of the decision table that is about SCTP, as packets; then what it is short of. */
import process from 'node:process';
import { setTimeout } from 'node:timers/promises';
import { nextSourcePort } from '../../src/drivers/conformance/flows.ts';
import {
  backendPort,
  localPodRanges,
  podsOf,
  tableGroups,
  type CaseGroup,
  type TableCase,
} from '../../src/drivers/conformance/table-cases.ts';
import { expectationOf } from '../../src/drivers/conformance/table-expectation.ts';
import { layTableWorld, ownIn } from '../../src/drivers/conformance/table-world.ts';
import { createNftablesDriver } from '../../src/drivers/nftables/index.ts';
import { parseCidr, type IpFamily } from '../../src/model/index.ts';
import { silentLogger } from '../../src/obs/index.ts';
import { systemClock } from '../../src/sys/index.ts';
import { openSctp, type SctpSockets } from './sctp-sockets.ts';
import { beShort } from './shortages.ts';

/** An association that is turned away is tried again after 3 s: silence lasts longer. */
const silenceMs = 5_000;
const answerMs = 120_000;
const lookEveryMs = 20;
const families: readonly IpFamily[] = ['IPv4', 'IPv6'];

interface Run {
  readonly one: TableCase;
  readonly pending: Set<number>;
  readonly meets: Record<string, number>;
  readonly patienceMs: number;
}

const names = layTableWorld();
const pathOf = (spot: keyof typeof names): string => `/run/netns/${names[spot]}`;
const sockets = await openSctp();
const listeners = new Map<number, string>();
for (const spot of ['pods', 'there'] as const) {
  sockets.inNamespace(pathOf(spot), () => {
    for (const address of families.flatMap((family) => podsOf(spot, family))) {
      listeners.set(sockets.listen({ address, port: backendPort }), address);
    }
  });
}
for (const group of tableGroups()) await runGroup(group);
const [, , busybox = ''] = process.argv;
process.stdout.write(`${JSON.stringify({ shortages: await beShort(sockets, busybox) })}\n`);
process.exit(0);

async function runGroup({ title, plan, cases }: CaseGroup): Promise<void> {
  const driver = createNftablesDriver({
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    namespace: pathOf('node'),
    atStop: 'remove',
    localPods: { by: 'address', ranges: localPodRanges.flatMap((text) => parseCidr(text) ?? []) },
  });
  const own = cases
    .filter((one) => one.flow.protocol === 'SCTP' && one.cannot === undefined)
    .map((one) => ({ one, expectation: expectationOf(plan, one) }));
  ownIn(names, [...new Set(cases.flatMap(({ ownAddress }) => ownAddress ?? []))]);
  await driver.apply(plan, undefined, AbortSignal.timeout(60_000));
  const runs = own.map(({ one, expectation: { meets, count } }): Run => {
    const patienceMs = 'silent' in meets ? silenceMs : answerMs;
    return { one, pending: begin(sockets, one, count), meets: {}, patienceMs };
  });
  const start = performance.now();
  while (runs.some(({ pending }) => pending.size > 0)) {
    for (const [listener, address] of listeners) sockets.answer(listener, address);
    for (const run of runs) look(run, performance.now() - start);
    await setTimeout(lookEveryMs);
  }
  for (const { one, meets } of runs)
    process.stdout.write(`${JSON.stringify({ title, of: one.title, meets })}\n`);
  await driver.stop(AbortSignal.abort());
}

function begin(all: SctpSockets, { flow, from }: TableCase, count: number): Set<number> {
  if (from === 'nowhere') throw new Error('Nobody comes from nowhere');
  const to = { address: flow.destination, port: flow.destinationPort };
  return all.inNamespace(pathOf(from), () => {
    const opened = new Set<number>();
    for (let i = 0; i < count; i++) {
      opened.add(all.connect({ address: flow.source, port: nextSourcePort() }, to));
    }
    return opened;
  });
}

function look({ pending, meets, patienceMs }: Run, elapsedMs: number): void {
  for (const fd of pending) {
    const met = sockets.met(fd) ?? (elapsedMs > patienceMs ? 'silent' : undefined);
    if (met === undefined) continue;
    meets[met] = (meets[met] ?? 0) + 1;
    pending.delete(fd);
    sockets.close(fd);
  }
}
