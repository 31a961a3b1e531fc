/**
 * What a running instance tells the CLI over its control socket: plain data, one shape for `-o json` and for
 * the tables. Changing a shape is changing the product's interface.
 *
 * HTTP/1.1 with JSON (sys/net's local door): GET on `controlPaths` answers a view, POST on `spread` answers
 * lines. Every request carries the protocol's version; anything but the server's own is refused, so whoever
 * gets a view knows its shape.
 */

import type { Explanation } from '../explain/index.ts';
import type { Deviation, SocketAddress } from '../model/index.ts';

export const protocolVersion = '1';

export const protocolHeader = 'switchyard-control';

export const controlPaths = {
  instance: '/instance',
  services: '/services',
  endpoints: '/endpoints',
  plan: '/plan',
  traffic: '/traffic',
  metrics: '/metrics',
  spread: '/spread',
  explain: '/explain',
  handover: '/handover',
  audit: '/audit',
  explainName: '/explain/name',
  explainRequest: '/explain/request',
} as const;

/** What the driver keeps outside of its process against the Plan in force. */
export interface AuditView {
  readonly driver: string;
  readonly deviations: readonly Deviation[];
}

/** A failure on its way to people: the parts of a CodedError. Not 200 and `{ error: ErrorView }` over HTTP. */
export interface ErrorView {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
  /** One a line: the fields that are wrong, the instances to choose from. */
  readonly details: readonly string[];
}

/** How an instance was started, for another process that is to be started the same way. */
export interface HandoverStart {
  readonly files: readonly string[];
  readonly engine: string;
  readonly workers?: number | undefined;
  readonly drainSeconds: number | undefined;
  readonly dnsUpstreams: readonly SocketAddress[];
  readonly metrics: SocketAddress | undefined;
  /** Who may ask its API for what. */
  readonly authorization?: string | undefined;
  readonly browserPort?: number | undefined;
  readonly accessLogShare?: number | undefined;
  /** Where its objects are kept; undefined: in memory. */
  readonly dataFolder?: string | undefined;
}

/** Where the running process waits to hand over. */
export interface HandoverOffer {
  readonly path: string;
  readonly start: HandoverStart;
}

/** Which Services to tell of; undefined means all. */
export interface ServiceFilter {
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

export interface InstanceView {
  readonly instance: string;
  readonly pid: number;
  readonly version: string;
  readonly startedAt: string;
  readonly driver: string;
  readonly planRevision: number;
  /** Where names are answered, and the door for clients that do not resolve them; as `ADDRESS:PORT`. */
  readonly names?:
    | { readonly dns: readonly string[]; readonly door: string | undefined }
    | undefined;
  readonly components: readonly {
    readonly name: string;
    readonly state: string;
    readonly detail: string | undefined;
  }[];
}

/** One frontend of a ServicePort, and where it really answers. */
export interface FrontendView {
  readonly kind: string;
  /** As the Service says it: `10.96.0.10:80`; a NodePort is `:30080`. */
  readonly declared: string;
  /** Where a client connects now: `127.83.4.9:8080`; empty while it does not answer. */
  readonly reachable: readonly string[];
  /** Why it does not answer, or undefined. */
  readonly problem:
    | { readonly code: string; readonly message: string; readonly remedy: string | undefined }
    | undefined;
}

export interface ServicePortView {
  readonly namespace: string;
  readonly name: string;
  readonly port: string;
  readonly protocol: string;
  readonly family: string;
  readonly scheduler: string;
  /** What the driver does instead, where it cannot do that. */
  readonly standIn?: string;
  readonly affinity: string;
  readonly frontends: readonly FrontendView[];
  readonly endpoints: number;
  readonly ready: number;
}

export interface EndpointView {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  readonly address: string;
  readonly pod: string | undefined;
  readonly node: string | undefined;
  readonly state: 'ready' | 'serving' | 'terminating' | 'not-ready';
  readonly weight: number;
  /** Since the driver started; undefined when the driver cannot know. */
  readonly connections: number | undefined;
  readonly open: number | undefined;
  readonly failures: number | undefined;
  readonly bytesIn: number | undefined;
  readonly bytesOut: number | undefined;
  /** Why a driver that counts bytes has none: the kernel's accounting of connections is off. */
  readonly bytesUnknown?: 'accounting-off' | undefined;
  /** How long it took to accept TCP connections; undefined before the first. */
  readonly connectLatency:
    | {
        readonly count: number;
        readonly sumMs: number;
        /** Upper bound, and how many took at most that and more than the bound before; the last has none. */
        readonly buckets: readonly {
          readonly upToMs: number | undefined;
          readonly count: number;
        }[];
      }
    | undefined;
}

/** Endpoints at one moment, and what the driver's limits did so far: two of them make rates. */
export interface TrafficView {
  /** Of a clock that never jumps. */
  readonly atMs: number;
  readonly planRevision: number;
  /** Undefined for a driver without limits. */
  readonly limited: { readonly connections: number; readonly flows: number } | undefined;
  readonly endpoints: readonly EndpointView[];
}

export interface MetricsView {
  /** Where Prometheus finds them: `127.0.0.1:9100`; undefined where nothing listens. */
  readonly address: string | undefined;
  /** In Prometheus' text format. */
  readonly text: string;
}

export interface PlanView {
  readonly revision: number;
  readonly node: {
    readonly name: string;
    readonly zone: string | undefined;
    readonly serviceRanges: readonly string[];
  };
  readonly servers: readonly {
    readonly id: string;
    readonly scheduler: string;
    readonly affinity: string;
    readonly frontends: readonly string[];
    readonly cluster: readonly string[];
    readonly local: readonly string[];
  }[];
}

export interface SpreadRequest {
  readonly namespace: string;
  readonly service: string;
  /** Port name or number; undefined when the Service has one port. */
  readonly port: string | undefined;
  readonly connections: number;
  readonly concurrency: number;
}

export interface SpreadShare {
  readonly endpoint: string;
  readonly pod: string | undefined;
  readonly connections: number;
  readonly expected: number;
}

/** Connections that reached no endpoint, by why. */
export interface SpreadFailureView {
  readonly code: string;
  readonly message: string;
  readonly connections: number;
}

export interface SpreadView {
  readonly namespace: string;
  readonly service: string;
  readonly port: string;
  /** Flows are measured instead of connections where it is UDP. */
  readonly protocol: string;
  /** Where the connections went: `127.83.4.9:8080`. */
  readonly target: string;
  readonly scheduler: string;
  readonly affinity: string;
  readonly requested: number;
  readonly connected: number;
  readonly failed: number;
  readonly failures: readonly SpreadFailureView[];
  readonly tookMs: number;
  readonly shares: readonly SpreadShare[];
  /**
   * What the scheduler promises: `turns` to the connection, `shares` in the long run, `one-endpoint` for one
   * client, or `load`: nothing about shares.
   */
  readonly promise: 'turns' | 'shares' | 'one-endpoint' | 'load';
  /** For `shares`: how likely chance alone differs as much or more, 0 to 1. */
  readonly chance: number | undefined;
  /** All connected, and the promise is kept; for `shares` that the difference may be chance. */
  readonly kept: boolean;
  /** All connected, and every endpoint got its expected number, to the connection. */
  readonly exact: boolean;
}

/** `kind: service` asks why a Service works or not, `kind: flow` where one connection would go. */
export type ExplainRequest =
  | { readonly kind: 'service'; readonly namespace: string; readonly name: string }
  | {
      readonly kind: 'flow';
      readonly protocol: 'TCP' | 'UDP' | 'SCTP';
      readonly source: string;
      readonly sourcePort: number;
      /** An address, or a Service's name as clients write it. */
      readonly destination: string;
      readonly destinationPort: number;
      /** Of the client, for short names. */
      readonly namespace: string;
    };

export interface ExplainView {
  readonly explanation: Explanation;
  /** The explanation as plain text, without colours. */
  readonly text: string;
}

/** The lines a spread answers with: progress, and at the end the result or the error. */
export type SpreadLine =
  | { readonly kind: 'progress'; readonly done: number; readonly total: number }
  | { readonly kind: 'result'; readonly view: SpreadView }
  | { readonly kind: 'error'; readonly error: ErrorView };
