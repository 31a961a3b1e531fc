/** Parsers of the annotations that say how the requests of a Service are treated. */
import {
  isCookieDomain,
  isCookieName,
  isCookiePath,
  parseCidr,
  type CookieSettings,
  type HashSource,
  type RetryRules,
} from '../model/index.ts';
import type { Parsed } from './annotations.ts';

const sameSites = ['Strict', 'Lax', 'None'] as const;
const headerName = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/;
const secretName = /^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/;
const durationPattern = /^([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h|d)?$/;
const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const longestMs = 400 * unitMs.d;
const mostRetries = 10;

export function parseCookieName(text: string): Parsed<string> {
  return isCookieName(text) ? good(text) : bad('it must be a token: letters, digits, - and _');
}

export function parseCookiePath(text: string): Parsed<string> {
  return isCookiePath(text) ? good(text) : bad('it must begin with / and hold no semicolon');
}

export function parseCookieDomain(text: string): Parsed<string> {
  const name = text.startsWith('.') ? text.slice(1) : text;
  return isCookieDomain(name) ? good(name.toLowerCase()) : bad('it must be a domain name');
}

export function parseSameSite(text: string): Parsed<NonNullable<CookieSettings['sameSite']>> {
  const known = sameSites.find((each) => each.toLowerCase() === text.toLowerCase());
  return known === undefined ? bad(`it must be one of ${sameSites.join(', ')}`) : good(known);
}

export function parseSwitch(text: string): Parsed<boolean> {
  if (text === 'true' || text === 'false') return good(text === 'true');
  return bad('it must be true or false');
}

/** Milliseconds: `90s`, `1.5h`, `250ms`; a number alone is seconds. */
export function parseDuration(text: string): Parsed<number> {
  const match = durationPattern.exec(text);
  const [, number = '', unit = 's'] = match ?? [];
  const ms = Number(number) * (Object.entries(unitMs).find(([name]) => name === unit)?.[1] ?? 0);
  if (match !== null && ms <= longestMs) return good(ms);
  return bad('it must be a time of at most 400 days, as 30s, 5m, 12h or 7d');
}

/** As `parseDuration`, and not nothing. */
export function parseTimeout(text: string): Parsed<number> {
  const parsed = parseDuration(text);
  return parsed.ok && parsed.value === 0 ? bad('it must be longer than nothing') : parsed;
}

export function parseHash(text: string): Parsed<HashSource> {
  if (text === 'path' || text === 'source') return good({ kind: text });
  const colon = text.indexOf(':');
  const [kind, name] = [text.slice(0, colon), text.slice(colon + 1)];
  if (kind === 'header' && headerName.test(name)) return good({ kind, name: name.toLowerCase() });
  if (kind === 'cookie' && isCookieName(name)) return good({ kind, name });
  if (kind === 'query' && /^[^&=#\s]{1,128}$/.test(name)) return good({ kind, name });
  return bad('it must be header:NAME, cookie:NAME, query:NAME, path or source');
}

export function parseHashBound(text: string): Parsed<number> {
  const bound = /^[0-9]{1,3}(\.[0-9]{1,3})?$/.test(text) ? Number(text) : 0;
  return bound > 1 && bound <= 100 ? good(bound) : bad('it must be a number above 1, up to 100');
}

export function parseSecretName(text: string): Parsed<string> {
  return secretName.test(text) ? good(text) : bad('it is not the name of a Secret');
}

export function parseRetries(text: string): Parsed<number> {
  const count = /^[0-9]{1,2}$/.test(text) ? Number(text) : Number.NaN;
  return count <= mostRetries
    ? good(count)
    : bad(`it must be a whole number from 0 to ${mostRetries}`);
}

export function parseRetryOn(text: string): Parsed<RetryRules['on']> {
  const on: RetryRules['on'][number][] = [];
  for (const word of text.split(',').map((part) => part.trim())) {
    if (word === 'reset' || word === 'timeout') on.push(word);
    else if (/^[45][0-9][0-9]$/.test(word)) on.push(Number(word));
    else if (word !== '')
      return bad(`"${word}" is neither reset, timeout nor a status of 400 to 599`);
  }
  return good(on);
}

export function parseRanges(text: string): Parsed<readonly string[]> {
  const ranges = text.split(',').flatMap((part) => (part.trim() === '' ? [] : [part.trim()]));
  const wrong = ranges.find((range) => parseCidr(range) === undefined);
  return wrong === undefined ? good(ranges) : bad(`"${wrong}" is not a range like 10.0.0.0/8`);
}

function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function bad(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
