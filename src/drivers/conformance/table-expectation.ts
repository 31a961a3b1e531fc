/** What the flows of a case are to meet, told from the case's verdict and the specification's Decision. */
import assert from 'node:assert/strict';
import { decide, masquerades, type Decision, type Plan } from '../../model/index.ts';
import { describeDecision } from '../../model/decide-cases.suite.ts';
import type { FlowOrder, FlowsMet } from './flows.ts';
import { cableAddress, type TableCase } from './table-cases.ts';
import type { Carried } from './world.ts';

export interface Expectation {
  readonly decision: Decision;
  readonly order: FlowOrder;
  /** `ENDPOINT@CLIENT`, `refused` or `silent`, and how many flows meet it. */
  readonly meets: Readonly<Record<string, number>>;
}

/** Flows to each endpoint: rr gives every one of them exactly as many. */
const rounds = 2;
const silenceMs = 300;
/** It is over with the answer; only a failure takes as long. */
const answerMs = 20_000;

/** Throws when the specification, given the Plan of all cases, does not say what the sentence says. */
export function expectationOf(plan: Plan, one: TableCase): Expectation {
  const { flow, family, to } = one;
  const decision = decide(plan, flow);
  assert.equal(describeDecision(decision, one.names), one.verdict, 'decide');
  const meets: Record<string, number> = {};
  if (decision.kind === 'forward') {
    for (const taker of decision.candidates.filter(({ weight }) => weight > 0)) {
      const masked = masquerades(decision.masquerade, flow, taker);
      meets[`${taker.address}@${masked ? cableAddress[family] : flow.source}`] = rounds;
    }
  } else {
    const somebody = decision.kind === 'reject' || (decision.kind === 'pass' && to !== 'nowhere');
    meets[somebody ? 'refused' : 'silent'] = 1;
  }
  return {
    decision,
    meets,
    order: {
      protocol: carried(one),
      to: { address: flow.destination, port: flow.destinationPort },
      source: flow.source,
      count: Object.values(meets).reduce((sum, count) => sum + count, 0),
      timeoutMs: 'silent' in meets ? silenceMs : answerMs,
    },
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

function carried({ flow }: TableCase): Carried {
  assert.ok(flow.protocol !== 'SCTP', 'sockets of Node do not speak SCTP');
  return flow.protocol;
}
