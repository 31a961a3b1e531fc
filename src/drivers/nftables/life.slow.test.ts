/**
 * The driver among others and over time: beside Docker's and firewalld's rules, after another version of itself,
 * while the node's addresses change, with UDP entries that lead astray, and with Services of thousands of endpoints.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import test, { after, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  emptyPlan,
  nextPlan,
  parseCidr,
  type Cidr,
  type Driver,
  type NodeView,
  type Plan,
  type SocketAddress,
  type VirtualServer,
} from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import {
  clusterIp,
  namespacesMissing,
  nodePort,
  openNamespaces,
  testEndpoint,
  testNode,
  testServer,
  type NamespaceWorld,
  type ServerOptions,
} from '../conformance/index.ts';
import { createNftablesDriver, type NftablesOptions } from './index.ts';
import { programs } from './lab.suite.ts';

const missing = namespacesMissing('nft', 'conntrack', 'setpriv');
const never = new AbortController().signal;

if (missing !== undefined) {
  test('the life of the nftables driver', { skip: missing }, () => undefined);
} else {
  const world = await openNamespaces('IPv4');
  after(() => world.close());
  describeAmongOthers(world);
  describeOverTime(world);
  describeUdp(world);
}

type NodeOptions = Partial<Pick<NftablesOptions, 'atStop' | 'localPods' | 'clock'>>;

/** A driver with the Plan it has applied, which moves on. */
class Node {
  readonly driver: Driver;
  plan: Plan;
  private applied = false;

  constructor(
    t: TestContext,
    world: NamespaceWorld,
    { atStop = 'remove', localPods, clock = createFakeClock() }: NodeOptions = {},
  ) {
    this.driver = createNftablesDriver({
      clock,
      random: () => 0.5,
      log: silentLogger,
      namespace: world.namespace,
      atStop,
      localPods,
    });
    t.after(() => this.driver.stop(AbortSignal.abort()));
    const detectsLocalPods = localPods !== undefined;
    this.plan = emptyPlan(testNode({ ...world.node, detectsLocalPods }));
  }

  apply(...set: readonly VirtualServer[]): Promise<number> {
    return this.change({ set });
  }

  async change(change: {
    set?: readonly VirtualServer[];
    remove?: readonly VirtualServer[];
    node?: Partial<NodeView>;
  }): Promise<number> {
    const next = nextPlan(this.plan, {
      set: change.set ?? [],
      remove: (change.remove ?? []).map(({ id }) => id),
      node: change.node && { ...this.plan.node, ...change.node },
    });
    assert.ok(next !== undefined);
    const report = await this.driver.apply(next.plan, this.applied ? next.delta : undefined, never);
    assert.deepEqual(report.failures, []);
    this.plan = next.plan;
    this.applied = true;
    return report.operations;
  }
}

async function backends(
  t: TestContext,
  world: NamespaceWorld,
  protocol: 'TCP' | 'UDP',
): Promise<readonly SocketAddress[]> {
  const all = await Promise.all(['a', 'b'].map((name) => world.backend(protocol, name)));
  t.after(() => Promise.all(all.map((backend) => backend.close())));
  return all.map(({ at }) => at);
}

/** The Pods of the world's one client Pod. */
function podRange(): Cidr {
  const range = parseCidr('10.244.2.0/24');
  assert.ok(range !== undefined);
  return range;
}

function serving(
  at: SocketAddress,
  places: readonly SocketAddress[],
  options: ServerOptions = {},
): VirtualServer {
  return testServer([clusterIp(at)], {
    endpoints: places.map((place) => testEndpoint(place)),
    ...options,
  });
}

function describeAmongOthers(world: NamespaceWorld): void {
  for (const other of ['docker', 'firewalld']) {
    test(`beside ${other}'s rules: both do their work, and theirs stay as they are`, async (t) => {
      world.inNode('nft', '--file', `${import.meta.dirname}/testdata/${other}.nft`);
      t.after(() => world.inNode('nft', 'flush', 'ruleset'));
      const before = world.inNode('nft', 'list', 'ruleset');
      const node = new Node(t, world);
      const places = await backends(t, world, 'TCP');
      const at = await world.freePlace('TCP');
      await node.apply(serving(at, places));
      const seen: string[] = [];
      for (const client of [world.clients.outside, world.clients.node, world.clients.pod]) {
        for (let i = 0; i < 2; i++) {
          const met = await client.ask('TCP', at);
          seen.push(met.kind === 'answered' ? met.name : met.kind);
        }
      }
      assert.deepEqual(seen.toSorted(), ['a', 'a', 'a', 'b', 'b', 'b']);
      await node.driver.stop(AbortSignal.abort());
      assert.equal(world.inNode('nft', 'list', 'ruleset'), before);
    });
  }

  test('tables of another version are taken over, whatever is in them', async (t) => {
    t.after(() => world.inNode('nft', 'flush', 'ruleset'));
    world.inNode('nft', '--file', `${import.meta.dirname}/testdata/other-version.nft`);
    const node = new Node(t, world);
    const places = await backends(t, world, 'TCP');
    const at = await world.freePlace('TCP');
    await node.apply(serving(at, places));
    assert.doesNotMatch(world.inNode('nft', 'list', 'ruleset'), /of-another-version/);
    assert.equal((await world.client.ask('TCP', at)).kind, 'answered');
  });

  for (const localPods of [
    { by: 'interface', name: 'pod0' },
    { by: 'interface-prefix', prefix: 'pod0' },
    { by: 'address', ranges: [podRange()] },
  ] as const satisfies readonly NftablesOptions['localPods'][]) {
    test(`Pods told by ${localPods.by} keep their address at a ClusterIP, others do not`, async (t) => {
      const node = new Node(t, world, { localPods });
      const places = await backends(t, world, 'TCP');
      const at = await world.freePlace('TCP');
      await node.apply(serving(at, places));
      const { pod, outside } = world.clients;
      for (const [client, keeps] of [
        [pod, true],
        [outside, false],
        [world.clients.node, false],
      ] as const) {
        const met = await client.ask('TCP', at);
        const own = client.source('IPv4');
        assert.ok(met.kind === 'answered', met.kind);
        const expected = keeps ? own : '10.244.1.1';
        assert.equal(met.client, expected);
      }
    });
  }

  test('CAP_NET_ADMIN suffices, and without it that is what is said', (t) => {
    t.after(() => world.inNode('nft', 'flush', 'ruleset'));
    const run = (capabilities: string): string => {
      const agent = [process.execPath, fileURLToPath(programs.agent), '', '0', '0'];
      const limits = ['setpriv', '--inh-caps=-all', `--bounding-set=-all,${capabilities}`];
      const namespace = world.namespace.replace(/.*\//, '');
      const command = ['netns', 'exec', namespace, ...limits, ...agent];
      try {
        return execFileSync('ip', command, { encoding: 'utf8', input: 'go\n', stdio: 'pipe' });
      } catch (error) {
        assert.ok(error instanceof Error && 'stderr' in error);
        return String(error.stderr);
      }
    };
    assert.match(run('+net_admin,+dac_override'), /^end 0 /m);
    const refused = run('+dac_override');
    assert.match(refused, /NETLINK_NOT_PERMITTED/);
    assert.match(refused, /CAP_NET_ADMIN/);
  });
}

function describeOverTime(world: NamespaceWorld): void {
  test('NodePorts follow the addresses of the node', async (t) => {
    const node = new Node(t, world);
    const places = await backends(t, world, 'TCP');
    const { port } = await world.freePlace('TCP');
    const server = testServer([clusterIp(await world.freePlace('TCP')), nodePort(port)], {
      endpoints: places.map((place) => testEndpoint(place)),
    });
    const [old = ''] = node.plan.node.nodePortAddresses;
    const fresh = '192.0.2.77';
    const kindAt = async (address: string): Promise<string> =>
      (await world.clients.outside.ask('TCP', { address, port })).kind;
    await node.apply(server);
    assert.equal(await kindAt(old), 'answered');
    world.inNode('ip', 'addr', 'add', `${fresh}/24`, 'dev', 'out0');
    t.after(() => world.inNode('ip', 'addr', 'del', `${fresh}/24`, 'dev', 'out0'));
    assert.equal(await kindAt(fresh), 'refused');
    await node.change({
      node: { addresses: [...node.plan.node.addresses, fresh], nodePortAddresses: [fresh] },
    });
    assert.equal(await kindAt(fresh), 'answered');
    assert.equal(await kindAt(old), 'refused');
  });

  for (const how of ['another run', 'a whole rendering'] as const) {
    test(`clients with affinity stay where they are over ${how}`, async (t) => {
      const places = await Promise.all(['a', 'b', 'c'].map((name) => world.backend('TCP', name)));
      t.after(() => Promise.all(places.map((backend) => backend.close())));
      const first = new Node(t, world, { atStop: 'leave' });
      t.after(() => world.inNode('nft', 'flush', 'ruleset'));
      const [at, other] = [await world.freePlace('TCP'), await world.freePlace('TCP')];
      const sticky = (count: number, timeoutSeconds: number): VirtualServer =>
        serving(
          at,
          places.slice(0, count).map((backend) => backend.at),
          { name: 'sticky', affinity: { kind: 'clientIP', timeoutSeconds } },
        );
      const whoAll = async (): Promise<readonly string[]> => {
        const seen: string[] = [];
        for (const source of world.sources) {
          const met = await world.clients.outside.ask('TCP', at, { source });
          seen.push(met.kind === 'answered' ? met.name : met.kind);
        }
        return seen;
      };
      await first.apply(sticky(3, 600));
      const before = await whoAll();
      assert.deepEqual([...new Set(before)].toSorted(), ['a', 'b', 'c']);
      // The other one would be given the numbers of the first, if those were not kept.
      const another = serving(other, [], {
        name: 'another',
        affinity: { kind: 'clientIP', timeoutSeconds: 600 },
      });
      if (how === 'another run') {
        await first.driver.stop(AbortSignal.abort());
        const second = new Node(t, world);
        await second.apply(another, sticky(2, 300));
      } else {
        await first.change({ set: [another, sticky(2, 300)], node: { masqueradeAll: true } });
      }
      const now = await whoAll();
      for (const [i, who] of before.entries()) {
        if (who !== 'c') assert.equal(now[i], who);
        else assert.match(now[i] ?? '', /^[ab]$/);
      }
    });
  }

  test('a change of the node counts no connection twice', async (t) => {
    const node = new Node(t, world);
    const places = await backends(t, world, 'TCP');
    const at = await world.freePlace('TCP');
    const server = serving(at, places);
    await node.apply(server);
    for (let i = 0; i < 4; i++) await world.client.ask('TCP', at);
    await node.change({ node: { nodePortAddresses: [] } });
    const counted = node.driver.observe().endpoints.get(server.id)?.values() ?? [];
    assert.deepEqual(
      [...counted].map(({ connections }) => connections),
      [2, 2],
    );
  });

  for (const options of [
    { scheduler: 'rr' },
    { scheduler: 'mh' },
    { scheduler: 'rr', affinity: { kind: 'clientIP', timeoutSeconds: 60 } },
  ] as const satisfies readonly ServerOptions[]) {
    const how = 'affinity' in options ? 'with affinity' : options.scheduler;
    test(`a Service with 5,000 endpoints, ${how}, and one more, and gone`, async (t) => {
      const node = new Node(t, world);
      const at = await world.freePlace('TCP');
      const many = (count: number): readonly SocketAddress[] =>
        Array.from({ length: count }, (_, i) => ({
          address: `10.200.${i >> 8}.${i & 255}`,
          port: 8080,
        }));
      await node.apply(serving(at, many(5_000), options));
      const operations = await node.apply(serving(at, many(5_001), options));
      // Turns begin anew with the members; of a table of 131,071 slots only those change that lead elsewhere.
      assert.ok(operations < (options.scheduler === 'mh' ? 2_000 : 11_000), `${operations}`);
      const left = serving(at, many(1), options);
      await node.apply(left);
      await node.change({ remove: [left] });
      const slots = world.inNode('nft', 'list', 'map', 'ip', 'switchyard', 'slots');
      assert.doesNotMatch(slots, /10\.200/);
    });
  }
}

function describeUdp(world: NamespaceWorld): void {
  /** Entries of connection tracking made to this place: to whom they lead. */
  const entriesTo = (at: SocketAddress): readonly string[] =>
    world
      .inNode('conntrack', '-L', '-p', 'udp')
      .split('\n')
      .filter((line) => line.includes(` dst=${at.address} `))
      .filter((line) => line.includes(` dport=${at.port} `))
      .map((line) => / src=(\S+) dst=\S+ sport=\d+ dport=\d+[^=]*$/.exec(line)?.[1] ?? line);

  for (const kind of ['clusterIP', 'NodePort'] as const) {
    test(`UDP at a ${kind}: scaled to zero, back, and deleted`, async (t) => {
      const node = new Node(t, world);
      const [a, b] = await backends(t, world, 'UDP');
      assert.ok(a !== undefined && b !== undefined);
      const cluster = await world.freePlace('UDP');
      const [address = ''] = node.plan.node.nodePortAddresses;
      const { port } = await world.freePlace('UDP');
      const at = kind === 'NodePort' ? { address, port } : cluster;
      const server = (places: readonly SocketAddress[]): VirtualServer =>
        testServer([clusterIp(cluster), nodePort(port)], {
          protocol: 'UDP',
          endpoints: places.map((place) => testEndpoint(place)),
        });
      await node.apply(server([a]));
      const flow = await world.client.openUdp(at);
      t.after(() => flow.close());
      const answered = async (): Promise<string> => {
        const met = await flow.ask();
        return met.kind === 'answered' ? met.name : met.kind;
      };
      assert.equal(await answered(), 'a');
      await node.apply(server([]));
      assert.deepEqual(entriesTo(at), []);
      assert.equal(await answered(), 'refused');
      await node.apply(server([b]));
      assert.equal(await answered(), 'b');
      await node.apply(server([b, a]));
      assert.equal(await answered(), 'b', 'who is still there keeps the flow');
      await node.change({ remove: [server([])] });
      assert.deepEqual(entriesTo(at), []);
    });
  }

  test('UDP of a Service that was deleted while nobody followed is forgotten at the next start', async (t) => {
    const first = new Node(t, world, { atStop: 'leave' });
    const [a] = await backends(t, world, 'UDP');
    assert.ok(a !== undefined);
    const at = await world.freePlace('UDP');
    await first.apply(serving(at, [a], { protocol: 'UDP' }));
    const flow = await world.client.openUdp(at);
    t.after(() => flow.close());
    assert.equal((await flow.ask()).kind, 'answered');
    await first.driver.stop(AbortSignal.abort());
    assert.equal(entriesTo(at).length, 1);
    const second = new Node(t, world);
    await second.apply(serving(await world.freePlace('TCP'), [a], { name: 'other' }));
    assert.deepEqual(entriesTo(at), []);
  });

  test('TCP connections outlive their endpoint, their Service and the driver', async (t) => {
    const node = new Node(t, world, { atStop: 'leave' });
    t.after(() => world.inNode('nft', 'flush', 'ruleset'));
    const [a, b] = await backends(t, world, 'TCP');
    assert.ok(a !== undefined && b !== undefined);
    const at = await world.freePlace('TCP');
    await node.apply(serving(at, [a]));
    const held = await world.client.hold(at);
    t.after(() => held.close());
    await node.apply(serving(at, [b]));
    assert.equal(await held.repeat('endpoint gone'), 'endpoint gone');
    await node.change({ remove: [serving(at, [b])] });
    assert.equal(await held.repeat('Service gone'), 'Service gone');
    await node.driver.stop(AbortSignal.abort());
    const next = new Node(t, world);
    await next.apply(serving(await world.freePlace('TCP'), [b]));
    assert.equal(await held.repeat('another driver'), 'another driver');
  });
}
