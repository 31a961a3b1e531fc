/** A question of `switchyard explain`, answered from a world of objects. */
import {
  explainFlow,
  explainService,
  formatExplanation,
  type Explanation,
  type World,
} from '../explain/index.ts';
import { canonicalIp, type Flow } from '../model/index.ts';
import type { ExplainRequest, ExplainView } from './protocol.ts';

export function explainIn(world: World, request: ExplainRequest): ExplainView {
  const explanation = answer(world, request);
  return { explanation, text: formatExplanation(explanation) };
}

function answer(world: World, request: ExplainRequest): Explanation {
  if (request.kind === 'service') return explainService(world, request);
  const source = canonicalIp(request.source) ?? request.source;
  const destination = canonicalIp(request.destination) ?? request.destination;
  return explainFlow(world, { ...request, source, destination, entry: entryOf(world, source) });
}

/** From a Pod of the node, from the node itself, or from elsewhere. */
function entryOf({ pods, plan: { node } }: World, source: string): Flow['entry'] {
  if (node.addresses.includes(source)) return 'node';
  const pod = pods.find(({ status }) => status?.podIP === source);
  if (pod !== undefined) return pod.spec?.nodeName === node.name ? 'pod' : 'outside';
  // What comes from the loopback range is a program of this host.
  return source.startsWith('127.') || source === '::1' ? 'node' : 'outside';
}
