/** Where one HTTP request goes and why: the steps of `decide` for its connection, then those of `decideRequest`. */
import {
  decide,
  fill,
  formatSocketAddress,
  type Flow,
  type GatewayLack,
  type HttpRequest,
  type Plan,
  type PoolName,
  type RequestDecision,
  type RequestStepCode,
  type RequestTrace,
  type VirtualServer,
} from '../model/index.ts';
import { requestSentences } from './request-sentences.ts';

export interface RequestQuestion {
  /** As it was asked: `http://web.default/cart`. */
  readonly url: string;
  readonly request: HttpRequest;
  /** The connection it would come by, to the frontend of a Service; undefined: the host is none. */
  readonly flow: Flow | undefined;
}

/** Who decides about requests; undefined where connections are balanced. */
export interface RequestDecider {
  explain(pool: PoolName, request: HttpRequest, trace: RequestTrace): RequestDecision;
}

export interface RequestWorld {
  readonly plan: Plan;
  routerOf(id: string): RequestDecider | undefined;
  /** What the gateway of a ServicePort lacks; nothing when undefined. */
  lackOf(id: string): GatewayLack | undefined;
}

export interface RequestStepView {
  readonly code:
    | RequestStepCode
    | 'host-unknown'
    | 'connection-refused'
    | 'by-connection'
    | 'gateway-not-live'
    | 'gateway-lacks'
    | 'entered';
  /** A sentence without a full stop. */
  readonly text: string;
}

export interface RequestExplanation {
  readonly kind: 'request';
  readonly method: string;
  readonly url: string;
  /** `by-connection`: not this request is balanced, but the connection it comes by. */
  readonly outcome: 'held' | 'chosen' | 'by-connection' | 'refused' | 'not-served';
  /** Of the refusal. */
  readonly status: number | undefined;
  /** ServicePort id. */
  readonly server: string | undefined;
  /** Who has the request, or one of whom gets it: `10.1.0.1:8080`, with the Pod when there is one. */
  readonly endpoints: readonly { readonly address: string; readonly pod: string | undefined }[];
  readonly steps: readonly RequestStepView[];
}

type Steps = RequestStepView[];

/** Pure, and never throws; nothing is sent, chosen or counted. */
export function explainRequest(world: RequestWorld, question: RequestQuestion): RequestExplanation {
  const { url, request, flow } = question;
  const steps: Steps = [];
  const said = say(steps);
  const asked = { kind: 'request', method: request.method, url, steps } as const;
  const nothing = { status: undefined, server: undefined, endpoints: [] };
  if (flow === undefined) {
    said('host-unknown', { authority: request.authority });
    return { ...asked, ...nothing, outcome: 'not-served' };
  }
  const decision = decide(world.plan, flow);
  const at = formatSocketAddress({ address: flow.destination, port: flow.destinationPort });
  if (decision.kind !== 'forward') {
    said('connection-refused', { at, why: decision.kind === 'pass' ? 'not ours' : decision.why });
    const outcome = decision.kind === 'pass' ? 'not-served' : 'refused';
    return { ...asked, ...nothing, outcome };
  }
  const { server, pool, candidates } = decision;
  said('entered', { at, server: server.id, pool });
  const lack = world.lackOf(server.id);
  const router = isLive(server, pool) ? world.routerOf(server.id) : undefined;
  if (router === undefined) {
    if (server.perRequest === undefined) said('by-connection', { server: server.id });
    else {
      const why = lack?.text ?? 'no gateway runs here';
      said('gateway-not-live', { server: server.id, why });
    }
    const endpoints = candidates.map(viewEndpoint);
    return { ...asked, outcome: 'by-connection', status: undefined, server: server.id, endpoints };
  }
  if (lack !== undefined) said('gateway-lacks', { server: server.id, what: lack.text });
  const verdict = router.explain(pool, request, { step: said });
  if (verdict.kind === 'refuse') {
    const { status } = verdict;
    return { ...asked, outcome: 'refused', status, server: server.id, endpoints: [] };
  }
  const { held } = verdict;
  const taking = verdict.candidates.filter(({ weight }) => weight > 0);
  return {
    ...asked,
    outcome: held === undefined ? 'chosen' : 'held',
    status: undefined,
    server: server.id,
    endpoints: (held === undefined ? taking : [held.endpoint]).map(viewEndpoint),
  };
}

/** With a live gateway, drivers see that instead of the endpoints. */
function isLive({ perRequest, pools }: VirtualServer, pool: PoolName): boolean {
  return perRequest !== undefined && perRequest.pools[pool] !== pools[pool];
}

function say(
  steps: Steps,
): (code: RequestStepView['code'], values: Readonly<Record<string, string | number>>) => void {
  return (code, values) => {
    steps.push({ code, text: fill(requestSentences[code], values) });
  };
}

function viewEndpoint(endpoint: VirtualServer['endpoints'][number]): {
  readonly address: string;
  readonly pod: string | undefined;
} {
  return { address: formatSocketAddress(endpoint), pod: endpoint.pod };
}
