/**
 * Every annotation and label key of our own, with its parser, the foreign keys read as the same thing, and what
 * it does. No key is spelled anywhere else.
 */
import {
  canonicalIp,
  formatSocketAddress,
  parseSocketAddress,
  type ProxyProtocol,
  type Replay,
  type SchedulerName,
  type SocketAddress,
} from '../model/index.ts';
import { isJsonArray } from './json.ts';
import type { KubeObject } from './object.ts';
import {
  parseCookieDomain,
  parseCookieName,
  parseCookiePath,
  parseDuration,
  parseHash,
  parseHashBound,
  parseRanges,
  parseRetries,
  parseRetryOn,
  parseSameSite,
  parseSecretName,
  parseSwitch,
  parseTimeout,
} from './request-annotations.ts';
import {
  parseAffinity,
  parseBalance,
  parseProxyProtocol,
  parseReplay,
  parseScheduler,
  type AffinityKind,
  type BalanceMode,
} from './service-annotations.ts';

/** Before the name of every key of our own. */
export const ownPrefix = 'switchyard.dev/';

/** What a parser makes of a text; `problem` says what is wrong as the end of `Cannot read ...: `. */
export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

export interface AnnotationSpec<T> {
  readonly key: string;
  readonly place: 'annotation' | 'label';
  /** Kinds it stands on. */
  readonly on: readonly string[];
  /** Foreign keys read when ours is absent, the first present one wins. */
  readonly synonyms: readonly string[];
  readonly doc: string;
  parse(text: string): Parsed<T>;
}

/** What stands on an object: the key found, and its value or what is wrong with it. */
export type Reading<T> = Parsed<T> & { readonly key: string };

/** Undefined when the object has neither the key nor a synonym. */
export function readAnnotation<T>(
  object: KubeObject,
  spec: AnnotationSpec<T>,
): Reading<T> | undefined {
  const { annotations: texts, labels } = object.metadata;
  const source = (spec.place === 'label' ? labels : texts) ?? {};
  for (const key of [spec.key, ...spec.synonyms]) {
    const text = source[key];
    if (text !== undefined) return { key, ...spec.parse(text) };
  }
  return undefined;
}

/** Where a Pod that is not a process is: a port of its own only when one is given. */
export interface PodAddress {
  readonly address: string;
  readonly port: number | undefined;
}

/** A frontend that answers at another address than the Service says. */
export interface ReachedAt {
  readonly declared: SocketAddress;
  readonly reached: SocketAddress;
}

const address: AnnotationSpec<PodAddress> = {
  key: 'switchyard.dev/address',
  place: 'annotation',
  on: ['Pod'],
  synonyms: [],
  doc: 'HOST or HOST:PORT (IPv6 with a port in brackets) of something already running; the Pod stands for it.',
  parse: parsePodAddress,
};

const command: AnnotationSpec<readonly string[]> = {
  key: 'switchyard.dev/command',
  place: 'annotation',
  on: ['Pod'],
  synonyms: [],
  doc: 'Runs the Pod as a process of this host: a JSON array of words, or a line for the shell.',
  parse: parseCommandLine,
};

const proxyProtocol: AnnotationSpec<ProxyProtocol> = {
  key: 'switchyard.dev/proxy-protocol',
  place: 'annotation',
  on: ['Service'],
  synonyms: [],
  doc: 'Tells TCP backends who their client is by the PROXY protocol, v1 or v2; an unknown value leaves none. Drivers that do not carry the bytes themselves cannot.',
  parse: parseProxyProtocol,
};

const folder: AnnotationSpec<string> = {
  key: 'switchyard.dev/folder',
  place: 'annotation',
  on: ['Pod'],
  synonyms: [],
  doc: 'The folder that the command of the Pod runs in; the one Switchyard was started in when absent.',
  parse: (text) => (text === '' ? bad('it is empty') : good(text)),
};

const reachedAt: AnnotationSpec<readonly ReachedAt[]> = {
  key: 'switchyard.dev/reached-at',
  place: 'annotation',
  on: ['Service'],
  synonyms: [],
  doc: 'Written by Switchyard: frontends that answer somewhere else, as DECLARED=REACHED,...',
  parse: parseReachedAt,
};

const replay: AnnotationSpec<Replay> = {
  key: 'switchyard.dev/replay',
  place: 'annotation',
  on: ['Service'],
  synonyms: [],
  doc: 'With first-bytes, when a TCP backend ends or fails before its first byte, the next one is told what the client has said so far (16 KiB at most). The first may have acted on it, so only for requests that may be done twice, and where backends answer. none, the default and the fallback: bytes are said once. Only the userspace driver can.',
  parse: parseReplay,
};

const scheduler: AnnotationSpec<SchedulerName> = {
  key: 'switchyard.dev/scheduler',
  place: 'annotation',
  on: ['Service'],
  synonyms: ['kube-router.io/service.scheduler', 'service.cilium.io/lb-algorithm'],
  doc: "How an endpoint is picked, by IPVS's names; an unknown name leaves the default, rr.",
  parse: parseScheduler,
};

const weight: AnnotationSpec<number> = {
  key: 'switchyard.dev/weight',
  place: 'label',
  on: ['Pod'],
  synonyms: [],
  doc: 'The share of this endpoint among the others, 0 to 65535; 0 drains it, absent counts as 1.',
  parse: parseWeight,
};

const sliceWeight: AnnotationSpec<number> = {
  key: 'switchyard.dev/weight',
  place: 'annotation',
  on: ['EndpointSlice'],
  synonyms: ['service.cilium.io/weight'],
  doc: 'The weight of every endpoint of the slice whose Pod has no weight label, 0 to 65535.',
  parse: parseWeight,
};

const affinity: AnnotationSpec<AffinityKind> = {
  key: 'switchyard.dev/affinity',
  place: 'annotation',
  on: ['Service'],
  synonyms: [],
  doc: 'Who stays with its endpoint: cookie, clientIP or none. Wins over spec.sessionAffinity; an unknown value leaves that one in force.',
  parse: parseAffinity,
};

const balance: AnnotationSpec<BalanceMode> = {
  key: 'switchyard.dev/balance',
  place: 'annotation',
  on: ['Service'],
  synonyms: [],
  doc: 'What is balanced on HTTP ports: connection, or request. An unknown value leaves connection.',
  parse: parseBalance,
};

/** An annotation of a Service's that counts where requests are balanced. */
function ofRequests<T>(
  key: string,
  parse: AnnotationSpec<T>['parse'],
  doc: string,
): AnnotationSpec<T> {
  return { key, place: 'annotation', on: ['Service'], synonyms: [], doc, parse };
}

const cookieName = ofRequests(
  'switchyard.dev/cookie-name',
  parseCookieName,
  'The name of the cookie of `affinity: cookie`; sy- and a hash of the Service when absent.',
);
const cookiePath = ofRequests(
  'switchyard.dev/cookie-path',
  parseCookiePath,
  'The Path of that cookie; / when absent.',
);
const cookieDomain = ofRequests(
  'switchyard.dev/cookie-domain',
  parseCookieDomain,
  'The Domain of that cookie; only the host that was asked when absent.',
);
const cookieMaxAge = ofRequests(
  'switchyard.dev/cookie-max-age',
  parseTimeout,
  'How long a browser keeps that cookie, as 30m or 7d; until it is closed when absent.',
);
const cookieSameSite = ofRequests(
  'switchyard.dev/cookie-same-site',
  parseSameSite,
  'The SameSite of that cookie: Strict, Lax or None; Lax when absent, and for None without Secure.',
);
const cookieSecure = ofRequests(
  'switchyard.dev/cookie-secure',
  parseSwitch,
  'Whether that cookie is sent over TLS only; where the port terminates TLS when absent.',
);
const cookieHttpOnly = ofRequests(
  'switchyard.dev/cookie-http-only',
  parseSwitch,
  'Whether that cookie is hidden from scripts; true when absent.',
);
const hash = ofRequests(
  'switchyard.dev/hash',
  parseHash,
  'Balances requests by a hash: header:NAME, cookie:NAME, query:NAME, path or source. The scheduler chooses for those that have nothing to hash.',
);
const hashBound = ofRequests(
  'switchyard.dev/hash-bound',
  parseHashBound,
  'How many times the mean load an endpoint may have before a hash goes on to the next; 1.25 when absent.',
);
const tlsSecret = ofRequests(
  'switchyard.dev/tls-secret',
  parseSecretName,
  'A Secret of the same namespace with tls.crt and tls.key: TLS of the ports that say https ends at the gateway.',
);
const retries = ofRequests(
  'switchyard.dev/retries',
  parseRetries,
  'Further endpoints a request may be sent to when one fails, 0 to 10; 2 when absent.',
);
const retryOn = ofRequests(
  'switchyard.dev/retry-on',
  parseRetryOn,
  'Besides a failed connect, what idempotent requests are sent again for: reset, timeout, statuses, as reset,503; reset when absent.',
);
const responseTimeout = ofRequests(
  'switchyard.dev/response-timeout',
  parseTimeout,
  'How long an endpoint may take until the head of its answer, and between two bytes of it; 60s when absent.',
);
const slowStart = ofRequests(
  'switchyard.dev/slow-start',
  parseDuration,
  'How long a new endpoint takes less than its share, growing from a tenth; 0 when absent.',
);
const trustedProxies = ofRequests(
  'switchyard.dev/trusted-proxies',
  parseRanges,
  'Ranges whose X-Forwarded-* and Forwarded are believed, as 10.0.0.0/8,...; none when absent.',
);

export const annotations = {
  address,
  affinity,
  balance,
  command,
  cookieDomain,
  cookieHttpOnly,
  cookieMaxAge,
  cookieName,
  cookiePath,
  cookieSameSite,
  cookieSecure,
  folder,
  hash,
  hashBound,
  proxyProtocol,
  reachedAt,
  responseTimeout,
  retries,
  retryOn,
  replay,
  scheduler,
  sliceWeight,
  slowStart,
  tlsSecret,
  trustedProxies,
  weight,
} as const;

/** The text of `switchyard.dev/reached-at`. */
export function formatReachedAt(entries: readonly ReachedAt[]): string {
  return entries
    .map(({ declared, reached }) => [declared, reached].map(formatSocketAddress).join('='))
    .join(',');
}

function parsePodAddress(text: string): Parsed<PodAddress> {
  const bare = canonicalIp(text.trim());
  if (bare !== undefined) return good({ address: bare, port: undefined });
  const pair = parseSocketAddress(text.trim());
  return pair === undefined
    ? bad('it must be an IP address, or ADDRESS:PORT with a port of 1 to 65535')
    : good(pair);
}

function parseCommandLine(text: string): Parsed<readonly string[]> {
  const line = text.trim();
  if (line === '') return bad('it is empty');
  if (!line.startsWith('[')) return good(['/bin/sh', '-c', line]);
  let words: unknown;
  try {
    words = JSON.parse(line);
  } catch {
    return bad('it starts like a JSON array and is none');
  }
  if (!isJsonArray(words) || words.length === 0) return bad('the JSON array is empty');
  const texts = words.filter((word) => typeof word === 'string');
  return texts.length === words.length
    ? good(texts)
    : bad('the JSON array holds more than strings');
}

function parseReachedAt(text: string): Parsed<readonly ReachedAt[]> {
  const entries: ReachedAt[] = [];
  for (const part of text.split(',').filter((item) => item !== '')) {
    const [left = '', right = '', ...rest] = part.split('=');
    const declared = parseSocketAddress(left);
    const reached = parseSocketAddress(right);
    if (declared === undefined || reached === undefined || rest.length > 0) {
      return bad(`${JSON.stringify(part)} is not DECLARED=REACHED`);
    }
    entries.push({ declared, reached });
  }
  return good(entries);
}

function parseWeight(text: string): Parsed<number> {
  return /^(0|[1-9][0-9]{0,4})$/.test(text) && Number(text) <= 65_535
    ? good(Number(text))
    : bad('it must be a whole number from 0 to 65535');
}

function good<T>(value: T): Parsed<T> {
  return { ok: true, value };
}

function bad(problem: string): { readonly ok: false; readonly problem: string } {
  return { ok: false, problem };
}
