/**
 * The decision table on real sockets, in a network namespace where every address is local: the driver, clients and
 * backends with the very addresses of the table. Prints what the flows of each case met.
 */
import process from 'node:process';
import type { IpFamily } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import { createEngine, createPortableUdp } from '../../sys/net/index.ts';
import { carryFlows } from '../conformance/flows.ts';
import { startBackend } from '../conformance/peers.ts';
import { backendPort, podsOf, tableGroups, type CaseGroup } from '../conformance/table-cases.ts';
import { expectationOf, orderOf, tally } from '../conformance/table-expectation.ts';
import { startUdpBackend } from '../conformance/udp-peers.ts';
import { whyNotOnSockets } from './conformance-skips.suite.ts';
import { createUserspaceDriver } from './index.ts';

const families: readonly IpFamily[] = ['IPv4', 'IPv6'];
const pods = families.flatMap((family) => [...podsOf('pods', family), ...podsOf('there', family)]);
for (const address of pods) {
  await startBackend(address, { address, port: backendPort });
  await startUdpBackend(address, { address, port: backendPort });
}
const prefer = process.argv[2] === 'epoll' ? 'epoll' : 'portable';
for (const group of tableGroups()) await runGroup(group);
process.exit(0);

async function runGroup({ title, plan, cases }: CaseGroup): Promise<void> {
  const { engine } = await createEngine({ prefer });
  const driver = createUserspaceDriver({
    engine,
    udp: createPortableUdp(),
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
  });
  const own = cases.filter((one) => whyNotOnSockets(plan, one) === undefined);
  const { failures } = await driver.apply(plan, undefined, AbortSignal.timeout(60_000));
  for (const { server, code, message } of failures) {
    if (!server.includes('/SCTP/')) throw new Error(`${code} ${server}: ${message}`);
  }
  const orders = own.map((one) => {
    const expectation = expectationOf(plan, one);
    return orderOf(one, expectation);
  });
  const mets = await carryFlows(orders);
  for (const [i, one] of own.entries()) {
    const meets = tally(mets[i] ?? []);
    process.stdout.write(`${JSON.stringify({ title, of: one.title, meets })}\n`);
  }
  await driver.stop(AbortSignal.abort());
}
