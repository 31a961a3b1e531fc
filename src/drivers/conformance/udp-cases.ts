/** The cases about UDP: a flow is what one client socket sends to one frontend. */
import assert from 'node:assert/strict';
import type { Frontend, SocketAddress } from '../../model/index.ts';
import { clusterIp, externalIp, nodePort, testServer, type ServerOptions } from './builders.ts';
import type { Cases } from './cases.ts';
import type { Rig } from './rig.ts';

function udpServer(
  frontends: readonly Frontend[],
  options: ServerOptions,
): ReturnType<typeof testServer> {
  return testServer(frontends, { protocol: 'UDP', ...options });
}

async function serve(rig: Rig, options: ServerOptions): Promise<SocketAddress> {
  const at = await rig.freeUdpPlace();
  await rig.apply(udpServer([clusterIp(at)], options));
  return at;
}

export const udpCases = {
  'UDP: flows are spread exactly over three endpoints': async (rig) => {
    const at = await serve(rig, { endpoints: await rig.udpEndpoints('a', 'b', 'c') });
    await rig.expectShares(at, { a: 20, b: 20, c: 20 }, 'UDP');
  },

  'UDP: a flow stays with its endpoint': async (rig) => {
    const at = await serve(rig, { endpoints: await rig.udpEndpoints('a', 'b', 'c') });
    const clients = await Promise.all([1, 2, 3, 4].map(() => rig.holdUdp(at)));
    const round = async (): Promise<readonly string[]> =>
      await Promise.all(
        clients.map(async (client) => {
          const met = await client.ask();
          return met.kind === 'answered' ? met.name : met.kind;
        }),
      );
    const first = await round();
    assert.deepEqual([await round(), await round()], [first, first]);
  },

  'UDP: no endpoints: refused': async (rig) => {
    const at = await serve(rig, {});
    await rig.expectRejected(at, 'no-endpoints', 'UDP');
  },

  'UDP: a NodePort and an external address answer, and share the turns': async (rig) => {
    const [at, external] = [await rig.freeUdpPlace(), await rig.freeUdpPlace()];
    const [address = ''] = rig.plan.node.nodePortAddresses;
    const node = await rig.freeUdpPlace(address);
    const endpoints = await rig.udpEndpoints('a', 'b', 'c');
    const frontends = [clusterIp(at), externalIp(external), nodePort(node.port)];
    await rig.apply(udpServer(frontends, { endpoints }));
    const seen: string[] = [];
    for (const to of [at, external, node]) seen.push(await rig.nameAt(to, { protocol: 'UDP' }));
    assert.equal(new Set(seen).size, 3, seen.join(' '));
  },

  'UDP: ClientIP affinity holds over flows and moves when the endpoint goes': async (rig) => {
    const endpoints = await rig.udpEndpoints('a', 'b', 'c');
    const affinity = { kind: 'clientIP', timeoutSeconds: 600 } as const;
    const at = await serve(rig, { endpoints, affinity });
    const ask = (): Promise<string> => rig.nameAt(at, { protocol: 'UDP' });
    const first = await ask();
    assert.deepEqual([await ask(), await ask()], [first, first]);
    const left = endpoints.filter((endpoint) => rig.nameOf(endpoint) !== first);
    await rig.apply(udpServer([clusterIp(at)], { endpoints: left, affinity }));
    const second = await ask();
    assert.notEqual(second, first);
    assert.deepEqual([await ask(), await ask()], [second, second]);
  },

  'UDP: wrr gives each endpoint exactly its weight': async (rig) => {
    const [a, b] = await rig.udpEndpoints('a', 'b');
    const endpoints = [
      { ...a!, weight: 3 },
      { ...b!, weight: 1 },
    ];
    const at = await serve(rig, { endpoints, scheduler: 'wrr' });
    await rig.expectShares(at, { a: 9, b: 3 }, 'UDP');
  },

  'UDP: a flow is balanced anew when its endpoint goes': async (rig) => {
    const [a, b] = await rig.udpEndpoints('a', 'b');
    const at = await serve(rig, { endpoints: [a!] });
    const client = await rig.holdUdp(at);
    assert.equal((await client.ask()).kind, 'answered');
    await rig.apply(udpServer([clusterIp(at)], { endpoints: [b!] }));
    const met = await client.ask();
    assert.equal(met.kind === 'answered' && met.name, 'b');
  },

  'UDP: no flow outlives a Service that went and came back': async (rig) => {
    const [a, b] = await rig.udpEndpoints('a', 'b');
    const at = await serve(rig, { endpoints: [a!] });
    const client = await rig.holdUdp(at);
    assert.equal((await client.ask()).kind, 'answered');
    await rig.apply(udpServer([clusterIp(at)], {}));
    await rig.expectRejected(at, 'no-endpoints', 'UDP');
    await rig.apply(udpServer([clusterIp(at)], { endpoints: [b!] }));
    const met = await client.ask();
    assert.equal(met.kind === 'answered' && met.name, 'b');
  },

  'UDP: datagrams of no bytes and of many arrive whole, both ways': async (rig) => {
    const at = await serve(rig, { endpoints: await rig.udpEndpoints('a') });
    const client = await rig.holdUdp(at);
    for (const length of [0, 1, 512, 1_472, 9_000, 60_000]) {
      const sent = Buffer.alloc(length, length % 251);
      const met = await client.ask(sent);
      assert.ok(met.echo?.equals(sent), `${length} bytes`);
    }
  },

  'UDP and TCP of one Service share an address and port': async (rig) => {
    const at = await rig.freeUdpPlace();
    await rig.apply(
      udpServer([clusterIp(at)], { endpoints: await rig.udpEndpoints('udp') }),
      testServer([clusterIp(at)], { endpoints: await rig.endpoints('tcp') }),
    );
    await rig.expectShares(at, { udp: 2 }, 'UDP');
    await rig.expectShares(at, { tcp: 2 });
  },

  'UDP: IPv6 is spread as IPv4 is': async (rig) => {
    const address = await rig.world.addressOf('IPv6');
    if (address === undefined) return 'this host does not have ::1';
    const endpoints = await Promise.all(
      ['a', 'b'].map((name) => rig.endpointAt(name, { protocol: 'UDP', address })),
    );
    const at = await rig.freeUdpPlace(address);
    await rig.apply(udpServer([clusterIp(at)], { family: 'IPv6', endpoints }));
    await rig.expectShares(at, { a: 4, b: 4 }, 'UDP');
    return undefined;
  },

  'UDP: the driver knows where a flow went': async (rig) => {
    const at = await serve(rig, { endpoints: await rig.udpEndpoints('a', 'b') });
    const client = await rig.holdUdp(at);
    const met = await client.ask();
    const endpoint = await rig.driver.locate({
      protocol: 'UDP',
      source: client.from.address,
      sourcePort: client.from.port,
      destination: at.address,
      destinationPort: at.port,
      entry: 'node',
    });
    assert.ok(endpoint !== undefined && met.kind === 'answered');
    assert.equal(rig.nameOf(endpoint), met.name);
  },
} as const satisfies Cases;
