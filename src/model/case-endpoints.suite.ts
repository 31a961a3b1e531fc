/** The `endpoints` clause of a decision case: conditions, place and hints, each by one word. */
import type { Endpoint } from './service-port.ts';
import { testEndpoint } from './testing.ts';

export interface CaseEndpoint {
  readonly name: string;
  readonly endpoint: Endpoint;
}

const plainWords: ReadonlySet<string> = new Set([
  'ready',
  'not-ready',
  'serving',
  'not-serving',
  'terminating',
  'local',
]);

const oppositeWords = [
  ['ready', 'not-ready'],
  ['serving', 'not-serving'],
] as const;

/**
 * `a ready local, b not-ready, c terminating`. An endpoint is ready unless it is said to be not-ready or
 * terminating, and serves while it is ready or terminating, unless another word says so. Node, zone and hints:
 * `node=n zone=z hint-zones=y+z hint-nodes=n+m`; `weight=0` drains. Throws on any other word.
 */
export function parseEndpoints(text: string): readonly CaseEndpoint[] {
  if (text === 'none') return [];
  const all = text.split(', ').map(parseEndpoint);
  if (new Set(all.map((e) => e.name)).size < all.length) throw new Error('a name is used twice');
  return all;
}

function parseEndpoint(text: string): CaseEndpoint {
  const [name = '', ...words] = text.split(' ');
  if (!/^[a-z]$/.test(name)) throw new Error(`"${name}" is not the name of an endpoint`);
  const said = new Set(words.filter((word) => plainWords.has(word)));
  const valued = new Map(words.filter((word) => !plainWords.has(word)).map(parseValued));
  if (said.size + valued.size < words.length) throw new Error(`${name}: a word is said twice`);
  if (!said.has('ready') && !said.has('not-ready') && !said.has('terminating')) {
    throw new Error(`${name} is neither ready, not-ready nor terminating`);
  }
  for (const [one, other] of oppositeWords) {
    if (said.has(one) && said.has(other)) throw new Error(`${name} is ${one} and ${other}`);
  }
  const local = said.has('local');
  const terminating = said.has('terminating');
  const ready = said.has('ready');
  const endpoint = testEndpoint({
    ready,
    serving: said.has('serving') || (!said.has('not-serving') && (ready || terminating)),
    terminating,
    local,
    node: valued.get('node') ?? (local ? 'here' : 'there'),
    zone: valued.get('zone'),
    zoneHints: listOf(valued.get('hint-zones')),
    nodeHints: listOf(valued.get('hint-nodes')),
    weight: Number(valued.get('weight') ?? 1),
  });
  return { name, endpoint };
}

function parseValued(word: string): readonly [string, string] {
  const match = /^(node|zone|hint-zones|hint-nodes|weight)=([a-z0-9+]+)$/.exec(word);
  if (match === null) throw new Error(`"${word}" is not said of an endpoint`);
  const [, key = '', value = ''] = match;
  if (key === 'weight' && !/^[0-9]+$/.test(value)) throw new Error(`"${word}" is no weight`);
  return [key, value];
}

function listOf(value: string | undefined): readonly string[] {
  return value === undefined ? [] : value.split('+');
}
