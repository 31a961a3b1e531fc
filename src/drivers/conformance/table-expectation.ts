/** What the flows of a case are to meet, told from the case's verdict and the specification's Decision. */
import assert from 'node:assert/strict';
import { explainFlow } from '../../explain/index.ts';
import { decide, formatSocketAddress, masquerades, type Plan } from '../../model/index.ts';
import { describeDecision } from '../../model/decide-cases.suite.ts';
import type { FlowOrder, FlowsMet } from './flows.ts';
import { backendPort, cableAddress, type TableCase } from './table-cases.ts';

export interface Expectation {
  /**
   * `ENDPOINT@CLIENT`, `refused`, `silent`, or `passed`: nobody had a hand in it on its way to somewhere else. And how
   * many flows meet it.
   */
  readonly meets: Readonly<Record<string, number>>;
  /** How many flows there are. */
  readonly count: number;
}

/** Flows to each endpoint: rr gives every one of them exactly as many. */
const rounds = 2;
const silenceMs = 300;
/** It is over with the answer; only a failure takes as long. */
const answerMs = 20_000;

/** Throws when `decide` or `explain flow`, given the Plan of all cases, do not say what the sentence says. */
export function expectationOf(plan: Plan, one: TableCase): Expectation {
  const { flow, family, to } = one;
  const decision = decide(plan, flow);
  assert.equal(describeDecision(decision, one.names), one.verdict, 'decide');
  assert.equal(explained(plan, one), one.verdict, 'explain flow');
  const meets: Record<string, number> = {};
  if (decision.kind === 'forward') {
    for (const taker of decision.candidates.filter(({ weight }) => weight > 0)) {
      const masked = masquerades(decision.masquerade, flow, taker);
      meets[`${taker.address}@${masked ? cableAddress[family] : flow.source}`] = rounds;
    }
  } else if (decision.kind === 'pass' && to === 'nowhere') {
    meets['passed'] = 1;
  } else {
    meets[decision.kind === 'drop' ? 'silent' : 'refused'] = 1;
  }
  return { meets, count: Object.values(meets).reduce((sum, count) => sum + count, 0) };
}

/** What `explain flow` prints, in the words of the table. */
function explained(plan: Plan, { flow, names }: TableCase): string {
  const world = { namespaces: [], services: [], slices: [], pods: [] };
  const schedulers = new Map();
  const byKey = new Map(
    [...names].map(([address, name]) => [
      formatSocketAddress({ address, port: backendPort }),
      name,
    ]),
  );
  const { decision } = explainFlow({ ...world, plan, report: undefined, schedulers }, flow);
  switch (decision.kind) {
    case 'forward': {
      const to = decision.candidates.map(({ address }) => byKey.get(address) ?? address).join(', ');
      return `forward to ${to} (pool ${decision.pool}), masquerade ${decision.masquerade}`;
    }
    case 'reject':
    case 'drop':
      return `${decision.kind} ${decision.why}`;
    case 'pass':
    case 'unresolved':
      return decision.kind;
  }
}

export function orderOf({ flow }: TableCase, { meets, count }: Expectation): FlowOrder {
  assert.ok(flow.protocol !== 'SCTP', 'sockets of Node do not speak SCTP');
  return {
    protocol: flow.protocol,
    to: { address: flow.destination, port: flow.destinationPort },
    source: flow.source,
    count,
    timeoutMs: 'silent' in meets ? silenceMs : answerMs,
  };
}

/** What flows met, as an Expectation says it. */
export function tally(mets: FlowsMet): Readonly<Record<string, number>> {
  const seen: Record<string, number> = {};
  for (const met of mets) {
    const key = met.kind === 'answered' ? met.name : met.kind;
    seen[key] = (seen[key] ?? 0) + 1;
  }
  return seen;
}
