/** A case of the suite as the tracer takes it. */
import type { RuleSpec } from '../../codec/nftables/index.ts';
import type { Plan } from '../../model/index.ts';
import type { TableCase } from '../conformance/table-cases.ts';
import { stageWhole } from './apply.ts';
import type { LocalPods } from './local-pods.ts';
import { tracePacket, type TracedFlow } from './trace-packet.suite.ts';
import { TracedTables } from './trace-tables.suite.ts';

export function tracedFlow(plan: Plan, one: TableCase, mark: number): TracedFlow {
  return {
    flow: one.flow,
    comesThrough: one.from === 'node' ? '' : one.from,
    ownAddresses: [
      ...plan.node.addresses,
      ...(one.ownAddress === undefined ? [] : [one.ownAddress]),
    ],
    mark,
  };
}

/** What the rules do with a case, line by line. */
export function tellCase(plan: Plan, localPods: LocalPods, one: TableCase): string {
  const tables = new TracedTables();
  const random = (): number => 0;
  tables.commit(stageWhole(plan, { random, localPods }).batch.finish());
  const around = { nowMs: 0, random, turns: new WeakMap<RuleSpec, number>() };
  const traced = tracePacket(tables, tracedFlow(plan, one, 0), around);
  return [...traced.steps, `=> ${traced.ending} ${traced.address} ${traced.port}`].join('\n');
}
