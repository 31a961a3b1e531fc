/**
 * The words of the forwarding core: Endpoint, Frontend, VirtualServer. Pure data, immutable, compiled once
 * from API objects by plan/; drivers and `decide` never see a raw object.
 */
import type { Cidr, IpFamily } from './address.ts';
import type { CookieSettings } from './l7/cookies.ts';
import type { HashRule } from './l7/hash-rule.ts';
import type { Affinity, SchedulerName } from './schedulers/names.ts';

export type Protocol = 'TCP' | 'UDP' | 'SCTP';

/** Names a ServicePort: one port of one Service in one IP family. */
export interface ServicePortRef {
  readonly namespace: string;
  readonly name: string;
  /** Empty for the only, unnamed port of a Service. */
  readonly portName: string;
  readonly protocol: Protocol;
  readonly family: IpFamily;
}

/** The key of a ServicePort everywhere: `default/web:http/TCP/IPv4`. */
export function servicePortId(ref: ServicePortRef): string {
  return `${ref.namespace}/${ref.name}:${ref.portName}/${ref.protocol}/${ref.family}`;
}

/** A backend address and port, as EndpointSlices give it, seen from this Plan's node. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
  /** Absent conditions are already resolved: ready and serving default to true, terminating to false. */
  readonly ready: boolean;
  readonly serving: boolean;
  readonly terminating: boolean;
  /** On this Plan's node. */
  readonly local: boolean;
  readonly node: string | undefined;
  readonly zone: string | undefined;
  readonly zoneHints: readonly string[];
  readonly nodeHints: readonly string[];
  /** 0 drains: no new connection; 1 by default; at most 65535. */
  readonly weight: number;
  /** Namespace/name of the Pod behind it, when the slice says so. */
  readonly pod: string | undefined;
  /** Of that Pod: addresses are given away again, this is not. */
  readonly podUid?: string | undefined;
}

/** `address:port`: what makes two Endpoints of one ServicePort the same. */
export function endpointKey(endpoint: Pick<Endpoint, 'address' | 'port'>): string {
  return `${endpoint.address}:${endpoint.port}`;
}

export type FrontendKind = 'clusterIP' | 'nodePort' | 'loadBalancer' | 'externalIP';

/** Where a ServicePort is reached; its protocol is its VirtualServer's. */
export interface Frontend {
  readonly kind: FrontendKind;
  /** Undefined for `nodePort`: the node's own `nodePortAddresses`, whatever they are now. */
  readonly address: string | undefined;
  readonly port: number;
}

/** What another endpoint is told again when one goes without an answer: nothing, or all the client has said. */
export type Replay = 'none' | 'first-bytes';

/** Whether a backend is told who its client is before the connection's own bytes, and in which version. */
export type ProxyProtocol = 'none' | 'v1' | 'v2';

export type TrafficPolicy = 'Cluster' | 'Local';

/** The endpoints each path may use, in a stable order; empty when there are none. */
export interface Pools {
  readonly cluster: readonly Endpoint[];
  readonly local: readonly Endpoint[];
  /** True when any endpoint anywhere could serve: an empty pool then means DROP, not REJECT. */
  readonly hasAny: boolean;
}

export type PoolName = 'cluster' | 'local';

/**
 * A ServicePort that balances HTTP requests instead of connections. With a live gateway its `pools` hold one
 * synthetic endpoint, the local gateway's port for it, so that drivers need no word for gateways; without one
 * they are its plain L4 pools.
 */
export interface PerRequest extends RequestRules {
  /** What the gateway itself chooses from. */
  readonly pools: Pools;
}

/** How a per-request ServicePort wants its requests treated. */
export interface RequestRules {
  readonly affinity: 'none' | 'cookie';
  /** There exactly when the affinity is `cookie`. */
  readonly cookie: CookieSettings | undefined;
  readonly hash: HashRule | undefined;
  /** What the endpoints speak. */
  readonly protocol: 'http/1.1' | 'h2c';
  /** A Secret of the Service's namespace; undefined: clients speak without TLS. */
  readonly tlsSecret: string | undefined;
  readonly retry: RetryRules;
  /** How long an endpoint that is new takes fewer requests than its share; 0 when it does not. */
  readonly slowStartMs: number;
  /** Ranges whose X-Forwarded-* and Forwarded are believed. */
  readonly trustedProxies: readonly string[];
}

export interface RetryRules {
  /** Further endpoints that may be tried. */
  readonly retries: number;
  /** Besides a failed connect: what idempotent requests are tried again for, statuses included. */
  readonly on: readonly ('reset' | 'timeout' | number)[];
  /** For the head of an answer, and between any two bytes of it. */
  readonly responseTimeoutMs: number;
}

/** Of a Service that says nothing about requests. */
export const plainRequestRules: RequestRules = {
  affinity: 'none',
  cookie: undefined,
  hash: undefined,
  protocol: 'http/1.1',
  tlsSecret: undefined,
  retry: { retries: 2, on: ['reset'], responseTimeoutMs: 60_000 },
  slowStartMs: 0,
  trustedProxies: [],
};

/** A ServicePort compiled for this node. Compared by reference: an unchanged one is the same object. */
export interface VirtualServer {
  readonly id: string;
  readonly ref: ServicePortRef;
  readonly frontends: readonly Frontend[];
  readonly internalTrafficPolicy: TrafficPolicy;
  readonly externalTrafficPolicy: TrafficPolicy;
  /** Every endpoint the slices name, usable or not; pools are chosen from it. */
  readonly endpoints: readonly Endpoint[];
  readonly pools: Pools;
  readonly scheduler: SchedulerName;
  readonly affinity: Affinity;
  readonly perRequest: PerRequest | undefined;
  /** Of TCP ports, in drivers that carry the bytes themselves. */
  readonly proxyProtocol: ProxyProtocol;
  /** Of TCP ports, in drivers that carry the bytes themselves. */
  readonly replay: Replay;
  /** Sources that may use the `loadBalancer` frontends; empty means all. */
  readonly sourceRanges: readonly Cidr[];
}
