/** How a Service wants its requests treated, from its annotations, and what of that holds for one of its ports. */
import { createHash } from 'node:crypto';
import {
  annotations,
  backendProtocol,
  isHttpPort,
  isHttpsPort,
  nameOf,
  objectKey,
  type AnnotationSpec,
  type Service,
  type ServicePortSpec,
} from '../kube/index.ts';
import {
  defaultHashBound,
  type CookieSettings,
  type HashSource,
  type RequestRules,
} from '../model/index.ts';

/** What a Service asks for; what follows from the port is not in it yet. */
export interface RequestWishes extends Omit<RequestRules, 'protocol' | 'cookie'> {
  /** `secure` undefined: where the port terminates TLS. */
  readonly cookie:
    | (Omit<CookieSettings, 'secure'> & { readonly secure: boolean | undefined })
    | undefined;
}

/** An annotation's value; one that cannot be read is reported with what holds instead. */
export type ReadSetting = <T>(spec: AnnotationSpec<T>, fallback: string) => T | undefined;

export interface WishParts {
  readonly read: ReadSetting;
  readonly affinity: RequestRules['affinity'];
  readonly hash: HashSource | undefined;
}

const defaultRetries = 2;
const defaultResponseTimeoutMs = 60_000;
const nameHashDigits = 8;

export function requestWishes(
  service: Service,
  { read, affinity, hash }: WishParts,
): RequestWishes {
  const bound = read(annotations.hashBound, String(defaultHashBound)) ?? defaultHashBound;
  return {
    affinity,
    cookie: affinity === 'cookie' ? cookieWishes(service, read) : undefined,
    hash: hash === undefined ? undefined : { by: hash, bound },
    tlsSecret: read(annotations.tlsSecret, 'TLS is not terminated'),
    retry: {
      retries: read(annotations.retries, String(defaultRetries)) ?? defaultRetries,
      on: read(annotations.retryOn, 'reset') ?? ['reset'],
      responseTimeoutMs: read(annotations.responseTimeout, '60s') ?? defaultResponseTimeoutMs,
    },
    slowStartMs: read(annotations.slowStart, '0') ?? 0,
    trustedProxies: read(annotations.trustedProxies, 'none') ?? [],
  };
}

function cookieWishes(service: Service, read: ReadSetting): RequestWishes['cookie'] {
  const maxAgeMs = read(annotations.cookieMaxAge, 'until the browser is closed');
  const secure = read(annotations.cookieSecure, 'where the port terminates TLS');
  const name = defaultCookieName(service);
  return {
    name: read(annotations.cookieName, name) ?? name,
    path: read(annotations.cookiePath, '/') ?? '/',
    domain: read(annotations.cookieDomain, 'the host that was asked'),
    maxAgeSeconds: maxAgeMs === undefined ? undefined : Math.round(maxAgeMs / 1_000),
    sameSite: read(annotations.cookieSameSite, 'Lax') ?? 'Lax',
    secure,
    httpOnly: read(annotations.cookieHttpOnly, 'true') ?? true,
  };
}

/** Of its own for each Service: browsers do not keep the cookies of two ports of one host apart. */
function defaultCookieName(service: Service): string {
  const hash = createHash('sha256')
    .update(objectKey(nameOf(service)))
    .digest('hex');
  return `sy-${hash.slice(0, nameHashDigits)}`;
}

/** What holds for a port; undefined: its connections are balanced. */
export function requestRules(
  port: ServicePortSpec,
  wishes: RequestWishes | undefined,
): RequestRules | undefined {
  if (wishes === undefined) return undefined;
  const withTls = isHttpsPort(port) && wishes.tlsSecret !== undefined;
  if (!isHttpPort(port) && !withTls) return undefined;
  const { cookie } = wishes;
  return {
    ...wishes,
    protocol: backendProtocol(port),
    tlsSecret: withTls ? wishes.tlsSecret : undefined,
    cookie: cookie === undefined ? undefined : securedCookie(cookie, withTls),
  };
}

/** Browsers refuse SameSite=None without Secure. */
function securedCookie(
  cookie: NonNullable<RequestWishes['cookie']>,
  withTls: boolean,
): CookieSettings {
  const secure = cookie.secure ?? withTls;
  const sameSite = cookie.sameSite === 'None' && !secure ? 'Lax' : cookie.sameSite;
  return { ...cookie, secure, sameSite };
}
