/**
 * The specification for requests, as `decide` is for connections: who may get one, by which rule, and who has it
 * already by cookie. Pure; the gateway does what it says.
 */
import type { Endpoint } from '../service-port.ts';
import type { Random } from '../clock.ts';
import { hashOfText, hashText } from './hash-rule.ts';
import { matchesRequest } from './match-request.ts';
import type { HttpRequest, HttpRoute, RequestBackend, RouteTable, RouteTarget } from './route.ts';
import type { Held } from './sessions.ts';

export type RefusalReason = 'no-route' | 'no-backend' | 'no-endpoints';

export interface ForwardRequest {
  readonly kind: 'forward';
  readonly route: HttpRoute;
  readonly backend: RequestBackend;
  /** Who may be chosen when nobody has the request yet; empty only when `held` is there. */
  readonly candidates: readonly Endpoint[];
  /** The endpoint that has the client's session. */
  readonly held: Held | undefined;
  /** Of what the backend's hash rule names; undefined: the scheduler chooses. */
  readonly hash: number | undefined;
}

export interface RefuseRequest {
  readonly kind: 'refuse';
  readonly status: 404 | 500 | 503;
  readonly why: RefusalReason;
}

export type RequestDecision = ForwardRequest | RefuseRequest;

export type RequestStepCode =
  | 'route-matched'
  | 'route-unknown'
  | 'target-drawn'
  | 'target-held'
  | 'session-held'
  | 'session-old'
  | 'session-unknown'
  | 'session-absent'
  | 'endpoints-missing'
  | 'hash-key'
  | 'hash-key-absent'
  | 'candidates';

/** One step on the way to a RequestDecision. Words for it are in explain/. */
export interface RequestStep {
  readonly code: RequestStepCode;
  readonly values: Readonly<Record<string, string | number>>;
}

export interface RequestTrace {
  step(code: RequestStepCode, values: RequestStep['values']): void;
}

/** Draws among the targets of a route; asked only where there are several. */
export interface RequestChances {
  readonly random: Random;
}

/** The verdict on a request; its steps go to `trace` when one is given. Never throws. */
export function decideRequest(
  routes: RouteTable,
  request: HttpRequest,
  how: RequestChances & { readonly trace?: RequestTrace | undefined },
): RequestDecision {
  const { trace } = how;
  const route = routes.find(({ match }) => matchesRequest(match, request));
  if (route === undefined) {
    trace?.step('route-unknown', { authority: request.authority, path: request.path });
    return { kind: 'refuse', status: 404, why: 'no-route' };
  }
  trace?.step('route-matched', { route: route.name });
  const cookies = request.header('cookie');
  const target = targetOf(route, cookies, how);
  if (target === undefined) return { kind: 'refuse', status: 500, why: 'no-backend' };
  const { backend } = target;
  const held = sessionOf(backend, cookies, trace);
  const { candidates } = backend;
  if (held === undefined && !candidates.some(takesNew)) {
    trace?.step('endpoints-missing', { backend: backend.id, candidates: candidates.length });
    return { kind: 'refuse', status: 503, why: 'no-endpoints' };
  }
  const hash = held === undefined ? hashFor(backend, request, trace) : undefined;
  if (trace !== undefined && held === undefined) {
    const taking = candidates.filter(takesNew).length;
    trace.step('candidates', { candidates: taking, scheduler: backend.scheduler });
  }
  return { kind: 'forward', route, backend, candidates, held, hash };
}

function takesNew({ weight }: Endpoint): boolean {
  return weight > 0;
}

/** A session goes before the weights of a route, also where its target has weight 0 (GEP-1619). */
function targetOf(
  { name, targets }: HttpRoute,
  cookies: string | undefined,
  { random, trace }: RequestChances & { readonly trace?: RequestTrace | undefined },
): RouteTarget | undefined {
  const [only] = targets;
  if (targets.length === 1 && only !== undefined && only.weight > 0) return only;
  if (cookies !== undefined) {
    const holder = targets.find(({ backend }) => backend.sessions?.find(cookies) !== undefined);
    if (holder !== undefined) {
      trace?.step('target-held', { route: name, backend: holder.backend.id });
      return holder;
    }
  }
  const total = targets.reduce((sum, { weight }) => sum + weight, 0);
  if (total <= 0) {
    trace?.step('endpoints-missing', { backend: name, candidates: 0 });
    return undefined;
  }
  const drawn = random() * total;
  let below = 0;
  const chosen = targets.find(({ weight }) => drawn < (below += weight));
  if (chosen !== undefined) {
    trace?.step('target-drawn', { backend: chosen.backend.id, weight: chosen.weight, total });
  }
  return chosen;
}

function sessionOf(
  { sessions }: RequestBackend,
  cookies: string | undefined,
  trace: RequestTrace | undefined,
): Held | undefined {
  if (sessions === undefined) return undefined;
  const held = cookies === undefined ? undefined : sessions.find(cookies);
  if (trace === undefined) return held;
  const { name: cookie } = sessions.cookie;
  if (held !== undefined) {
    const { address, port } = held.endpoint;
    trace.step(held.current ? 'session-held' : 'session-old', { cookie, address, port });
  } else {
    // Whether a cookie is forged, or its endpoint gone, cannot be told: no name is kept of those that were.
    const has = cookies?.includes(`${cookie}=`) === true;
    trace.step(has ? 'session-unknown' : 'session-absent', { cookie });
  }
  return held;
}

function hashFor(
  { hash: rule }: RequestBackend,
  request: HttpRequest,
  trace: RequestTrace | undefined,
): number | undefined {
  if (rule === undefined) return undefined;
  const text = hashText(rule.by, request);
  const by = 'name' in rule.by ? `${rule.by.kind}:${rule.by.name}` : rule.by.kind;
  if (text === undefined) {
    trace?.step('hash-key-absent', { by });
    return undefined;
  }
  trace?.step('hash-key', { by, key: text, bound: rule.bound });
  return hashOfText(text);
}
