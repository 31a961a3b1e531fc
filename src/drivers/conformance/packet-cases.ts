/** The stories that need a kernel: what connection tracking keeps of us, and what time does to its maps. */
import assert from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import { familyOf, type SocketAddress } from '../../model/index.ts';
import { clusterIp, nodePort, testServer } from './builders.ts';
import type { NamespaceWorld } from './namespaces.ts';
import type { Held } from './peers.ts';
import type { Rig } from './rig.ts';

type PacketCases = Readonly<Record<string, (rig: Rig, world: NamespaceWorld) => Promise<void>>>;

/** What the node's connection tracking has of one connection: source ports alone are used again by others. */
function tracked(world: NamespaceWorld, { from }: Held, to: SocketAddress): readonly string[] {
  const family = familyOf(to.address) === 'IPv4' ? 'ipv4' : 'ipv6';
  const flow = `src=${from.address} dst=${to.address} sport=${from.port} dport=${to.port} `;
  const listed = world.inNode('conntrack', '-L', '-f', family);
  return listed.split('\n').filter((line) => line.includes(flow));
}

export const packetCases: PacketCases = {
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

  'ClientIP affinity ends when its time is over, and a client begins anew': async (rig, world) => {
    const at = await rig.freePlace();
    const endpoints = await rig.endpoints('a', 'b');
    // No other Service has this timeout, so that the map of it is this story's own.
    const affinity = { kind: 'clientIP', timeoutSeconds: 1 } as const;
    await rig.apply(testServer([clusterIp(at)], { endpoints, affinity }));
    const first = await rig.nameAt(at);
    const family = familyOf(at.address) === 'IPv4' ? 'ip' : 'ip6';
    const left = (): string =>
      world.inNode('nft', 'list', 'map', family, 'switchyard', 'affinity-1');
    const deadline = performance.now() + 20_000;
    while (left().includes('elements')) {
      assert.ok(performance.now() < deadline, left());
      await setTimeout(100);
    }
    assert.notEqual(await rig.nameAt(at), first, 'the turn of the other one');
  },

  'NodePorts answer where the node says, and follow it': async (rig) => {
    const at = await rig.freePlace();
    const family = familyOf(at.address);
    const own = family === 'IPv4' ? '10.244.1.1' : 'fd00:244::1';
    const place = { address: own, port: (await rig.freePlace()).port };
    const endpoints = await rig.endpoints('a', 'b');
    await rig.apply(testServer([clusterIp(at), nodePort(place.port)], { endpoints }));
    assert.equal(await rig.nameAt(place), 'refused');
    const before = rig.plan.node.nodePortAddresses;
    await rig.changeNode((node) => ({ ...node, nodePortAddresses: [...before, own] }));
    await rig.expectShares(place, { a: 2, b: 2 });
    await rig.changeNode((node) => ({ ...node, nodePortAddresses: before }));
    assert.equal(await rig.nameAt(place), 'refused');
  },
};
