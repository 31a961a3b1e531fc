/**
 * A line language for the decision table: each case is one sentence, so that the table can be read against the
 * rules it states and no case hides in a builder. Grammar, clauses in any order but the flow last:
 *
 *   TCP|UDP|SCTP, IPv4|IPv6                     (TCP IPv4 unless said)
 *   endpoints a ready, b not-ready local, ... | endpoints none
 *   internal Local|Cluster; external Local|Cluster
 *   frontends nodePort, loadBalancer, second-loadBalancer, externalIP   (clusterIP is always there)
 *   ranges clients, nodes, ...                  (source ranges; see case-addresses)
 *   node masquerade-all, no-local-detection, service-ranges, zone=z | no-zone
 *   flow pod|node|outside [SOURCE] -> DESTINATION [wrong-port] [over PROTOCOL]: VERDICT
 *
 * VERDICT: `forward to a, b (pool cluster|local), masquerade always|hairpin[, a sees node|client]`,
 * `reject WHY`, `drop WHY` or `pass`.
 */
import type { IpFamily } from './address.ts';
import {
  isRange,
  placeOf,
  podAddress,
  rangeOf,
  type PlaceName,
  type RangeName,
} from './case-addresses.suite.ts';
import {
  destinationOf,
  isProtocol,
  nodePort,
  servicePort,
  sourceOf,
  unknown,
} from './case-flow.suite.ts';
import { parseEndpoints, type CaseEndpoint } from './case-endpoints.suite.ts';
import { masquerades, type Decision, type Flow } from './flow.ts';
import type { NodeView, Plan } from './plan.ts';
import type { Frontend, Protocol, TrafficPolicy, VirtualServer } from './service-port.ts';
import { testPlan, testServer } from './testing.ts';

export interface DecideCase {
  readonly line: number;
  /** The sentence itself. */
  readonly text: string;
  readonly plan: Plan;
  readonly flow: Flow;
  /** The verdict as written; equal to `describeDecision` of the Decision when it holds. */
  readonly verdict: string;
  /** Who each named endpoint sees as its client. */
  readonly sees: readonly { readonly endpoint: string; readonly who: string }[];
  readonly names: ReadonlyMap<string, string>;
}

const verdictPattern =
  /^(?:forward to [a-z](?:, [a-z])* \(pool (?:cluster|local)\), masquerade (?:always|hairpin)|reject (?:no-endpoints|port-not-served)|drop (?:no-local-endpoints|source-range|unallocated-address)|pass)$/;

/** What the clauses of one case have said so far. */
interface Draft {
  protocol: Protocol;
  family: IpFamily;
  endpoints: readonly CaseEndpoint[];
  internal: TrafficPolicy;
  external: TrafficPolicy;
  frontends: readonly string[];
  ranges: readonly RangeName[];
  masqueradeAll: boolean;
  detectsLocalPods: boolean;
  serviceRanges: boolean;
  zone: string | undefined;
}

/** Every case of a file; empty lines and those behind `#` say nothing. Throws with the line's number. */
export function parseCases(text: string, file: string): readonly DecideCase[] {
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

function parseCase(text: string, line: number): DecideCase {
  const clauses = text.split('; ');
  const flowClause = clauses.pop() ?? '';
  const draft: Draft = {
    protocol: 'TCP',
    family: 'IPv4',
    endpoints: [],
    internal: 'Cluster',
    external: 'Cluster',
    frontends: [],
    ranges: [],
    masqueradeAll: false,
    detectsLocalPods: true,
    serviceRanges: false,
    zone: 'east',
  };
  const seen = new Set<string>();
  for (const clause of clauses) {
    const keyword = readClause(clause, draft);
    if (seen.has(keyword)) throw new Error(`"${keyword}" is said twice`);
    seen.add(keyword);
  }
  if (!seen.has('endpoints')) throw new Error('no word on endpoints');
  const match = /^flow (.+) -> ([^:]+): (.+)$/.exec(flowClause);
  if (match === null) throw new Error(`"${flowClause}" is no flow`);
  const [, from = '', to = '', says = ''] = match;
  const node = nodeOf(draft);
  const names = new Map(draft.endpoints.map((e, i) => [podAddress(i + 1, draft.family), e.name]));
  const flow = { ...sourceOf(from, draft), ...destinationOf(to, draft), sourcePort: 40_000 };
  return {
    line,
    text,
    names,
    flow,
    plan: testPlan([serverOf(draft, node)], node),
    ...verdictOf(says),
  };
}

function readClause(clause: string, draft: Draft): string {
  const [keyword = '', ...words] = clause.split(' ');
  const rest = words.join(' ');
  switch (keyword) {
    case 'endpoints':
      draft.endpoints = parseEndpoints(rest);
      return keyword;
    case 'internal':
      draft.internal = policyOf(rest);
      return keyword;
    case 'external':
      draft.external = policyOf(rest);
      return keyword;
    case 'frontends':
      draft.frontends = rest.split(', ').map(frontendWord);
      return keyword;
    case 'ranges':
      draft.ranges = rest.split(', ').map(rangeWord);
      return keyword;
    case 'node':
      for (const word of rest.split(', ')) readNodeWord(word, draft);
      return keyword;
    default:
      for (const word of clause.split(' ')) readTransportWord(word, draft);
      return 'transport';
  }
}

function readTransportWord(word: string, draft: Draft): void {
  if (isProtocol(word)) draft.protocol = word;
  else if (word === 'IPv4' || word === 'IPv6') draft.family = word;
  else throw unknown(word, 'a clause');
}

function readNodeWord(word: string, draft: Draft): void {
  if (word === 'masquerade-all') draft.masqueradeAll = true;
  else if (word === 'no-local-detection') draft.detectsLocalPods = false;
  else if (word === 'service-ranges') draft.serviceRanges = true;
  else if (word === 'no-zone') draft.zone = undefined;
  else if (/^zone=[a-z]+$/.test(word)) draft.zone = word.slice('zone='.length);
  else throw unknown(word, 'said of the node');
}

function policyOf(word: string): TrafficPolicy {
  if (word === 'Local' || word === 'Cluster') return word;
  throw unknown(word, 'a traffic policy');
}

function frontendWord(word: string): string {
  if (['nodePort', 'loadBalancer', 'second-loadBalancer', 'externalIP'].includes(word)) return word;
  throw unknown(word, 'a frontend');
}

function rangeWord(word: string): RangeName {
  if (isRange(word)) return word;
  throw unknown(word, 'a range');
}

function nodeOf(draft: Draft): NodeView {
  const { family } = draft;
  return {
    name: 'here',
    zone: draft.zone,
    addresses: [placeOf('node-address', family), placeOf('second-node-address', family)],
    nodePortAddresses: [placeOf('node-address', family)],
    serviceRanges: draft.serviceRanges ? [rangeOf('services', family)] : [],
    masqueradeAll: draft.masqueradeAll,
    detectsLocalPods: draft.detectsLocalPods,
  };
}

function serverOf(draft: Draft, node: NodeView): VirtualServer {
  const { family, protocol } = draft;
  const endpoints = draft.endpoints.map((e, i) => ({
    ...e.endpoint,
    address: podAddress(i + 1, family),
  }));
  return testServer(
    {
      ref: { namespace: 'default', name: 'web', portName: 'http', protocol, family },
      endpoints,
      frontends: ['clusterIP', ...draft.frontends].map((word) => frontendOf(word, family)),
      internalTrafficPolicy: draft.internal,
      externalTrafficPolicy: draft.external,
      sourceRanges: draft.ranges.map((name) => rangeOf(name, family)),
    },
    node,
  );
}

function frontendOf(word: string, family: IpFamily): Frontend {
  const at = (name: PlaceName) => ({ address: placeOf(name, family), port: servicePort });
  switch (word) {
    case 'clusterIP':
      return { kind: 'clusterIP', ...at('clusterIP') };
    case 'loadBalancer':
    case 'second-loadBalancer':
      return { kind: 'loadBalancer', ...at(word) };
    case 'externalIP':
      return { kind: 'externalIP', ...at('externalIP') };
    default:
      return { kind: 'nodePort', address: undefined, port: nodePort };
  }
}

function verdictOf(says: string): Pick<DecideCase, 'verdict' | 'sees'> {
  const sees: { endpoint: string; who: string }[] = [];
  const verdict = says.replaceAll(
    /, ([a-z]) sees (node|client)/g,
    (_, endpoint: string, who: string) => {
      sees.push({ endpoint, who });
      return '';
    },
  );
  if (!verdictPattern.test(verdict)) throw unknown(verdict, 'a verdict');
  return { verdict, sees };
}

/** A Decision in the words of a case. */
export function describeDecision(
  decision: Decision,
  names: ReadonlyMap<string, string> = new Map(),
): string {
  switch (decision.kind) {
    case 'forward': {
      const to = decision.candidates.map((e) => names.get(e.address) ?? e.address).join(', ');
      return `forward to ${to} (pool ${decision.pool}), masquerade ${decision.masquerade}`;
    }
    case 'reject':
    case 'drop':
      return `${decision.kind} ${decision.why}`;
    case 'pass':
      return 'pass';
  }
}

/** Whom an endpoint of a case sees as its client: `node`, `client`, or why there is no such candidate. */
export function whomItSees(decision: Decision, flow: Flow, address: string | undefined): string {
  if (decision.kind !== 'forward') return decision.kind;
  const chosen = decision.candidates.find((e) => e.address === address);
  if (chosen === undefined) return 'not a candidate';
  return masquerades(decision.masquerade, flow, chosen) ? 'node' : 'client';
}
