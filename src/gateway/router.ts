/**
 * Where the engine that carries HTTP meets whoever decides where a request goes. The engine knows no Service,
 * cookie or scheduler; the router knows no socket.
 */
import type { PoolName, ProxyProtocol, SocketAddress } from '../model/index.ts';

/** What may be asked of a request. Valid only while `route` runs: most of it is read from the bytes on demand. */
export interface RequestFacts {
  readonly method: string;
  readonly scheme: 'http' | 'https';
  /** Host and port as the client named them, never empty but for HTTP/1.0. */
  readonly authority: string;
  /** Path and query, not decoded. */
  readonly path: string;
  /** By its lower-case name; of several with one name, all, joined by `, ` (cookies by `; `). */
  header(name: string): string | undefined;
  /** The client itself, behind whatever proxies are trusted. */
  readonly client: SocketAddress;
  /** 0 at first; one more with each endpoint that failed the request. */
  readonly attempt: number;
  /** Keys of the endpoints that failed this request. */
  readonly tried: readonly string[];
}

export interface RoutedEndpoint {
  /** `address:port`. */
  readonly key: string;
  readonly address: string;
  readonly port: number;
  readonly protocol: 'http/1.1' | 'h2c';
  readonly proxyProtocol: ProxyProtocol;
}

/**
 * `connect`: nothing was sent; `reset`: it went before it answered; `stale`: it had closed a resting connection, which
 * is no fault; `status`: it answered as the policy retries.
 */
export type FailureKind =
  | 'connect'
  | 'reset'
  | 'stale'
  | 'timeout'
  | 'malformed'
  | 'client-gone'
  | 'status';

export interface Outcome {
  /** What the endpoint answered; undefined when nothing came of it. */
  readonly status: number | undefined;
  /** Until the head of the answer. */
  readonly latencyMs: number;
  /** When the head came, in milliseconds of the gateway's clock that never goes back; undefined: now. */
  readonly atMs?: number | undefined;
  readonly failure?: FailureKind | undefined;
}

/** What one request may take, and which failures may be tried again elsewhere. */
export interface RequestPolicy {
  readonly connectTimeoutMs: number;
  /** From the last byte of the request to the head of the answer, and between any two bytes of it. */
  readonly responseTimeoutMs: number;
  /** Further endpoints that may be tried. A failed connect costs one; so does what `retryOn` names. */
  readonly retries: number;
  /** Of idempotent requests whose body is at hand. */
  readonly retryOn: readonly ('reset' | 'timeout' | number)[];
}

export interface Forwarded {
  readonly kind: 'forward';
  readonly endpoint: RoutedEndpoint;
  /** Fields added to the answer: Set-Cookie. */
  readonly addToResponse: readonly (readonly [name: string, value: string])[];
  readonly policy: RequestPolicy;
  /** Called exactly once, when this attempt is over. */
  ended(outcome: Outcome): void;
}

export interface Refused {
  readonly kind: 'refuse';
  readonly status: number;
  /** For the log and the body, in words. */
  readonly reason: string;
}

export type Routed = Forwarded | Refused;

export interface RequestRouter {
  route(request: RequestFacts): Routed;
}

/** What one port lets its clients do. */
export interface GatewayBounds {
  readonly maxConnections: number;
  /** Idle and busy connections to one endpoint; beyond them requests wait. */
  readonly maxEndpointConnections: number;
  /** Requests that wait for a connection to an endpoint. */
  readonly maxWaiting: number;
  readonly maxHeadBytes: number;
  readonly maxBodyBytes: number;
  /** For a whole head, from its first byte. */
  readonly headTimeoutMs: number;
  /** Between two bytes of a body, either way. */
  readonly bodyTimeoutMs: number;
  /** Between two requests. */
  readonly idleTimeoutMs: number;
}

/** A certificate and its key, as PEM. */
export interface TlsIdentity {
  /** Names it serves; the first identity serves all others. */
  readonly names: readonly string[];
  readonly certificate: string;
  readonly key: string;
}

export interface GatewayTls {
  /** Read at each handshake, so that a new Secret serves the next client. At least one. */
  identities(): readonly TlsIdentity[];
}

/** A per-request ServicePort as the gateway serves it. */
export interface GatewayPort {
  /** The ServicePort's. */
  readonly id: string;
  readonly router: RequestRouter;
  readonly tls: GatewayTls | undefined;
  /** Whether clients may speak HTTP/2. */
  readonly http2: boolean;
  readonly bounds: GatewayBounds;
  /** Clients are proxies that say first whom they speak for. */
  readonly acceptProxyProtocol: boolean;
  /** Ranges whose X-Forwarded-* and Forwarded are believed. */
  readonly trustedProxies: readonly string[];
  /** How other threads serve its connections, where there are such; undefined: they stay in this one. */
  readonly elsewhere?: Elsewhere | undefined;
}

/** How a port is served, wherever its connections go on. */
export interface PortOrder {
  readonly id: string;
  /** The ServicePort that all of it is for; undefined: whichever a client names. */
  readonly serves: { readonly server: string; readonly pool: PoolName } | undefined;
  /** The Secret of its certificate, `all`: each by the name that a client asks for; undefined: no TLS. */
  readonly tls: { readonly secret: string } | 'all' | undefined;
  readonly trustedProxies: readonly string[];
  readonly acceptProxyProtocol: boolean;
}

export interface Elsewhere {
  readonly order: PortOrder;
  /** Whether connections that come now are to stay here all the same. */
  stays(): boolean;
}
