/** A Decision as plain data. */
import { formatSocketAddress, type Decision, type Endpoint } from '../model/index.ts';
import type { CandidateView, DecisionView } from './explanation.ts';
import { schedulerUseOf } from './scheduler-stage.ts';
import { durationLabel, frontendLabel } from './wording.ts';
import type { World } from './world.ts';

export function viewDecision(world: World, decision: Decision): DecisionView {
  switch (decision.kind) {
    case 'forward': {
      const { server, frontend, affinity } = decision;
      return {
        kind: 'forward',
        server: server.id,
        frontend: frontendLabel(frontend, server.ref.protocol),
        pool: decision.pool,
        candidates: decision.candidates.map(viewCandidate),
        scheduler: schedulerUseOf(world, server).effective,
        affinity:
          affinity.kind === 'none'
            ? 'none'
            : `${affinity.kind} ${durationLabel(affinity.timeoutSeconds)}`,
        masquerade: decision.masquerade,
      };
    }
    case 'reject':
    case 'drop':
      return { kind: decision.kind, why: decision.why, server: decision.server?.id };
    case 'pass':
      return { kind: 'pass' };
  }
}

function viewCandidate(endpoint: Endpoint): CandidateView {
  const { pod, node, weight } = endpoint;
  return { address: formatSocketAddress(endpoint), pod, node, weight };
}
