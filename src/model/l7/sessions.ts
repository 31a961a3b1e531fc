/**
 * Cookie affinity without memory: a cookie names an endpoint by a keyed hash, so every gateway with the same keys
 * honours it. Names are worked out when endpoints or keys change; a request costs one look-up.
 */
import { createHmac } from 'node:crypto';
import { endpointKey, type Endpoint } from '../service-port.ts';
import { cookieValues, formatSetCookie, type CookieSettings } from './cookies.ts';

/** A key of 32 random bytes; the first of several makes new cookies, the others are still honoured. */
export type SessionKey = Uint8Array;

/** 96 bits of the hash, base64url: nobody guesses one, and it stays short. */
const tokenBytes = 12;

/** Tokens a table remembers beyond those in use, for endpoints that come and go. */
const rememberedTokens = 4_096;

/** Cookie fields whose session is known, as they came; longer ones are looked at each time. */
const rememberedFields = 1_024;
const longestField = 512;

export interface Held {
  readonly endpoint: Endpoint;
  /** False: made by an older key, to be replaced. */
  readonly current: boolean;
}

/** The sessions of one ServicePort: which endpoint a cookie names, and which cookie names an endpoint. */
export interface Sessions {
  readonly cookie: CookieSettings;
  /** The endpoint a Cookie field holds the client to; of several the first that names one that serves. */
  find(field: string): Held | undefined;
  /** The Set-Cookie value that holds a client to an endpoint. */
  setCookie(endpoint: Endpoint): string;
}

/**
 * The cookie's value for an endpoint: by the UID of its Pod, for addresses are given away again; by its address
 * where there is no Pod. `scope` keeps Services apart.
 */
export function sessionToken(key: SessionKey, scope: string, endpoint: Endpoint): string {
  const identity = endpoint.podUid ?? endpointKey(endpoint);
  const hash = createHmac('sha256', key).update(`${scope}\0${identity}\0${endpoint.port}`).digest();
  return hash.subarray(0, tokenBytes).toString('base64url');
}

export interface SessionsOptions {
  readonly cookie: CookieSettings;
  /** `namespace/name` of the Service. */
  readonly scope: string;
  /** Newest first; at least one. */
  readonly keys: readonly SessionKey[];
  /** Tokens worked out before, kept by whoever makes one table after the other. */
  readonly tokens: TokenCache;
}

/** Tokens by key and endpoint, so that a change costs what is new. */
export class TokenCache {
  private readonly byKey = new Map<SessionKey, Map<string, string>>();

  of(key: SessionKey, scope: string, endpoint: Endpoint): string {
    let tokens = this.byKey.get(key);
    if (tokens === undefined) this.byKey.set(key, (tokens = new Map()));
    const name = `${endpoint.podUid ?? endpoint.address}:${endpoint.port}`;
    const known = tokens.get(name);
    if (known !== undefined) return known;
    if (tokens.size >= rememberedTokens) tokens.clear();
    const token = sessionToken(key, scope, endpoint);
    tokens.set(name, token);
    return token;
  }

  /** Forgets keys that are no longer valid. */
  retain(keys: readonly SessionKey[]): void {
    for (const key of this.byKey.keys()) if (!keys.includes(key)) this.byKey.delete(key);
  }
}

/** `serving`: whoever may keep a session, also those that take nothing new. */
export function createSessions(serving: readonly Endpoint[], options: SessionsOptions): Sessions {
  const { cookie, scope, keys, tokens } = options;
  tokens.retain(keys);
  const held = new Map<string, Held>();
  const setCookies = new Map<string, string>();
  for (const [generation, key] of keys.entries()) {
    for (const endpoint of serving) {
      const token = tokens.of(key, scope, endpoint);
      held.set(token, { endpoint, current: generation === 0 });
      if (generation > 0) continue;
      setCookies.set(endpointKey(endpoint), formatSetCookie(cookie, token));
    }
  }
  const fields = new Map<string, Held>();
  const find = (field: string): Held | undefined => {
    for (const value of cookieValues(field, cookie.name)) {
      const found = held.get(value);
      if (found !== undefined) return found;
    }
    return undefined;
  };
  return {
    cookie,
    find: (field) => {
      const known = fields.get(field);
      if (known !== undefined) return known;
      const found = find(field);
      if (found === undefined || field.length > longestField) return found;
      if (fields.size >= rememberedFields) fields.clear();
      fields.set(field, found);
      return found;
    },
    setCookie: (endpoint) => {
      const known = setCookies.get(endpointKey(endpoint));
      if (known !== undefined) return known;
      const [newest] = keys;
      // Candidates serve, so all of them are known; a caller with another gets what any replica would say.
      if (newest === undefined) throw new RangeError('Cannot name an endpoint: there is no key');
      return formatSetCookie(cookie, tokens.of(newest, scope, endpoint));
    },
  };
}

/** Endpoints that keep the sessions they have: those that serve, also while they end or drain. */
export function keepsSessions({ ready, serving }: Endpoint): boolean {
  return ready || serving;
}
