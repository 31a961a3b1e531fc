/** Parsers of the annotations that say how a Service chooses. */
import {
  schedulerNames,
  type ProxyProtocol,
  type Replay,
  type SchedulerName,
} from '../model/index.ts';
import type { Parsed } from './annotations.ts';

/** `cookie` is HTTP's, so it balances requests; the others are `spec.sessionAffinity`'s. */
export type AffinityKind = 'none' | 'clientIP' | 'cookie';

export type BalanceMode = 'connection' | 'request';

const affinityKinds: readonly AffinityKind[] = ['none', 'clientIP', 'cookie'];
const balanceModes: readonly BalanceMode[] = ['connection', 'request'];
const replays: readonly Replay[] = ['none', 'first-bytes'];
const proxyVersions: readonly ProxyProtocol[] = ['none', 'v1', 'v2'];

/** Other projects' names for the same thing: Cilium's `maglev`. */
const foreignSchedulers: Readonly<Record<string, SchedulerName>> = { maglev: 'mh' };

export function parseScheduler(text: string): Parsed<SchedulerName> {
  const name = schedulerNames.find((known) => known === text) ?? foreignSchedulers[text];
  return name === undefined
    ? unknown(text, 'a scheduler', schedulerNames)
    : { ok: true, value: name };
}

export function parseAffinity(text: string): Parsed<AffinityKind> {
  const kind = affinityKinds.find((known) => known.toLowerCase() === text.toLowerCase());
  return kind === undefined
    ? unknown(text, 'an affinity', affinityKinds)
    : { ok: true, value: kind };
}

export function parseBalance(text: string): Parsed<BalanceMode> {
  const mode = balanceModes.find((known) => known === text);
  return mode === undefined
    ? unknown(text, 'a balance mode', balanceModes)
    : { ok: true, value: mode };
}

export function parseProxyProtocol(text: string): Parsed<ProxyProtocol> {
  const version = proxyVersions.find((known) => known === text);
  return version === undefined
    ? unknown(text, 'a version of the PROXY protocol', proxyVersions)
    : { ok: true, value: version };
}

export function parseReplay(text: string): Parsed<Replay> {
  const replay = replays.find((known) => known === text);
  return replay === undefined
    ? unknown(text, 'a way to replay', replays)
    : { ok: true, value: replay };
}

function unknown(
  text: string,
  what: string,
  known: readonly string[],
): { readonly ok: false; readonly problem: string } {
  return {
    ok: false,
    problem: `${JSON.stringify(text)} is not ${what}; known are ${known.join(', ')}`,
  };
}
