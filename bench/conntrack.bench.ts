/**
 * What following the kernel's table of connections costs the nftables driver, with 100,000 UDP flows in it: the
 * reconciling after everything may have changed, that after one Service has, and reading open counts and bytes.
 * `npm run bench -- conntrack [FLOWS]`; needs root and network namespaces.
 */
import { netlinkProtocols } from '../src/codec/netlink/index.ts';
import { testEndpoint, testNode, testServer } from '../src/drivers/conformance/builders.ts';
import { Conntrack, FlowCounters, reconcileUdp } from '../src/drivers/netfilter/index.ts';
import { createNftablesDriver } from '../src/drivers/nftables/index.ts';
import type {
  ClientAnswer,
  ClientRequest,
  Target,
} from '../src/drivers/nftables/lab-client.suite.ts';
import {
  openLab,
  outsideSources,
  podAddress,
  podPort,
  programs,
} from '../src/drivers/nftables/lab.suite.ts';
import { emptyPlan, nextPlan, type VirtualServer } from '../src/model/index.ts';
import { silentLogger } from '../src/obs/index.ts';
import { systemClock } from '../src/sys/index.ts';
import { loadNetlink } from '../src/sys/netlink/index.ts';

const services = 1_000;
const rounds = 9;

const targets: readonly Target[] = Array.from({ length: services }, (_, i) => ({
  address: `10.96.${i >> 8}.${i & 255}`,
  port: 53,
}));

function server(i: number, pods: number): VirtualServer {
  const endpoints = Array.from({ length: pods }, (_, n) =>
    testEndpoint({ address: podAddress(i + n), port: podPort }),
  );
  const at = targets[i] ?? { address: '', port: 0 };
  return testServer([{ kind: 'clusterIP', ...at }], { name: `n-${i}`, protocol: 'UDP', endpoints });
}

export async function run(args: readonly string[]): Promise<void> {
  const flows = Number(args[0] ?? 100_000);
  const lab = await openLab();
  try {
    // Flows that nobody answers are forgotten after half a minute otherwise.
    lab.inNode('sysctl', '-qw', 'net.netfilter.nf_conntrack_udp_timeout=600');
    lab.inNode('sysctl', '-qw', 'net.netfilter.nf_conntrack_acct=1');
    const driver = createNftablesDriver({
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
      namespace: lab.namespace,
      atStop: 'leave',
    });
    const set = targets.map((_, i) => server(i, 4));
    const first = nextPlan(emptyPlan(testNode()), { set, remove: [] });
    if (first === undefined) throw new Error('the Plan is empty');
    const { signal } = new AbortController();
    await driver.apply(first.plan, undefined, signal);
    const client = await lab.start<ClientRequest, ClientAnswer>('outside', programs.client);
    const sent = Promise.withResolvers<void>();
    client.onAnswer(() => sent.resolve());
    client.tell({ do: 'flows', targets, sources: outsideSources, count: flows });
    await sent.promise;
    const open = await loadNetlink();
    const { namespace } = lab;
    const socket = open({ protocol: netlinkProtocols.netfilter, groups: 0, namespace });
    const conntrack = new Conntrack(socket);
    const counters = new FlowCounters(conntrack, open, namespace);
    counters.follow(first.plan);
    let entries = 0;
    conntrack.scan({ family: 'IPv4', protocol: 'UDP' }, () => entries++);
    const next = nextPlan(first.plan, { set: [server(7, 5)], remove: [] });
    if (next === undefined) throw new Error('nothing changes');
    const { plan, delta } = next;
    console.log(`${entries.toLocaleString('en')} entries, ${services} UDP Services`);
    const whole = timed(() => reconcileUdp(conntrack, plan, { before: plan, delta: undefined }));
    const small = timed(() => reconcileUdp(conntrack, plan, { before: first.plan, delta }));
    const observed = timed(() => counters.observe());
    console.log(`all of them held against the Plan: ${whole.toFixed(1)} ms`);
    console.log(`after a change of one Service: ${small.toFixed(1)} ms`);
    console.log(`open counts and bytes: ${observed.toFixed(1)} ms`);
    const each = ((whole * 1_000) / entries).toFixed(2);
    console.log(`ratios: ${each} us an entry, one Service to all ${(small / whole).toFixed(3)}`);
    counters.close();
    socket.close();
    await driver.stop(signal);
  } finally {
    await lab.close();
  }
}

/** Milliseconds, the median of several. */
function timed(work: () => unknown): number {
  const times = Array.from({ length: rounds }, () => {
    const from = performance.now();
    work();
    return performance.now() - from;
  });
  return times.toSorted((a, b) => a - b)[rounds >> 1] ?? 0;
}
