/** Where one connection goes and why: `decide`'s own steps in words, and what stands behind a refusal. */
import { decide, formatSocketAddress, parseIp, type Decision, type Step } from '../model/index.ts';
import { viewDecision } from './decision-view.ts';
import type { DecisionView, FlowExplanation } from './explanation.ts';
import type { FlowCase } from './flow-case.ts';
import { resolveHost, type HostQuestion } from './flow-host.ts';
import { tellStep } from './flow-steps.ts';
import { tellDecision } from './flow-verdict.ts';
import { createNotes } from './notes.ts';
import type { World } from './world.ts';

/** A connection attempt; every Flow is one. `destination` is an address or a Service's name as clients write it. */
export type FlowQuestion = HostQuestion;

/** Pure, and never throws. For a destination that is an address, the decision is the one `decide` makes. */
export function explainFlow(world: World, question: FlowQuestion): FlowExplanation {
  const notes = createNotes();
  const isAddress = parseIp(question.destination) !== undefined;
  const destination = isAddress ? question.destination : resolveHost(world, question, notes);
  const decision: DecisionView =
    destination === undefined
      ? { kind: 'unresolved' }
      : decideAloud({ world, notes, flow: { ...question, destination } });
  return { kind: 'flow', flow: formatFlow(question), decision, ...notes.result() };
}

/** `TCP 10.1.0.9:40000 -> 10.96.0.10:80`. */
function formatFlow(question: FlowQuestion): string {
  const { protocol, source, sourcePort, destination, destinationPort } = question;
  const from = formatSocketAddress({ address: source, port: sourcePort });
  const to = formatSocketAddress({ address: destination, port: destinationPort });
  return `${protocol} ${from} -> ${to}`;
}

/** Where a gateway carries the connection, its requests go to the endpoints: those are what people ask about. */
function behindGateway(decision: Decision): Decision {
  if (decision.kind !== 'forward' || decision.server.perRequest === undefined) return decision;
  return { ...decision, candidates: decision.server.perRequest.pools[decision.pool] };
}

function decideAloud(c: FlowCase): DecisionView {
  const steps: Step[] = [];
  const decided = decide(c.world.plan, c.flow, {
    step: (code, values) => {
      steps.push({ code, values });
    },
  });
  const decision = behindGateway(decided);
  for (const step of steps) tellStep(c, step, decision);
  tellDecision(c, decision);
  return viewDecision(c.world, decision);
}
