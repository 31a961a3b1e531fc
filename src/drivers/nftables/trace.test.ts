/**
 * Every sentence of the decision table over the rules that are rendered for it, without a kernel: SCTP, and what no
 * packet can have, included. A case that fails says which rule did what.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { RuleSpec } from '../../codec/nftables/index.ts';
import { nextPlan, parseCidr, type Cidr, type Plan } from '../../model/index.ts';
import {
  cableAddress,
  localPodRanges,
  tableGroups,
  type TableCase,
} from '../conformance/table-cases.ts';
import { expectationOf } from '../conformance/table-expectation.ts';
import { needsWhole, stageDelta, stageWhole } from './apply.ts';
import { detectionIn, type LocalPods } from './local-pods.ts';
import { tracedFlow } from './trace-case.suite.ts';
import { tracePacket, type Traced } from './trace-packet.suite.ts';
import type { Circumstances } from './trace-rules.suite.ts';
import { TracedTables } from './trace-tables.suite.ts';

const ranges = localPodRanges.flatMap((text) => parseCidr(text) ?? []);
const detections: Readonly<Record<string, LocalPods>> = {
  'by address': { by: 'address', ranges },
  'by the ranges of the node': { by: 'node' },
  'by interface': { by: 'interface', name: 'pods' },
  'by the beginning of an interface': { by: 'interface-prefix', prefix: 'po' },
};
const random = (): number => 0.5;

for (const [how, localPods] of Object.entries(detections)) {
  for (const { title, plan, cases } of tableGroups()) {
    describe(`${title}, ${how}`, () => {
      const node = { ...plan.node, podRanges: ranges };
      const whole = stageWhole({ ...plan, node }, { random, localPods });
      const tables = new TracedTables();
      tables.commit(whole.batch.finish());
      checkAll(tables, plan, cases);
    });
  }
}

for (const { title, plan, cases } of tableGroups()) {
  const localPods: LocalPods = { by: 'address', ranges };
  describe(`${title}, after many changes`, () => {
    checkAll(changed(plan, localPods), plan, cases);
  });
}

/** Thirds of the Services come, go and come back, one commit each. */
function changed(plan: Plan, localPods: LocalPods): TracedTables {
  const tables = new TracedTables();
  const all = [...plan.servers].map(([, server]) => server);
  const third = (n: number) => all.filter((_, i) => i % 3 === n);
  const ids = (n: number) => third(n).map(({ id }) => id);
  const steps = [
    { set: third(1), remove: [] },
    { set: third(2), remove: ids(0) },
    { set: [], remove: ids(1) },
    { set: third(0), remove: [] },
    { set: third(1), remove: [] },
  ];
  let now =
    nextPlan({ ...plan, revision: 0 }, { set: [], remove: [...ids(1), ...ids(2)] })?.plan ?? plan;
  const first = stageWhole(now, { random, localPods });
  tables.commit(first.batch.finish());
  let standing = first.settle();
  for (const step of steps) {
    const next = nextPlan(now, step);
    if (next === undefined) continue;
    const staged = stageDelta(standing, next.plan, { delta: next.delta, localPods });
    tables.commit(staged.batch.finish());
    standing = staged.settle();
    now = next.plan;
  }
  assert.equal(now.servers.size, plan.servers.size);
  return tables;
}

function checkAll(tables: TracedTables, plan: Plan, cases: readonly TableCase[]): void {
  const around = { nowMs: 0, random, turns: new WeakMap<RuleSpec, number>() };
  for (const mark of [0, 0x5a]) {
    test(mark === 0 ? 'every case' : 'every case, with a mark of somebody else', () => {
      assert.ok(cases.length > 0);
      for (const one of cases) check(one, { tables, plan, around, mark });
    });
  }
}

interface Ground {
  readonly tables: TracedTables;
  readonly plan: Plan;
  readonly around: Omit<Circumstances, 'steps'>;
  readonly mark: number;
}

function check(one: TableCase, { tables, plan, around, mark }: Ground): void {
  if (one.cannot !== undefined) return;
  const { meets, count } = expectationOf(plan, one);
  const seen: Record<string, number> = {};
  const told: string[] = [];
  for (let i = 0; i < count; i++) {
    const traced = tracePacket(tables, tracedFlow(plan, one, mark), around);
    const met = metBy(traced, one);
    seen[met] = (seen[met] ?? 0) + 1;
    told.push(...traced.steps, `=> ${met}`);
    assert.equal(traced.mark, mark, `${one.title}: the mark\n${told.join('\n')}`);
  }
  assert.deepEqual(sorted(seen), sorted(meets), `${one.title}\n${told.join('\n')}`);
}

/** As flows meet it. */
function metBy({ ending, address, masked }: Traced, { flow, family, to }: TableCase): string {
  switch (ending) {
    case 'reject':
      return 'refused';
    case 'drop':
      return 'silent';
    case 'pass':
      return to === 'nowhere' ? 'passed' : 'refused';
    case 'forward':
      return `${address}@${masked ? cableAddress[family] : flow.source}`;
  }
}

function sorted(record: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

test('Pods are told in the families the node has ranges of, which makes the rules others', () => {
  const [ipv4, ipv6] = [parseCidr('10.244.3.0/24')!, parseCidr('fd00:3::/64')!];
  const [group] = tableGroups();
  assert.ok(group !== undefined);
  const planWith = (podRanges: readonly Cidr[] | undefined): Plan => ({
    ...group.plan,
    node: { ...group.plan.node, detectsLocalPods: podRanges !== undefined, podRanges },
  });
  const [none, one, both] = [undefined, [ipv4], [ipv4, ipv6]].map(planWith) as [Plan, Plan, Plan];
  const toldIn = ({ node }: Plan): readonly string[] =>
    (['IPv4', 'IPv6'] as const).filter((family) => detectionIn(family, node, { by: 'node' }));
  assert.deepEqual([none, one, both].map(toldIn), [[], ['IPv4'], ['IPv4', 'IPv6']]);
  assert.ok(needsWhole(none, one) && needsWhole(one, both) && !needsWhole(both, both));
});
