/**
 * Requests and what may be done with them, as data: routes compiled from Services now, from Ingress and Gateway API
 * objects to the same words later.
 */
import type { SchedulerName } from '../schedulers/names.ts';
import type { Endpoint, PoolName } from '../service-port.ts';
import type { HashRule } from './hash-rule.ts';
import type { Sessions } from './sessions.ts';

/** A request as far as its way depends on it. */
export interface HttpRequest {
  readonly method: string;
  /** Host and port as the client named them; empty for HTTP/1.0 without Host. */
  readonly authority: string;
  /** Path and query, not decoded. */
  readonly path: string;
  /** By its lower-case name; several joined by `, `, cookies by `; `. */
  header(name: string): string | undefined;
  readonly client: { readonly address: string };
}

/** `shop.example`, or `*.shop.example` for every name below; lower case. */
export type HostPattern = string;

export interface PathMatch {
  /** A prefix ends at a slash: `/cart` is no prefix of `/cartoon`. */
  readonly kind: 'exact' | 'prefix';
  readonly value: string;
}

export interface HeaderMatch {
  /** Lower case. */
  readonly name: string;
  readonly value: string;
}

/** What a request has to be; what is empty or undefined asks for nothing. */
export interface RequestMatch {
  readonly hosts: readonly HostPattern[];
  readonly path: PathMatch | undefined;
  readonly method: string | undefined;
  readonly headers: readonly HeaderMatch[];
}

/** Endpoints that requests are spread over in one way. */
export interface RequestBackend {
  /** ServicePort id. */
  readonly id: string;
  readonly pool: PoolName;
  /** Who may take new requests; empty when there are none. Schedulers start anew with a new array. */
  readonly candidates: readonly Endpoint[];
  readonly scheduler: SchedulerName;
  /** Goes before the scheduler for requests that have what is hashed. */
  readonly hash: HashRule | undefined;
  /** Goes before both; undefined: no cookie affinity. */
  readonly sessions: Sessions | undefined;
}

export interface RouteTarget {
  /** Its share among the targets of a route; 0 takes nothing but sessions it has. */
  readonly weight: number;
  readonly backend: RequestBackend;
}

export interface HttpRoute {
  /** For people. */
  readonly name: string;
  readonly match: RequestMatch;
  readonly targets: readonly RouteTarget[];
}

/** In order of precedence: the first that matches has the request. */
export type RouteTable = readonly HttpRoute[];

export const matchesAll: RequestMatch = {
  hosts: [],
  path: undefined,
  method: undefined,
  headers: [],
};
