/**
 * The rules for requests told again over the words of a case: no table of tokens, no compiled routes, every endpoint
 * looked at. What `decideRequest` is held against.
 */
import type { CaseEndpoint } from '../case-endpoints.suite.ts';
import { clientAddress, type RequestWords, type RouteWords } from './request-cases.suite.ts';

/** The verdict, and the text that was hashed. */
export interface Told {
  readonly verdict: string;
  readonly key: string | undefined;
}

export function tellNaively(words: RequestWords): Told {
  const route = words.routes.find((each) => applies(each, words));
  if (route === undefined) return { verdict: 'refuse 404 no-route', key: undefined };
  const targets = route.to ?? [{ names: words.endpoints.map((e) => e.name).join(''), weight: 1 }];
  const target = targets.find(
    ({ names }) => targets.length > 1 && session(words, names) !== undefined,
  );
  const names = target?.names ?? drawn(targets, words.draw)?.names;
  const lone = targets.length === 1 && targets[0]?.weight === 0 ? targets[0].names : undefined;
  const kept = lone === undefined ? undefined : session(words, lone);
  if (kept !== undefined) return { verdict: kept, key: undefined };
  if (names === undefined) return { verdict: 'refuse 500 no-backend', key: undefined };
  const stay = session(words, names);
  if (stay !== undefined) return { verdict: stay, key: undefined };
  const taking = usable(inPool(words, names)).filter(({ endpoint }) => endpoint.weight > 0);
  if (taking.length === 0) return { verdict: 'refuse 503 no-endpoints', key: undefined };
  const key = hashed(words);
  const by = key === undefined ? words.scheduler : `hash of "${key}"`;
  return { verdict: `choose of ${taking.map(({ name }) => name).join(', ')} by ${by}`, key };
}

function applies(
  { match }: RouteWords,
  { method, authority, path, headers }: RequestWords,
): boolean {
  const host = /^([^:]*)(:[0-9]+)?$/.exec(authority)?.[1]?.toLowerCase() ?? '';
  const [bare = ''] = path.split('?');
  if (match.method !== undefined && match.method !== method) return false;
  for (const { name, value } of match.headers) {
    if (!headers.some(([n, v]) => n === name && v === value)) return false;
  }
  if (match.hosts.length > 0) {
    const fits = match.hosts.some((pattern) =>
      pattern[0] === '*'
        ? host.split('.').length >= pattern.split('.').length && host.endsWith(pattern.slice(1))
        : pattern === host,
    );
    if (!fits) return false;
  }
  if (match.path === undefined) return true;
  if (match.path.kind === 'exact') return bare === match.path.value;
  const [want, have] = [match.path.value, bare].map((text) => text.split('/').filter(Boolean));
  return (want ?? []).every((part, i) => have?.[i] === part);
}

function drawn(
  targets: readonly { readonly names: string; readonly weight: number }[],
  draw: number,
): { readonly names: string } | undefined {
  const tickets = targets.flatMap((each) => Array.from({ length: each.weight }, () => each));
  return tickets[Math.floor(draw * tickets.length)];
}

function inPool({ endpoints, pool }: RequestWords, names: string): readonly CaseEndpoint[] {
  return endpoints.filter(
    ({ name, endpoint }) => names.includes(name) && (pool === 'cluster' || endpoint.local),
  );
}

function usable(all: readonly CaseEndpoint[]): readonly CaseEndpoint[] {
  const ready = all.filter(({ endpoint }) => endpoint.ready);
  if (ready.length > 0) return ready;
  return all.filter(({ endpoint }) => endpoint.serving && endpoint.terminating);
}

/** The first cookie that names an endpoint of the pool which is ready or serving. */
function session(words: RequestWords, names: string): string | undefined {
  if (!words.sticky) return undefined;
  const keeping = inPool(words, names).filter(({ endpoint: e }) => e.ready || e.serving);
  for (const cookie of words.cookies) {
    const match = /^(?:quoted-)?([a-z])(-old)?$/.exec(cookie);
    if (match !== null && keeping.some(({ name }) => name === match[1])) {
      return `stay at ${match[1]}${match[2] === undefined ? '' : ', renew'}`;
    }
  }
  return undefined;
}

function hashed({ hash, headers, cookies, path }: RequestWords): string | undefined {
  if (hash === undefined) return undefined;
  if (!('name' in hash)) return hash.kind === 'source' ? clientAddress : path.split('?')[0];
  if (hash.kind === 'header') return headers.find(([name]) => name === hash.name)?.[1];
  const wanted = hash.name;
  const pairs = hash.kind === 'query' ? path.split('?').slice(1).join('?').split('&') : cookies;
  for (const pair of pairs) {
    const [name, ...value] = pair.split('=');
    const isPair = hash.kind === 'query' ? pair !== '' : value.length > 0;
    if (isPair && name === wanted) return value.join('=');
  }
  return undefined;
}
