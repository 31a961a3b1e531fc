/**
 * What a table always holds, whatever Services there are: sets, maps, chains and the rules between them. It is
 * laid down once and stays; a Service only adds elements, and one small chain for each of its pools.
 *
 * How a choice travels: a pool's chain writes the number of a slot into the connection's mark, the next rule of
 * `services` takes it from there, puts the mark back as it was, and sends the connection to the slot's address.
 * All this is within the first packet's way through one hook, so nobody sees a mark of ours. A mark that was
 * there before waits in the packet's priority meanwhile.
 */
import type {
  BaseHook,
  Expression,
  RuleSpec,
  SetSpec,
  Verdict,
} from '../../codec/nftables/index.ts';
import {
  families,
  loadDestination,
  loadPlace,
  loadPort,
  loadSource,
  word,
  type Family,
} from './family.ts';
import { localPodMatch, type Detection } from './local-pods.ts';

export interface ChainSpec {
  readonly name: string;
  readonly base?: BaseHook;
  readonly comment?: string;
}

export interface Frame {
  readonly sets: readonly SetSpec[];
  readonly chains: readonly ChainSpec[];
  readonly rules: readonly RuleSpec[];
}

export interface FrameOptions {
  readonly masqueradeAll: boolean;
  /** How local Pods are told from others; undefined when they are not. */
  readonly localPods: Detection | undefined;
}

/** Marks with this bit say which pool of a Service with affinity; without it they say which slot. */
export const affinityTag = 0x8000_0000;

const stateNew = 8;
const statusDnat = 1 << 5;
const zero = word(0);
const dstnat = -100;
const srcnat = 100;

export function frameOf(family: Family, options: FrameOptions): Frame {
  return { sets: setsOf(family), chains: chainsOf(), rules: rulesOf(family, options) };
}

function setsOf({ addressType: address }: Family): SetSpec[] {
  const place = [address, 'inet_proto', 'inet_service'] as const;
  const port = ['inet_proto', 'inet_service'] as const;
  return [
    { name: 'services', key: place, data: 'verdict' },
    { name: 'short-circuit', key: place, data: 'verdict' },
    { name: 'external-local', key: place, data: 'verdict' },
    { name: 'node-ports', key: port, data: 'verdict' },
    { name: 'node-ports-short-circuit', key: port, data: 'verdict' },
    { name: 'node-ports-local', key: port, data: 'verdict' },
    { name: 'slots', key: ['mark'], data: [address, 'inet_service'], counter: true },
    { name: 'affinities', key: ['mark'], data: 'verdict' },
    { name: 'affinity-cluster', key: ['mark'], data: 'verdict' },
    { name: 'affinity-local', key: ['mark'], data: 'verdict' },
    { name: 'members-cluster', key: ['mark'] },
    { name: 'members-local', key: ['mark'] },
    { name: 'turns', key: ['mark'], data: ['mark'] },
    { name: 'firewall', key: place, data: 'verdict' },
    { name: 'no-endpoints', key: place, data: 'verdict' },
    { name: 'no-endpoint-node-ports', key: port, data: 'verdict' },
    { name: 'masquerades', key: place, data: 'verdict' },
    { name: 'masquerade-node-ports', key: port, data: 'verdict' },
    { name: 'hairpin', key: [address, address] },
    { name: 'cluster-ips', key: [address] },
    { name: 'service-ranges', key: [address], interval: true },
    { name: 'local-pods', key: [address], interval: true },
    { name: 'node-ips', key: [address] },
    { name: 'node-port-ips', key: [address] },
  ];
}

/** What the keys of a set or map of a table of ours are made of. */
export function keyTypesOf(set: string, familyNumber: number): SetSpec['key'] | undefined {
  const family = familyNumber === families.IPv4.number ? families.IPv4 : families.IPv6;
  return setsOf(family).find(({ name }) => name === set)?.key;
}

function chainsOf(): ChainSpec[] {
  const filter = { type: 'filter', priority: 0 } as const;
  const early = { type: 'filter', priority: dstnat - 10 } as const;
  return [
    ...[
      'masquerade',
      'masquerade-from-node',
      'reject',
      'unserved',
      'short-circuit-node-ports',
      'short-circuit-places',
      'local-node-ports',
      'local-places',
      'choose',
      'services-marked',
      'services',
    ].map((name) => ({ name })),
    { name: 'firewall-prerouting', base: { ...early, hook: 'prerouting' } },
    { name: 'firewall-output', base: { ...early, hook: 'output' } },
    { name: 'filter-input', base: { ...filter, hook: 'input' } },
    { name: 'filter-forward', base: { ...filter, hook: 'forward' } },
    { name: 'filter-output', base: { ...filter, hook: 'output' } },
    { name: 'nat-prerouting', base: { type: 'nat', hook: 'prerouting', priority: dstnat } },
    { name: 'nat-output', base: { type: 'nat', hook: 'output', priority: dstnat } },
    ...(['prerouting', 'output'] as const).map((hook) => ({
      name: `nat-${hook}-again`,
      base: { type: 'nat', hook, priority: dstnat + 1 } as const,
      comment: 'for a packet that a commit overtook',
    })),
    { name: 'nat-postrouting', base: { type: 'nat', hook: 'postrouting', priority: srcnat } },
  ];
}

function rulesOf(family: Family, options: FrameOptions): RuleSpec[] {
  return [
    ...servicesRules(family),
    ...chooseRules(family, options),
    ...filterRules(family),
    ...postroutingRules(family, options),
  ];
}

const say = (verdict: Verdict): Expression => ({ kind: 'verdict', verdict });
const jump = (chain: string): Expression => say({ kind: 'jump', chain });
const markTo = (to: number): Expression => ({ kind: 'ct', key: 'mark', to });
const isNot = (from: number, value: Uint8Array): Expression => ({
  kind: 'cmp',
  op: 'neq',
  from,
  value,
});
const is = (from: number, value: Uint8Array): Expression => ({
  kind: 'cmp',
  op: 'eq',
  from,
  value,
});

/** From a slot in the mark to the connection's destination; the mark becomes what `restore` says. */
function dnatRule(family: Family, chain: string, restore: readonly Expression[]): RuleSpec {
  return {
    chain,
    expressions: [
      markTo(0),
      isNot(0, zero),
      { kind: 'lookup', set: 'slots', from: 0, to: 1 },
      ...restore,
      { kind: 'dnat', family: family.number, address: 1, port: 1 + family.words },
    ],
  };
}

/**
 * Each hook has two. A packet runs by the rules of the moment it came, but finds the elements of the moment it looks:
 * one that a commit overtakes may look for a slot that has gone. In the second chain it runs by the new rules; a
 * packet that has its destination never comes there.
 */
const natChains = ['prerouting', 'output'].flatMap((hook) => [`nat-${hook}`, `nat-${hook}-again`]);

function servicesRules(family: Family): RuleSpec[] {
  const clear: Expression[] = [
    { kind: 'immediate', to: 15, value: zero },
    { kind: 'ct mark set', from: 15 },
  ];
  const putBack: Expression[] = [
    { kind: 'meta', key: 'priority', to: 14 },
    { kind: 'ct mark set', from: 14 },
    { kind: 'immediate', to: 15, value: zero },
    { kind: 'meta set', key: 'priority', from: 15 },
  ];
  const [plain, marked] = ['services', 'services-marked'];
  return [
    ...natChains.map((chain) => ({ chain, expressions: [jump(plain)] })),
    {
      chain: plain,
      expressions: [markTo(0), isNot(0, zero), say({ kind: 'goto', chain: marked })],
      comment: 'a mark of somebody else',
    },
    { chain: plain, expressions: [jump('choose')] },
    dnatRule(family, plain, clear),
    { chain: plain, expressions: [markTo(0), isNot(0, zero), ...clear] },
    {
      chain: marked,
      expressions: [markTo(0), { kind: 'meta set', key: 'priority', from: 0 }, ...clear],
      comment: 'it waits in the priority',
    },
    { chain: marked, expressions: [jump('choose')] },
    dnatRule(family, marked, putBack),
    { chain: marked, expressions: putBack },
  ];
}

function chooseRules(family: Family, { localPods }: FrameOptions): RuleSpec[] {
  const place = loadPlace(family);
  const atNode: Expression[] = [
    loadDestination(family, 0),
    { kind: 'lookup', set: 'node-port-ips', from: 0 },
  ];
  const verdictOf = (set: string): Expression => ({
    kind: 'lookup',
    set,
    from: 0,
    to: 'verdict',
  });
  const fromNode: Expression[] = [
    loadSource(family, 0),
    { kind: 'lookup', set: 'node-ips', from: 0 },
  ];
  const fromPod = localPods === undefined ? [] : [localPodMatch(family, localPods, 'packet')];
  const local = (chain: string, short: string, set: string, key: readonly Expression[]) => [
    ...[...fromPod, fromNode].map((source) => ({
      chain,
      expressions: [...source, say({ kind: 'goto', chain: short })],
    })),
    { chain, expressions: [...key, verdictOf(set)] },
  ];
  return [
    { chain: 'choose', expressions: [...place, verdictOf('services')] },
    {
      chain: 'choose',
      expressions: [markTo(0), is(0, zero), ...atNode, ...loadPort(0), verdictOf('node-ports')],
    },
    {
      chain: 'choose',
      expressions: [
        markTo(0),
        { kind: 'bitwise', from: 0, to: 1, mask: word(affinityTag), xor: zero },
        isNot(1, zero),
        verdictOf('affinities'),
      ],
    },
    ...local('local-places', 'short-circuit-places', 'external-local', place),
    { chain: 'short-circuit-places', expressions: [...place, verdictOf('short-circuit')] },
    ...local('local-node-ports', 'short-circuit-node-ports', 'node-ports-local', loadPort(0)),
    {
      chain: 'short-circuit-node-ports',
      expressions: [...loadPort(0), verdictOf('node-ports-short-circuit')],
    },
  ];
}

function filterRules(family: Family): RuleSpec[] {
  const place = loadPlace(family);
  const isNew: Expression[] = [
    { kind: 'ct', key: 'state', to: 0 },
    { kind: 'bitwise', from: 0, to: 1, mask: word(stateNew), xor: zero },
    isNot(1, zero),
  ];
  const reject = say({ kind: 'goto', chain: 'reject' });
  const at = (set: string): Expression[] => [
    loadDestination(family, 0),
    { kind: 'lookup', set, from: 0 },
  ];
  return [
    ...['firewall-prerouting', 'firewall-output'].map((chain) => ({
      chain,
      expressions: [
        ...isNew,
        ...place,
        { kind: 'lookup', set: 'firewall', from: 0, to: 'verdict' } as const,
      ],
    })),
    ...['filter-input', 'filter-forward', 'filter-output'].map((chain) => ({
      chain,
      expressions: [...isNew, jump('unserved')],
    })),
    {
      chain: 'unserved',
      expressions: [...place, { kind: 'lookup', set: 'no-endpoints', from: 0, to: 'verdict' }],
    },
    {
      chain: 'unserved',
      expressions: [
        ...at('node-port-ips'),
        ...loadPort(0),
        { kind: 'lookup', set: 'no-endpoint-node-ports', from: 0, to: 'verdict' },
      ],
    },
    {
      chain: 'unserved',
      expressions: [...at('cluster-ips'), reject],
      comment: 'a port its Service does not have',
    },
    {
      chain: 'unserved',
      expressions: [...at('service-ranges'), say({ kind: 'drop' })],
      comment: 'an address no Service has',
    },
    {
      chain: 'reject',
      expressions: [{ kind: 'reject', icmpCode: family.portUnreachable }],
    },
  ];
}

/** Whom the backend sees as its client; told from what the connection asked for at first. */
function postroutingRules(family: Family, options: FrameOptions): RuleSpec[] {
  const chain = 'nat-postrouting';
  const { words } = family;
  const source: Expression = { kind: 'ct', key: family.originalSource, original: true, to: 0 };
  const destination: Expression = {
    kind: 'ct',
    key: family.originalDestination,
    original: true,
    to: 0,
  };
  const port = (to: number): Expression[] => [
    { kind: 'meta', key: 'l4proto', to },
    { kind: 'ct', key: 'protoDst', original: true, to: to + 1 },
  ];
  const inSet = (set: string): Expression => ({ kind: 'lookup', set, from: 0 });
  const verdictOf = (set: string): Expression => ({
    kind: 'lookup',
    set,
    from: 0,
    to: 'verdict',
  });
  const masquerade: Expression = { kind: 'masquerade' };
  return [
    {
      chain,
      expressions: [
        { kind: 'ct', key: 'status', to: 0 },
        { kind: 'bitwise', from: 0, to: 1, mask: word(statusDnat), xor: zero },
        is(1, zero),
        say({ kind: 'return' }),
      ],
    },
    {
      chain,
      expressions: [source, loadDestination(family, words), inSet('hairpin'), masquerade],
      comment: 'to itself',
    },
    { chain, expressions: [destination, ...port(words), verdictOf('masquerades')] },
    {
      chain,
      expressions: [
        destination,
        inSet('node-port-ips'),
        ...port(0),
        verdictOf('masquerade-node-ports'),
      ],
    },
    ...clusterIpMasquerade(family, options).map((more) => ({
      chain,
      expressions: [destination, inSet('cluster-ips'), ...more, masquerade],
    })),
    { chain: 'masquerade', expressions: [masquerade] },
    { chain: 'masquerade-from-node', expressions: [source, inSet('node-ips'), masquerade] },
  ];
}

/** At most one rule: what it asks besides a ClusterIP. */
function clusterIpMasquerade(
  family: Family,
  { masqueradeAll, localPods }: FrameOptions,
): (readonly Expression[])[] {
  if (masqueradeAll) return [[]];
  return localPods === undefined ? [] : [localPodMatch(family, localPods, 'not original')];
}
