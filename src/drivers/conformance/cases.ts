/** The cases: each is a name and a short story, told to the specification and to the driver at once. */
import assert from 'node:assert/strict';
import type { SocketAddress } from '../../model/index.ts';
import {
  clusterIp,
  elsewhere,
  externalIp,
  loadBalancerIp,
  nodePort,
  testServer,
} from './builders.ts';
import type { Rig } from './rig.ts';

/** A case resolves to why this host cannot have it, if so. */
export type Cases = Readonly<Record<string, (rig: Rig) => Promise<string | undefined | void>>>;

export const cases = {
  'ClusterIP spreads exactly over three endpoints': async (rig) => {
    const at = await rig.freePlace();
    await rig.apply(testServer([clusterIp(at)], { endpoints: await rig.endpoints('a', 'b', 'c') }));
    await rig.expectShares(at, { a: 100, b: 100, c: 100 });
  },

  'one endpoint gets everything': async (rig) => {
    const at = await rig.freePlace();
    await rig.apply(testServer([clusterIp(at)], { endpoints: await rig.endpoints('a') }));
    await rig.expectShares(at, { a: 5 });
  },

  'two Services have turns of their own': async (rig) => {
    const [one, two] = [await rig.freePlace(), await rig.freePlace()];
    await rig.apply(
      testServer([clusterIp(one)], { name: 'one', endpoints: await rig.endpoints('a', 'b') }),
      testServer([clusterIp(two)], { name: 'two', endpoints: await rig.endpoints('c', 'd') }),
    );
    await rig.expectShares(one, { a: 2, b: 2 });
    await rig.expectShares(two, { c: 3, d: 3 });
  },

  'no endpoints: refused': async (rig) => {
    const at = await rig.freePlace();
    await rig.apply(testServer([clusterIp(at)]));
    await rig.expectRejected(at, 'no-endpoints');
  },

  'endpoints go and come back': async (rig) => {
    const at = await rig.freePlace();
    const endpoints = await rig.endpoints('a', 'b');
    await rig.apply(testServer([clusterIp(at)]));
    await rig.expectRejected(at, 'no-endpoints');
    await rig.apply(testServer([clusterIp(at)], { endpoints }));
    await rig.expectShares(at, { a: 2, b: 2 });
    await rig.apply(testServer([clusterIp(at)]));
    await rig.expectRejected(at, 'no-endpoints');
    await rig.apply(testServer([clusterIp(at)], { endpoints }));
    await rig.expectShares(at, { a: 2, b: 2 });
  },

  'an endpoint that is not ready gets nothing': async (rig) => {
    const at = await rig.freePlace();
    const notReady = await rig.endpoint('sick', { ready: false, serving: false });
    const endpoints = [notReady, ...(await rig.endpoints('a', 'b'))];
    await rig.apply(testServer([clusterIp(at)], { endpoints }));
    await rig.expectShares(at, { a: 3, b: 3 });
  },

  'terminating endpoints serve when no other is left': async (rig) => {
    const at = await rig.freePlace();
    const leaving = await rig.endpoint('leaving', { ready: false, terminating: true });
    const ready = await rig.endpoint('ready');
    await rig.apply(testServer([clusterIp(at)], { endpoints: [leaving, ready] }));
    await rig.expectShares(at, { ready: 4 });
    await rig.apply(testServer([clusterIp(at)], { endpoints: [leaving] }));
    await rig.expectShares(at, { leaving: 4 });
  },

  'weight 0 takes no new connection': async (rig) => {
    const at = await rig.freePlace();
    const drained = await rig.endpoint('drained', { weight: 0 });
    const endpoints = [drained, ...(await rig.endpoints('a', 'b'))];
    await rig.apply(testServer([clusterIp(at)], { endpoints }));
    await rig.expectShares(at, { a: 3, b: 3 });
  },

  'internalTrafficPolicy Local uses this node only': async (rig) => {
    const at = await rig.freePlace();
    const endpoints = [await rig.endpoint('here'), await rig.endpoint('there', elsewhere)];
    const internalTrafficPolicy = 'Local' as const;
    await rig.apply(testServer([clusterIp(at)], { endpoints, internalTrafficPolicy }));
    await rig.expectShares(at, { here: 4 });
  },

  'internalTrafficPolicy Local without an endpoint here drops': async (rig) => {
    const at = await rig.freePlace();
    const endpoints = [await rig.endpoint('there', elsewhere)];
    const internalTrafficPolicy = 'Local' as const;
    await rig.apply(
      testServer([clusterIp(at), externalIp(await rig.freePlace())], {
        endpoints,
        internalTrafficPolicy,
      }),
    );
    await rig.expectDropped(at, 'no-local-endpoints');
  },

  'a port that a live ClusterIP does not serve is refused': async (rig) => {
    const at = await rig.freePlace();
    const wrong = await rig.freePlace(at.address);
    await rig.apply(testServer([clusterIp(at)], { endpoints: await rig.endpoints('a') }));
    await rig.expectShares(at, { a: 1 });
    await rig.expectRejected(wrong, 'port-not-served');
  },

  'a NodePort answers at the node': async (rig) => {
    const at = await rig.freePlace();
    const node = await rig.freePlace(nodeAddress(rig));
    const endpoints = await rig.endpoints('a', 'b');
    await rig.apply(testServer([clusterIp(at), nodePort(node.port)], { endpoints }));
    await rig.expectShares(node, { a: 3, b: 3 });
  },

  'an external address answers': async (rig) => {
    const [at, external] = [await rig.freePlace(), await rig.freePlace()];
    const endpoints = await rig.endpoints('a', 'b');
    await rig.apply(testServer([clusterIp(at), externalIp(external)], { endpoints }));
    await rig.expectShares(external, { a: 3, b: 3 });
  },

  'a load balancer address answers': async (rig) => {
    const [at, outside] = [await rig.freePlace(), await rig.freePlace()];
    const endpoints = await rig.endpoints('a', 'b');
    await rig.apply(testServer([clusterIp(at), loadBalancerIp(outside)], { endpoints }));
    await rig.expectShares(outside, { a: 3, b: 3 });
  },

  'all frontends of a pool share its turns': async (rig) => {
    const [at, external] = [await rig.freePlace(), await rig.freePlace()];
    const endpoints = await rig.endpoints('a', 'b');
    await rig.apply(testServer([clusterIp(at), externalIp(external)], { endpoints }));
    const first = (await rig.hold(at)).name;
    const second = (await rig.hold(external)).name;
    assert.deepEqual([first, second].toSorted(), ['a', 'b']);
  },

  'an open connection stays when its endpoint goes': async (rig) => {
    const at = await rig.freePlace();
    const [a, b] = [await rig.endpoint('a'), await rig.endpoint('b')];
    await rig.apply(testServer([clusterIp(at)], { endpoints: [a] }));
    const held = await rig.hold(at);
    assert.equal(held.name, 'a');
    await rig.apply(testServer([clusterIp(at)], { endpoints: [b] }));
    await rig.expectShares(at, { b: 3 });
    assert.equal(await held.repeat('still here'), 'still here');
    await rig.apply(testServer([clusterIp(at)]));
    await rig.expectRejected(at, 'no-endpoints');
    assert.equal(await held.repeat('even now'), 'even now');
  },

  'a change elsewhere does not disturb the turns': async (rig) => {
    const [at, other] = [await rig.freePlace(), await rig.freePlace()];
    const server = testServer([clusterIp(at)], { endpoints: await rig.endpoints('a', 'b', 'c') });
    await rig.apply(server);
    const seen = [(await rig.hold(at)).name];
    await rig.apply(
      testServer([clusterIp(other)], { name: 'other', endpoints: await rig.endpoints('d') }),
    );
    seen.push((await rig.hold(at)).name, (await rig.hold(at)).name);
    assert.deepEqual(seen.toSorted(), ['a', 'b', 'c']);
  },

  'a removed Service refuses': async (rig) => {
    const at = await rig.freePlace();
    const server = testServer([clusterIp(at)], { endpoints: await rig.endpoints('a') });
    await rig.apply(server);
    await rig.expectShares(at, { a: 1 });
    await rig.remove(server);
    await rig.expectGone(at);
  },

  'a Service moves to another address': async (rig) => {
    const [before, after] = [await rig.freePlace(), await rig.freePlace()];
    const endpoints = await rig.endpoints('a');
    await rig.apply(testServer([clusterIp(before)], { endpoints }));
    await rig.expectShares(before, { a: 1 });
    await rig.apply(testServer([clusterIp(after)], { endpoints }));
    await rig.expectShares(after, { a: 1 });
    await rig.expectGone(before);
  },

  'the driver knows where an open connection went': async (rig) => {
    const at = await rig.freePlace();
    await rig.apply(testServer([clusterIp(at)], { endpoints: await rig.endpoints('a', 'b') }));
    for (const held of [await rig.hold(at), await rig.hold(at)]) {
      const endpoint = await rig.driver.locate(flowOf(held.from, at));
      assert.ok(endpoint !== undefined, 'the connection is known');
      assert.equal(rig.nameOf(endpoint), held.name);
    }
    assert.equal(await rig.driver.locate(flowOf({ address: '127.0.0.1', port: 1 }, at)), undefined);
  },
} as const satisfies Cases;

function nodeAddress(rig: Rig): string {
  const [address] = rig.plan.node.nodePortAddresses;
  assert.ok(address !== undefined);
  return address;
}

function flowOf(from: SocketAddress, to: SocketAddress): Parameters<Rig['driver']['locate']>[0] {
  return {
    protocol: 'TCP',
    source: from.address,
    sourcePort: from.port,
    destination: to.address,
    destinationPort: to.port,
    entry: 'node',
  };
}
