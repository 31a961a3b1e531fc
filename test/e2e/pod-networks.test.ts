/** Pods of `up --mode nftables` in network namespaces of their own: who reaches whom, from where, and what is left. */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { openCell } from '../support/cell.ts';
import {
  openKernelHost,
  traces,
  whyNoKernelHost,
  type KernelHost,
} from '../support/kernel-host.ts';
import { start, type Program } from '../support/program.ts';
import { root } from '../support/tree.ts';

const skip = whyNoKernelHost('nft', 'curl', 'setpriv');
const hostAddress = '10.97.255.254';
const service = '10.96.0.20';

/** Two Pods behind a Service of both families; the second one is ready when it finds itself in a network of its own. */
function manifest(): string {
  const command = JSON.stringify([process.execPath, join(root, 'test/support/pod-server.mjs')]);
  // 8080 in hexadecimal; 0A: it listens.
  const ownNetwork = [
    'sh',
    '-c',
    'grep -q eth0 /proc/net/dev && grep -q ":1F90 .* 0A" /proc/net/tcp6',
  ];
  const pod = (name: string, probe: object): object => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name,
      labels: { app: 'web' },
      annotations: { 'switchyard.dev/command': command },
    },
    spec: {
      terminationGracePeriodSeconds: 5,
      containers: [{ name: 'web', image: 'none', ports: [{ containerPort: 8080 }], ...probe }],
    },
  });
  const web = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web' },
    spec: {
      selector: { app: 'web' },
      type: 'NodePort',
      clusterIP: service,
      ipFamilyPolicy: 'PreferDualStack',
      ports: [{ port: 80, targetPort: 8080, nodePort: 30080 }],
    },
  };
  const probe = { readinessProbe: { exec: { command: ownNetwork }, periodSeconds: 1 } };
  return [web, pod('a', {}), pod('b', probe)].map((one) => JSON.stringify(one)).join('\n---\n');
}

/** What a Pod says of itself and of its client. */
interface Answer {
  readonly name: string;
  readonly client: string;
  readonly addresses: readonly string[];
  readonly pid: number;
}

interface Host extends KernelHost {
  readonly get: (url: string) => string;
  /** With the Pods above. */
  readonly up: (...flags: readonly string[]) => Program;
}

async function openHost(t: TestContext): Promise<Host> {
  const host = await openKernelHost(t);
  const file = join(host.home, 'web.yaml');
  writeFileSync(file, manifest());
  return {
    ...host,
    get: (url) => host.sh(`curl -gsS -m 5 '${url}'`).trim(),
    up: (...flags) => host.begin(['up', '--mode', 'nftables', '-f', file, ...flags]),
  };
}

function read(text: string): Answer {
  const [name = '', client = '', addresses = '', pid = ''] = text.trim().split(' ');
  return { name, client, addresses: addresses.split(','), pid: Number(pid) };
}

/** One answer of each Pod, by name. */
function pods({ get }: Host): Readonly<Record<'a' | 'b', Answer>> {
  const found = [1, 2].map(() => read(get(`http://${service}`)));
  const named = (name: string): Answer => {
    const one = found.find((answer) => answer.name === name);
    assert.ok(one, `${name} in ${JSON.stringify(found)}`);
    return one;
  };
  return { a: named('a'), b: named('b') };
}

const urlOf = (address = '', path = ''): string =>
  `http://${address.includes(':') ? `[${address}]` : address}:8080${path}`;

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!holds()) {
    assert.ok(Date.now() < deadline, `not in time: ${what}`);
    await sleep(50);
  }
}

const isGone = ({ pid }: Answer): boolean => !existsSync(`/proc/${pid}`);

test(
  'Pods and the host reach Services and Pods, each seen as who it is, in both families',
  { skip },
  async (t) => {
    const host = await openHost(t);
    const { sh, get } = host;
    const before = sh(traces);
    const instance = host.up('--ephemeral');
    await instance.printed('Ready.');
    const { a, b } = pods(host);
    assert.equal(a.client, hostAddress);
    assert.notDeepEqual(a.addresses, b.addresses);
    assert.match(a.addresses[0] ?? '', /^10\.97\./);
    const listed = await host.switchyard(['get', 'services', '-o', 'json']);
    const six = /fd53:7764:a60::[0-9a-f]+/.exec(listed.stdout)?.[0] ?? '';
    // From each Pod to the Service it is in itself: the other one sees its address, itself it meets masqueraded.
    for (const [family, at, masked] of [
      [0, service, hostAddress],
      [1, `[${six}]`, 'fd53:7764:a61::1'],
    ] as const) {
      for (const [from, other] of [
        [a, b],
        [b, a],
      ] as const) {
        const ask = urlOf(from.addresses[family], `/ask?url=http://${at}`);
        const seen = [1, 2]
          .map(() => read(get(ask)))
          .toSorted((x, y) => (x.name < y.name ? -1 : 1));
        const want = [
          { name: from.name, client: masked },
          { name: other.name, client: from.addresses[family] },
        ].toSorted((x, y) => (x.name < y.name ? -1 : 1));
        assert.deepEqual(
          seen.map(({ name, client }) => ({ name, client })),
          want,
        );
        const direct = urlOf(from.addresses[family], `/ask?url=${urlOf(other.addresses[family])}`);
        assert.equal(read(get(direct)).client, from.addresses[family]);
      }
    }
    const named = get(urlOf(a.addresses[0], '/name?name=web'));
    assert.ok([service, six].includes(named), named);
    const nodePort = [1, 2, 3, 4].map(() => read(get(`http://${hostAddress}:30080`)).name);
    assert.deepEqual(nodePort.toSorted(), ['a', 'a', 'b', 'b']);
    assert.equal((await host.switchyard(['audit'])).stdout, '');
    // It ends and is started again where it was.
    get(urlOf(a.addresses[0], '/end'));
    await until('a serves again', () => {
      const answer = read(sh(`curl -gs -m 5 '${urlOf(a.addresses[0])}' || true`));
      return answer.name === 'a' && answer.pid !== a.pid;
    });
    assert.deepEqual(read(get(urlOf(a.addresses[0]))).addresses, a.addresses);
    instance.kill('SIGTERM');
    assert.equal((await instance.ended).status, 0);
    assert.equal(sh(traces), before);
  },
);

test('the demo spreads exactly over Pods in networks of their own', { skip }, async (t) => {
  const { sh, get, begin, switchyard } = await openHost(t);
  const instance = begin(['up', '--mode', 'nftables', '--demo']);
  await instance.printed('Ready.');
  assert.equal(sh('ip -o link').match(/swy-/g)?.length, 11);
  const { stdout } = await switchyard(['get', 'services']);
  const placeOf = (service: string): string =>
    new RegExp(`^\\S* *${service} .* (10\\.[0-9.]+:[0-9]+)`, 'm').exec(stdout)?.[1] ?? service;
  const spread = (at: string, times: number): Readonly<Record<string, number>> => {
    const counts: Record<string, number> = {};
    for (let i = 0; i < times; i++) {
      const [pod = ''] = /(?<=Hello from )\S+/.exec(get(`http://${at}`)) ?? [];
      counts[pod] = (counts[pod] ?? 0) + 1;
    }
    return counts;
  };
  const even = { 'web-0': 3, 'web-1': 3, 'web-2': 3 };
  assert.deepEqual(spread(placeOf('web'), 9), even);
  assert.deepEqual(spread(placeOf('front'), 9), even);
  const weighted = { 'catalog-big': 8, 'catalog-1': 1, 'catalog-2': 1 };
  assert.deepEqual(spread(placeOf('catalog'), 10), weighted);
  const udp = await switchyard(['spread', 'service', 'echo', '-n', '20', '-o', 'json']);
  const { shares } = JSON.parse(udp.stdout) as {
    shares: readonly { readonly connections: number }[];
  };
  assert.deepEqual(
    shares.map(({ connections }) => connections),
    [10, 10],
    udp.stderr,
  );
  instance.kill('SIGTERM');
  assert.equal((await instance.ended).status, 0);
});

test(
  'Pods reach the world as this host, and other machines reach NodePorts, where it forwards',
  { skip },
  async (t) => {
    const host = await openHost(t);
    const { sh, get } = host;
    const world = await openCell(t);
    const [, , pid = ''] = world.enter([]);
    sh(
      `ip link add out type veth peer name eth0 netns ${pid}; ip addr add 192.0.2.1/24 dev out; ` +
        'ip link set out addrgenmode none; ip link set out up; sysctl -qw net.ipv4.ip_forward=1',
    );
    const outside = (line: string): string => {
      const [program = '', ...args] = world.enter(['sh', '-ec', line]);
      return execFileSync(program, args, { encoding: 'utf8' });
    };
    outside('ip addr add 192.0.2.2/24 dev eth0; ip link set eth0 up');
    const command = [process.execPath, join(root, 'test/support/pod-server.mjs')];
    const env = { PORT: '8080', POD_NAME: 'world', POD_IPS: '192.0.2.2' };
    await start(t, world.enter(command), { cwd: root, env }).printed('listening');
    const before = sh(traces);
    const instance = host.up('--ephemeral');
    const said = await instance.printed('Ready.');
    assert.doesNotMatch(said, /forwards no packets/);
    const { a } = pods(host);
    const asked = read(get(urlOf(a.addresses[0], `/ask?url=${urlOf('192.0.2.2')}`)));
    assert.deepEqual([asked.name, asked.client], ['world', '192.0.2.1']);
    const seen = read(outside('curl -sS -m 5 http://192.0.2.1:30080'));
    assert.match(seen.name, /^[ab]$/);
    assert.equal((await host.switchyard(['audit'])).status, 0);
    instance.kill('SIGTERM');
    assert.equal((await instance.ended).status, 0);
    assert.equal(sh(traces), before);
  },
);

test('kill -9 leaves no process and no network of a Pod', { skip }, async (t) => {
  const host = await openHost(t);
  const { sh } = host;
  const before = sh(traces);
  const first = host.up();
  await first.printed('Ready.');
  const old = pods(host);
  first.kill('SIGKILL');
  await first.ended;
  // At once, while its Pods are still being ended.
  const next = host.up();
  await next.printed('Ready.');
  const young = pods(host);
  assert.notEqual(young.a.pid, old.a.pid);
  next.kill('SIGKILL');
  await next.ended;
  const all = [old.a, old.b, young.a, young.b];
  await until('their processes are gone', () => all.every(isGone));
  await until('their devices are gone', () => !sh('ip -o link').includes('swy-'));
  assert.equal((await host.switchyard(['cleanup'])).status, 0);
  assert.equal(sh(traces), before);
});

test('cleanup takes away the network of a Pod whose process outlives all', { skip }, async (t) => {
  const host = await openHost(t);
  const { sh, get } = host;
  const before = sh(traces);
  const instance = host.up();
  await instance.printed('Ready.');
  const { a } = pods(host);
  // In a group of its own nobody knows of it.
  const escape = `nsenter -t ${a.pid} -n setsid sh -c 'sleep 120 > /dev/null 2>&1 & echo $!'`;
  const escaped = sh(escape);
  t.after(() => spawnSync('kill', [escaped.trim()]));
  assert.match(get(urlOf(a.addresses[0])), /^a /);
  instance.kill('SIGKILL');
  await instance.ended;
  await until('its process is gone', () => isGone(a));
  const cleaned = await host.switchyard(['cleanup']);
  assert.match(cleaned.stdout, /Removed the network device swy-[0-9]+-[0-9]+ of a Pod\n/);
  assert.match(cleaned.stdout, /Removed table ip switchyard-pods\n/);
  assert.equal(sh(traces), before);
});

test(
  'without CAP_SYS_ADMIN Pods are at addresses of the host, and it says so',
  { skip },
  async (t) => {
    const { home, sh, get, begin, switchyard } = await openHost(t);
    const file = join(home, 'host.yaml');
    writeFileSync(file, manifest().replace('grep -q eth0', 'grep -q lo'));
    const up = ['up', '--mode', 'nftables', '--ephemeral', '-f', file];
    const who = 'nobody with CAP_NET_ADMIN';
    const refused = await switchyard([...up, '--pod-network', 'namespace'], who);
    assert.equal(refused.status, 2);
    assert.match(
      refused.stderr,
      /Cannot give Pods networks of their own: .*EPERM\n {2}try: .*CAP_SYS_ADMIN; or start with --pod-network host/,
    );
    const sockets = await switchyard(['up', '--pod-network', 'namespace', '--ephemeral']);
    assert.match(sockets.stderr, /forwards by sockets.*\n {2}try: Start with --mode nftables/);
    const why = /Pods have no networks of their own why=".*EPERM"/;
    for (const asked of [[], ['--pod-network', 'host']]) {
      const instance = begin([...up, ...asked], who);
      const said = await instance.printed('Ready.');
      assert.equal(why.test(said), asked.length === 0, said);
      assert.match(get(`http://${service}`), /^[ab] 10\.97\.255\.254 10\.97\.[0-9.]+ /);
      assert.doesNotMatch(sh('ip -o link'), /swy-/);
      instance.kill('SIGTERM');
      assert.equal((await instance.ended).status, 0);
    }
  },
);
