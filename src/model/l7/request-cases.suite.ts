/**
 * A line language for the table of request decisions, in the manner of decide-cases: each case is one sentence.
 * Grammar, clauses in any order but the request last:
 *
 *   endpoints a ready, b terminating weight=0, ... | endpoints none     (as in decide-cases)
 *   affinity cookie                               (none unless said)
 *   pool local                                    (cluster unless said)
 *   scheduler wrr                                 (rr unless said)
 *   hash header:x-user|cookie:c|query:q|path|source
 *   routes NAME [host=H] [path=/exact | prefix=/p] [method=M] [header=k:v] [to=TARGET:WEIGHT+TARGET:WEIGHT], ...
 *   draw 0.5                                      (of targets; 0 unless said)
 *   request METHOD [HOST]/PATH [k:v]... [cookie=VALUE]...: VERDICT
 *
 * A TARGET is names of endpoints joined: `ab`; a route without `to` has all of them. A cookie's VALUE is `a` (its
 * session under the newest key), `a-old` (under the one before), `a-expired` (under one dropped since), `gone` (of an
 * endpoint that is no longer there), `forged`, `empty`, `quoted-a`, or `other` (of another name).
 *
 * VERDICT: `stay at a[, renew]`, `choose of a, b by rr`, `choose of a, b by hash of KEY`, `refuse STATUS WHY`.
 */
import { createHash } from 'node:crypto';
import { parseEndpoints, type CaseEndpoint } from '../case-endpoints.suite.ts';
import { isSchedulerName, type SchedulerName } from '../schedulers/names.ts';
import type { Endpoint, PoolName } from '../service-port.ts';
import { testCookie, testEndpoint } from '../testing.ts';
import { usableEndpoints } from '../topology.ts';
import type { RequestDecision } from './decide-request.ts';
import { hashOfText, type HashRule, type HashSource } from './hash-rule.ts';
import type { HttpRequest, HttpRoute, RequestBackend, RequestMatch, RouteTable } from './route.ts';
import { createSessions, keepsSessions, sessionToken, TokenCache } from './sessions.ts';

export interface RouteWords {
  readonly name: string;
  readonly match: RequestMatch;
  /** Names of endpoints and weights; undefined: all of them. */
  readonly to: readonly { readonly names: string; readonly weight: number }[] | undefined;
}

/** What a sentence says, before anything is compiled from it: what the oracle reads. */
export interface RequestWords {
  readonly endpoints: readonly CaseEndpoint[];
  readonly sticky: boolean;
  readonly pool: PoolName;
  readonly scheduler: SchedulerName;
  readonly hash: HashSource | undefined;
  readonly routes: readonly RouteWords[];
  readonly draw: number;
  readonly method: string;
  readonly authority: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly cookies: readonly string[];
}

export interface RequestCase {
  readonly line: number;
  readonly text: string;
  readonly words: RequestWords;
  readonly verdict: string;
}

export const clientAddress = '192.0.2.7';
const cookieName = 'sid';
const scope = 'default/web';
const keyOf = (name: string): Uint8Array => createHash('sha256').update(name).digest();
const [newest, older, dropped] = [keyOf('newest'), keyOf('older'), keyOf('dropped')];

const verdictPattern =
  /^(?:stay at [a-z](?:, renew)?|choose of [a-z](?:, [a-z])* by (?:[a-z0-9-]+|hash of "[^"]*")|refuse (?:404 no-route|500 no-backend|503 no-endpoints))$/;

export function parseRequestCases(text: string, file: string): readonly RequestCase[] {
  return text.split('\n').flatMap((line, i) => {
    if (line.trim() === '' || line.startsWith('#')) return [];
    try {
      return [parseCase(line, i + 1)];
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`Cannot read case at ${file}:${i + 1}: ${reason}`, { cause });
    }
  });
}

function parseCase(text: string, line: number): RequestCase {
  const clauses = text.split('; ');
  const match = /^request ([A-Z]+) ([^ /]*)(\/[^ ]*)((?: [^ ]+)*): (.+)$/.exec(clauses.pop() ?? '');
  if (match === null) throw new Error('the last clause is no request');
  const [, method = '', authority = '', path = '', rest = '', verdict = ''] = match;
  if (!verdictPattern.test(verdict)) throw new Error(`"${verdict}" is not a verdict`);
  const said = new Map<string, string>();
  for (const clause of clauses) {
    const [keyword = '', ...others] = clause.split(' ');
    if (said.has(keyword)) throw new Error(`"${keyword}" is said twice`);
    said.set(keyword, others.join(' '));
  }
  const unknown = [...said.keys()].find((word) => !keywords.has(word));
  if (unknown !== undefined) throw new Error(`"${unknown}" is not a clause`);
  const fields = rest.split(' ').filter((word) => word !== '');
  const scheduler = said.get('scheduler') ?? 'rr';
  if (!isSchedulerName(scheduler)) throw new Error(`"${scheduler}" is not a scheduler`);
  const endpoints = said.get('endpoints');
  if (endpoints === undefined) throw new Error('no word on endpoints');
  return {
    line,
    text,
    verdict,
    words: {
      endpoints: parseEndpoints(endpoints),
      sticky: said.get('affinity') === 'cookie',
      pool: said.get('pool') === 'local' ? 'local' : 'cluster',
      scheduler,
      hash: hashWord(said.get('hash')),
      routes: (said.get('routes')?.split(', ') ?? ['all']).map(routeWord),
      draw: Number(said.get('draw') ?? 0),
      method,
      authority,
      path,
      headers: fields.filter((word) => !word.startsWith('cookie=')).map(headerWord),
      cookies: fields.flatMap((word) => (word.startsWith('cookie=') ? [word.slice(7)] : [])),
    },
  };
}

const keywords = new Set(['endpoints', 'affinity', 'pool', 'scheduler', 'hash', 'routes', 'draw']);

function hashWord(text: string | undefined): HashSource | undefined {
  if (text === undefined) return undefined;
  const [kind = '', name = ''] = text.split(':');
  if (kind === 'path' || kind === 'source') return { kind };
  if (kind === 'header' || kind === 'cookie' || kind === 'query') return { kind, name };
  throw new Error(`"${text}" is nothing to hash`);
}

function headerWord(word: string): readonly [string, string] {
  const colon = word.indexOf(':');
  if (colon < 1) throw new Error(`"${word}" is no header`);
  return [word.slice(0, colon), word.slice(colon + 1)];
}

function routeWord(text: string): RouteWords {
  const [name = '', ...words] = text.split(' ');
  const said = new Map(words.map((word) => [word.slice(0, word.indexOf('=')), word] as const));
  const value = (key: string): string | undefined => said.get(key)?.slice(key.length + 1);
  const [exact, prefix, host, header] = ['path', 'prefix', 'host', 'header'].map(value);
  const match: RequestMatch = {
    hosts: host === undefined ? [] : host.split('+'),
    path:
      exact === undefined
        ? prefix === undefined
          ? undefined
          : { kind: 'prefix', value: prefix }
        : { kind: 'exact', value: exact },
    method: value('method'),
    headers:
      header === undefined ? [] : [header].map(headerWord).map(([n, v]) => ({ name: n, value: v })),
  };
  const to = value('to')
    ?.split('+')
    .map((target) => {
      const [names = '', weight = ''] = target.split(':');
      return { names, weight: Number(weight) };
    });
  return { name, match, to };
}

/** The address that stands for an endpoint's name. */
function addressOf(name: string): string {
  return `10.1.0.${name.charCodeAt(0)}`;
}

function endpointsOf(words: RequestWords, names?: string): readonly Endpoint[] {
  return words.endpoints
    .filter(({ name }) => names === undefined || names.includes(name))
    .map(({ name, endpoint }) => ({
      ...endpoint,
      address: addressOf(name),
      podUid: `uid-${name}`,
    }));
}

/** The routes a sentence says, compiled as the gateway does. */
export function compileCase(words: RequestWords): RouteTable {
  const { pool, scheduler, sticky } = words;
  const hash: HashRule | undefined =
    words.hash === undefined ? undefined : { by: words.hash, bound: 1.25 };
  const backendOf = (names?: string): RequestBackend => {
    const all = endpointsOf(words, names).filter(({ local }) => pool === 'cluster' || local);
    const cookie = { ...testCookie, name: cookieName };
    const tokens = new TokenCache();
    const sessions = sticky
      ? createSessions(all.filter(keepsSessions), { cookie, scope, keys: [newest, older], tokens })
      : undefined;
    return {
      id: names ?? 'all',
      pool,
      candidates: usableEndpoints(all),
      scheduler,
      hash,
      sessions,
    };
  };
  return words.routes.map(({ name, match, to }): HttpRoute => {
    const targets = to?.map(({ names, weight }) => ({ weight, backend: backendOf(names) }));
    return { name, match, targets: targets ?? [{ weight: 1, backend: backendOf() }] };
  });
}

/** The request a sentence says. */
export function requestOf(words: RequestWords): HttpRequest {
  const cookies = words.cookies.map(cookieWord);
  const headers = new Map(words.headers);
  if (cookies.length > 0) headers.set('cookie', cookies.join('; '));
  const { method, authority, path } = words;
  const client = { address: clientAddress };
  return { method, authority, path, client, header: (name) => headers.get(name) };
}

function cookieWord(word: string): string {
  if (word === 'forged') return `${cookieName}=AAAAAAAAAAAAAAAA`;
  if (word === 'empty') return `${cookieName}=`;
  if (word === 'other') return `theme=dark`;
  if (word === 'gone') return `${cookieName}=${tokenOf(newest, 'z')}`;
  if (/^[a-z]+=/.test(word)) return word;
  const [name = '', generation = ''] = word.startsWith('quoted-')
    ? [word.slice(7), 'quoted']
    : word.split('-');
  if (!/^[a-z]$/.test(name)) throw new Error(`"${word}" is no cookie`);
  switch (generation) {
    case '':
      return `${cookieName}=${tokenOf(newest, name)}`;
    case 'old':
      return `${cookieName}=${tokenOf(older, name)}`;
    case 'expired':
      return `${cookieName}=${tokenOf(dropped, name)}`;
    case 'quoted':
      return `${cookieName}="${tokenOf(newest, name)}"`;
    default:
      throw new Error(`"${word}" is no cookie`);
  }
}

function tokenOf(key: Uint8Array, name: string): string {
  const endpoint = testEndpoint({ address: addressOf(name) });
  return sessionToken(key, scope, { ...endpoint, podUid: `uid-${name}` });
}

/** A RequestDecision in the words of a case. */
export function describeRequest(decision: RequestDecision, key: string | undefined): string {
  if (decision.kind === 'refuse') return `refuse ${decision.status} ${decision.why}`;
  const { held, candidates, backend, hash } = decision;
  if (held !== undefined) return `stay at ${nameOf(held.endpoint)}${held.current ? '' : ', renew'}`;
  const taking = candidates
    .filter(({ weight }) => weight > 0)
    .map(nameOf)
    .join(', ');
  const matches = key !== undefined && hash === hashOfText(key);
  const by = hash === undefined ? backend.scheduler : matches ? `hash of "${key}"` : 'another hash';
  return `choose of ${taking} by ${by}`;
}

function nameOf({ address }: Endpoint): string {
  return String.fromCharCode(Number(address.split('.').at(-1)));
}
