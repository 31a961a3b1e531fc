/**
 * The cases that need packets: who the backend sees as its client, where a connection comes from, and what happens
 * to it without an answer. Each flow is asked of `decide` and of the driver, by clients that stand in three places.
 */
import assert from 'node:assert/strict';
import {
  decide,
  familyOf,
  masquerades,
  parseCidr,
  type Cidr,
  type Endpoint,
  type SocketAddress,
} from '../../model/index.ts';
import {
  clusterIp,
  elsewhere,
  externalIp,
  loadBalancerIp,
  nodePort,
  testServer,
} from './builders.ts';
import type { NamespaceWorld } from './namespaces.ts';
import type { Rig } from './rig.ts';
import type { Held } from './peers.ts';

export type PacketCases = Readonly<
  Record<string, (rig: Rig, world: NamespaceWorld) => Promise<void>>
>;

type Place = keyof NamespaceWorld['clients'];

/** What the node's connection tracking has of one connection: source ports alone are used again by others. */
function tracked(world: NamespaceWorld, { from }: Held, to: SocketAddress): readonly string[] {
  const family = familyOf(to.address) === 'IPv4' ? 'ipv4' : 'ipv6';
  const flow = `src=${from.address} dst=${to.address} sport=${from.port} dport=${to.port} `;
  const listed = world.inNode('conntrack', '-L', '-f', family);
  return listed.split('\n').filter((line) => line.includes(flow));
}

const silenceMs = 250;
const answerMs = 2_500;
const everywhere = ['outside', 'node', 'pod'] as const satisfies readonly Place[];

/** What `decide` says of a client's connection is what becomes of its packets, and of its address. */
async function expectAsDecided(
  rig: Rig,
  world: NamespaceWorld,
  { to, from, protocol = 'TCP' }: { to: SocketAddress; from: Place; protocol?: 'TCP' | 'UDP' },
): Promise<string> {
  const client = world.clients[from];
  const flow = rig.flowTo(to, protocol, client);
  const decision = decide(rig.plan, flow);
  const quick = decision.kind === 'drop' || decision.kind === 'pass';
  const met = await client.ask(protocol, to, { timeoutMs: quick ? silenceMs : answerMs });
  const said = `${decision.kind} ${'why' in decision ? decision.why : ''} from ${from}`;
  switch (decision.kind) {
    case 'reject':
      assert.equal(met.kind, 'refused', said);
      break;
    case 'drop':
    case 'pass':
      assert.equal(met.kind, 'silent', said);
      break;
    case 'forward': {
      assert.equal(met.kind, 'answered', said);
      if (met.kind !== 'answered') break;
      const chosen = decision.candidates.find((candidate) => rig.nameOf(candidate) === met.name);
      assert.ok(chosen !== undefined, `${met.name} is a candidate: ${said}`);
      const own = met.client === flow.source;
      const masked = masquerades(decision.masquerade, flow, chosen);
      assert.equal(own, !masked, `${said}: the backend saw ${met.client}`);
      return met.name;
    }
  }
  return met.kind;
}

async function fromEverywhere(
  rig: Rig,
  world: NamespaceWorld,
  places: readonly SocketAddress[],
): Promise<void> {
  for (const to of places) {
    for (const from of everywhere) {
      await expectAsDecided(rig, world, { to, from });
    }
  }
}

async function nodePlace(rig: Rig): Promise<SocketAddress> {
  const [address = ''] = rig.plan.node.nodePortAddresses;
  return await rig.freePlace(address);
}

function range(address: string, prefix: number): Cidr {
  const cidr = parseCidr(`${address}/${prefix}`);
  assert.ok(cidr !== undefined);
  return cidr;
}

interface Story {
  readonly internalTrafficPolicy?: 'Local';
  readonly externalTrafficPolicy?: 'Local';
  readonly here: boolean;
  readonly there: boolean;
}

/** Every kind of frontend of one Service, from every place. */
function policyCase(story: Story): (rig: Rig, world: NamespaceWorld) => Promise<void> {
  return async (rig, world) => {
    const [at, external, balanced] = [
      await rig.freePlace(),
      await rig.freePlace(),
      await rig.freePlace(),
    ];
    const node = await nodePlace(rig);
    const endpoints: Endpoint[] = [];
    if (story.here) endpoints.push(await rig.endpoint('here'));
    if (story.there) endpoints.push(await rig.endpoint('there', elsewhere));
    const { here: _, there: __, ...policies } = story;
    const frontends = [
      clusterIp(at),
      externalIp(external),
      loadBalancerIp(balanced),
      nodePort(node.port),
    ];
    await rig.apply(testServer(frontends, { endpoints, ...policies }));
    await fromEverywhere(rig, world, [at, external, balanced, node]);
  };
}

const policies = {
  'Cluster and Cluster': {},
  'internal Local': { internalTrafficPolicy: 'Local' },
  'external Local': { externalTrafficPolicy: 'Local' },
  'both Local': { internalTrafficPolicy: 'Local', externalTrafficPolicy: 'Local' },
} as const;
const whereabouts = {
  'endpoints here and there': { here: true, there: true },
  'endpoints only there': { here: false, there: true },
  'endpoints only here': { here: true, there: false },
  'no endpoints': { here: false, there: false },
} as const;

const policyCases: PacketCases = Object.fromEntries(
  Object.entries(policies).flatMap(([policy, p]) =>
    Object.entries(whereabouts).map(([where, w]) => [
      `${policy}, ${where}: every frontend from everywhere`,
      policyCase({ ...p, ...w }),
    ]),
  ),
);

export const packetCases: PacketCases = {
  ...policyCases,

  'source ranges let in whom they name, and only at the load balancer': async (rig, world) => {
    const { source } = world.clients.outside;
    const at = await rig.freePlace();
    const own = source(familyOf(at.address));
    const endpoints = await rig.endpoints('a', 'b');
    for (const [address, length] of [
      [own, familyOf(own) === 'IPv4' ? 32 : 128],
      [world.clients.pod.source(familyOf(own)), familyOf(own) === 'IPv4' ? 24 : 64],
      [world.clients.node.source(familyOf(own)), familyOf(own) === 'IPv4' ? 32 : 128],
    ] as const) {
      const balanced = await rig.freePlace();
      await rig.apply(
        testServer([clusterIp(at), loadBalancerIp(balanced)], {
          endpoints,
          sourceRanges: [range(address, length)],
        }),
      );
      await fromEverywhere(rig, world, [balanced, at]);
    }
  },

  'a Pod that gets itself sees the node': async (rig, world) => {
    const at = await rig.freePlace();
    const family = familyOf(at.address);
    const address = world.clients.pod.source(family);
    const endpoint = await rig.endpointAt('itself', { address });
    await rig.apply(testServer([clusterIp(at)], { endpoints: [endpoint] }));
    await expectAsDecided(rig, world, { to: at, from: 'pod' });
    await expectAsDecided(rig, world, { to: at, from: 'outside' });
  },

  'a mark of somebody else stays, and does not disturb': async (rig, world) => {
    const at = await rig.freePlace();
    const endpoints = await rig.endpoints('a', 'b');
    const family = familyOf(at.address) === 'IPv4' ? 'ip' : 'ip6';
    world.inNode('nft', 'add', 'table', family, 'foreign');
    try {
      const chain = '{ type filter hook prerouting priority -150; }';
      world.inNode('nft', 'add', 'chain', family, 'foreign', 'marks', chain);
      world.inNode('nft', 'add', 'rule', family, 'foreign', 'marks', 'ct mark set 0x5a');
      await rig.apply(testServer([clusterIp(at)], { endpoints }));
      await rig.expectShares(at, { a: 3, b: 3 });
      const own = tracked(world, await rig.hold(at), at);
      assert.equal(own.length, 1, own.join('\n'));
      assert.match(own[0] ?? '', /mark=90/);
    } finally {
      world.inNode('nft', 'delete', 'table', family, 'foreign');
    }
  },

  'no connection of ours keeps a mark': async (rig, world) => {
    const at = await rig.freePlace();
    await rig.apply(testServer([clusterIp(at)], { endpoints: await rig.endpoints('a') }));
    const own = tracked(world, await rig.hold(at), at);
    assert.equal(own.length, 1, own.join('\n'));
    assert.match(own[0] ?? '', /mark=0/);
  },

  'routing by packet mark is not disturbed': async (rig, world) => {
    const at = await rig.freePlace();
    const six = familyOf(at.address) === 'IPv6' ? ['-6'] : [];
    const rule = ['fwmark', '0x1/0x1', 'blackhole', 'priority', '50'];
    world.inNode('ip', ...six, 'rule', 'add', ...rule);
    try {
      await rig.apply(
        testServer([clusterIp(at)], { endpoints: await rig.endpoints('a', 'b', 'c') }),
      );
      for (let i = 0; i < 6; i++) {
        for (const from of everywhere) await expectAsDecided(rig, world, { to: at, from });
      }
    } finally {
      world.inNode('ip', ...six, 'rule', 'del', ...rule);
    }
  },
};

/** With a Service range and with Pods that are told from others; each is a node of its own. */
export const nodeCases: PacketCases = {
  'an address no Service has is dropped, a wrong port refused': async (rig, world) => {
    const at = await rig.freePlace();
    const free = await rig.freePlace();
    const wrong = await rig.freePlace(at.address);
    await rig.apply(testServer([clusterIp(at)], { endpoints: await rig.endpoints('a') }));
    for (const from of everywhere) {
      await expectAsDecided(rig, world, { to: at, from });
      await expectAsDecided(rig, world, { to: wrong, from });
      await expectAsDecided(rig, world, { to: free, from });
    }
  },
  ...policyCases,
};
