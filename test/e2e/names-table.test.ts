/**
 * Hundreds of questions to a running Switchyard over real objects, asked by the programs people have: kdig and dig
 * against one golden file, then host, Node's resolver, glibc's and Python's, which must agree with it.
 */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Resolver } from 'node:dns/promises';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { openCell, whyNoCell, type Cell } from '../support/cell.ts';
import { readDigOutput, type Heard } from '../support/dig-output.ts';
import { startFakeUpstream } from '../support/fake-upstream.ts';
import { emptyHome, run, start, temporaryFolder, type ProgramOptions } from '../support/program.ts';
import { root } from '../support/tree.ts';

const objects = join(root, 'test/e2e/testdata/names/objects.yaml');
const golden = join(root, 'test/e2e/testdata/names/answers.txt');
const zone = 'cluster.local';
const linux = process.platform === 'linux' ? undefined : 'needs all of 127/8, which only Linux has';

const services = ['web', 'peers', 'early', 'db', 'both', 'idle', 'cold', 'loose', 'none'];
const aliases = ['out', 'gone', 'alias', 'alias2', 'dead', 'ring', 'gnir'];
const below = [
  '10-1-0-1.peers',
  '10-1-0-3.peers',
  '10-1-0-3.early',
  '10-1-0-2.web',
  '10-9-9-9.web',
  'db-0.db',
  'db-1.db',
  'db-2.db',
  'one.both',
  'sick.both',
  '10-1-2-2.both',
  'fd00-2--0.both',
  '_http._tcp.web',
  '_stats._udp.web',
  '_stats._tcp.web',
  'http.tcp.web',
  '_sql._tcp.db',
  '_http._tcp.peers',
  '_http._tcp.both',
  '_http._tcp.cold',
  'x.y.z.web',
  'x.out',
  'x.none',
  '_http._tcp.early',
  'one.web',
  'db-0.web',
  '10-1-1-1.db',
  '_http._udp.peers',
];
const pods = ['10-1-0-1', '10-1-0-3', '10-1-1-2', '10-9-9-9', 'web-0', 'fd00--1'];
const types = ['A', 'AAAA', 'SRV', 'TXT'];

const questions: readonly string[] = [
  ...[...services, ...aliases, ...below].flatMap((name) =>
    types.map((type) => `${name}.default.svc.${zone}. ${type}`),
  ),
  ...aliases.map((name) => `${name}.default.svc.${zone}. CNAME`),
  ...['web.shop', 'peers.shop', 'web.void', 'web.nowhere', 'kube-dns.kube-system'].flatMap((name) =>
    types.map((type) => `${name}.svc.${zone}. ${type}`),
  ),
  ...pods.flatMap((name) => ['A', 'AAAA'].map((type) => `${name}.default.pod.${zone}. ${type}`)),
  `10-1-0-1.shop.pod.${zone}. A`,
  `10-1-0-1.nowhere.pod.${zone}. A`,
  ...[
    '',
    'svc.',
    'pod.',
    'default.svc.',
    'shop.svc.',
    'nowhere.svc.',
    'other.',
    'x.other.',
  ].flatMap((name) => ['A', 'SOA', 'NS'].map((type) => `${name}${zone}. ${type}`)),
  ...['TXT', 'A'].map((type) => `dns-version.${zone}. ${type}`),
  ...['MX', 'CAA', 'TYPE65280', 'SOA', 'HINFO'].map((type) => `web.default.svc.${zone}. ${type}`),
  `ns.dns.${zone}. A`,
  `WEB.Default.svc.Cluster.LOCAL. A`,
  `_HTTP._tcp.Web.default.SVC.cluster.local. SRV`,
  `NONE.default.svc.CLUSTER.local. A`,
  ...['1.0.1.10', '3.0.1.10', '1.1.1.10', '1.3.1.10'].map((ip) => `${ip}.in-addr.arpa. PTR`),
  '1.0.1.10.in-addr.arpa. A',
  'www.partner.example. A',
  'www.partner.example. AAAA',
  'nobody.partner.example. A',
];

interface Running {
  readonly address: string;
  readonly port: number;
  /** Address to name: the ClusterIPs differ from start to start. */
  readonly named: ReadonlyMap<string, string>;
}

/** `prefix` enters another network, or is empty. */
async function startNames(
  t: TestContext,
  { prefix = [] as readonly string[], upstream = '', name = 'names-table' },
): Promise<Running> {
  const home: ProgramOptions = { cwd: root, env: emptyHome(temporaryFolder(t)) };
  const cli = (...args: readonly string[]): readonly string[] => [
    ...prefix,
    join(root, 'switchyard'),
    ...args,
    '--instance',
    name,
  ];
  const up = start(t, cli('up', '-f', objects, '--dns-upstream', upstream), home);
  const text = await up.printed('Ready.');
  const at = /answered at (127\.0\.0\.1):([0-9]+)\n/.exec(text);
  assert.ok(at, text);
  const listed = await run(t, cli('get', 'services', '-A', '-o', 'json'), home);
  const views = JSON.parse(listed.stdout) as readonly {
    readonly namespace: string;
    readonly name: string;
    readonly frontends: readonly { readonly declared: string }[];
  }[];
  const named = views.flatMap((view) =>
    view.frontends.map(
      ({ declared }) => [declared.split(':')[0] ?? '', `<${view.namespace}/${view.name}>`] as const,
    ),
  );
  return { address: at[1] ?? '', port: Number(at[2]), named: new Map(named) };
}

const hasProgram = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));

const missing = (...programs: readonly string[]): string | undefined => {
  const absent = programs.find((program) => !hasProgram(program));
  return absent === undefined ? undefined : `${absent} is not on this host`;
};

/** As the golden file has it: addresses by name, and no numbers that change with the time. */
function format(heard: readonly Heard[], named: ReadonlyMap<string, string>): string {
  const text = heard
    .map(({ question, rcode, flags, records }) =>
      [question, `  ${rcode} ${flags}`, ...records.map((record) => `  ${record}`), ''].join('\n'),
    )
    .join('\n');
  return text
    .replaceAll(/(SOA \S+ \S+) [0-9]+/g, '$1 SERIAL')
    .replaceAll(/(example\.) [0-9]+ (A|SOA)/g, '$1 TTL $2')
    .replaceAll(/127(\.[0-9]+){3}/g, (ip) => named.get(ip) ?? ip);
}

async function askAll(
  t: TestContext,
  program: 'kdig' | 'dig',
  { address, port }: Running,
): Promise<readonly Heard[]> {
  const shared = [`@${address}`, '-p', String(port), '+noedns', '+nocookie'];
  const heard: Heard[] = [];
  for (let i = 0; i < questions.length; i += 64) {
    const some = questions.slice(i, i + 64);
    const args =
      program === 'kdig'
        ? [...shared.slice(0, 4), ...some.flatMap((question) => question.split(' '))]
        : some.flatMap((question) => [...shared, ...question.split(' ')]);
    const { stdout } = await run(t, [program, ...args], { cwd: root });
    heard.push(...readDigOutput(stdout));
  }
  return heard;
}

const skipTable = linux ?? missing('kdig') ?? false;

test('a table of questions, asked by kdig, dig, host and Node', { skip: skipTable }, async (t) => {
  const upstream = await startFakeUpstream('127.0.0.78');
  t.after(() => upstream.close());
  const running = await startNames(t, { upstream: upstream.at });
  assert.ok(questions.length >= 250, `${questions.length}`);
  t.diagnostic(`${questions.length} questions`);
  const heard = await askAll(t, 'kdig', running);
  // kdig asks in lower case whatever it is given; dig does not.
  assert.deepEqual(
    heard.map(({ question }) => question.toLowerCase()),
    questions.map((question) => question.toLowerCase()),
  );
  const text = format(heard, running.named);

  await t.test('kdig hears what the golden file says', (sub) => {
    sub.assert.fileSnapshot(text, golden, { serializers: [(same) => same] });
  });
  await t.test('dig hears the same', { skip: missing('dig') ?? false }, async (sub) => {
    const said = format(await askAll(sub, 'dig', running), running.named);
    assert.equal(said.toLowerCase(), text.toLowerCase());
  });
  await t.test('host hears the same', { skip: missing('host') ?? false }, async (sub) => {
    const asked = heard.filter(({ question }) => / (A|AAAA)$/.test(question)).slice(0, 60);
    for (const each of asked) await checkHost(sub, each, running);
  });
  await t.test("Node's resolver hears the same", async () => {
    const resolver = new Resolver({ timeout: 5_000, tries: 2 });
    resolver.setServers([`${running.address}:${running.port}`]);
    let checked = 0;
    for (const each of heard) checked += await checkNode(resolver, each);
    assert.ok(checked > 200, `${checked}`);
  });
});

const dataOf = ({ records }: Heard, type: string): readonly string[] =>
  records.flatMap((record) => {
    const [section, , , found, ...data] = record.split(' ');
    return section === 'answer:' && found === type ? [data.join(' ')] : [];
  });

async function checkHost(t: TestContext, heard: Heard, { address, port }: Running): Promise<void> {
  const [name = '', type = ''] = heard.question.split(' ');
  const command = ['host', '-p', String(port), '-t', type, name, address];
  const { stdout } = await run(t, command, { cwd: root });
  if (heard.rcode === 'NXDOMAIN') return assert.match(stdout, /not found: 3\(NXDOMAIN\)/, name);
  const said = [...stdout.matchAll(/has (?:IPv6 )?address (\S+)/g)].map(([, ip]) => ip ?? '');
  assert.deepEqual(said.toSorted(), [...dataOf(heard, type)].toSorted(), `${name}\n${stdout}`);
}

const nodeTypes = ['A', 'AAAA', 'SRV', 'TXT', 'CNAME', 'PTR', 'SOA', 'NS'];

async function checkNode(resolver: Resolver, heard: Heard): Promise<0 | 1> {
  const [name = '', type = ''] = heard.question.split(' ');
  if (!nodeTypes.includes(type)) return 0;
  let outcome: readonly string[] | string;
  try {
    outcome = formatNode(await resolver.resolve(name, type));
    // An alias that leads to no such record.
    if (outcome.length === 0) outcome = 'ENODATA';
  } catch (thrown) {
    outcome = (thrown as NodeJS.ErrnoException).code ?? '';
  }
  const data = dataOf(heard, type);
  // The serial of the SOA is the time.
  if (type === 'SOA' && data.length > 0) assert.notEqual(typeof outcome, 'string', name);
  else if (heard.rcode === 'NXDOMAIN') assert.equal(outcome, 'ENOTFOUND', heard.question);
  else if (data.length === 0) assert.equal(outcome, 'ENODATA', heard.question);
  else assert.deepEqual(outcome, data.toSorted(), heard.question);
  return 1;
}

function formatNode(answer: unknown): readonly string[] {
  const list = Array.isArray(answer) ? (answer as readonly unknown[]) : [answer];
  const texts = list.map((item) => {
    if (typeof item === 'string')
      return /[a-z]/.test(item) && !item.includes(':') ? `${item}.` : item;
    if (Array.isArray(item)) return `"${item.join('')}"`;
    const { priority, weight, port, name } = item as Readonly<Record<string, unknown>>;
    return [priority, weight, port, `${String(name)}.`].map(String).join(' ');
  });
  return texts.toSorted();
}

/** Programs that know only resolv.conf and port 53: the ClusterIP of kube-dns, in a network of its own. */
async function startInCell(t: TestContext, cell: Cell): Promise<Running> {
  const program = join(root, 'test/support/fake-upstream.ts');
  const fake = start(t, cell.enter([process.execPath, program, '127.0.0.1']), { cwd: root });
  const upstream = /Upstream at (\S+)/.exec(await fake.printed('Upstream at'))?.[1] ?? '';
  const running = await startNames(t, { prefix: cell.enter([]), upstream, name: 'cell' });
  const own = [...running.named].find(([, name]) => name === '<kube-system/kube-dns>')?.[0];
  assert.ok(own !== undefined);
  cell.setResolvConf(
    `nameserver ${own}\nsearch default.svc.${zone} svc.${zone} ${zone}\noptions ndots:5 timeout:2\n`,
  );
  return running;
}

/** Host names as applications give them, and what they lead to; undefined: nothing. */
const hosts: readonly (readonly [string, readonly string[] | undefined])[] = [
  ['web', ['<default/web>']],
  ['web.default', ['<default/web>']],
  ['web.shop', ['<shop/web>']],
  ['web.shop.svc', ['<shop/web>']],
  ['web.default.svc.cluster.local', ['<default/web>']],
  ['WEB', ['<default/web>']],
  ['peers', ['10.1.0.1', '10.1.0.2']],
  ['early', ['10.1.0.1', '10.1.0.2', '10.1.0.3']],
  ['db-0.db', ['10.1.1.1']],
  ['10-1-0-2.peers.default.svc.cluster.local', ['10.1.0.2']],
  ['one.both', ['10.1.2.1', 'fd00:1::1']],
  ['alias', ['<default/web>']],
  ['alias2', ['<default/web>']],
  ['out', ['192.0.2.80']],
  ['www.partner.example', ['192.0.2.80']],
  ['idle', ['<default/idle>']],
  ['cold', undefined],
  ['none', undefined],
  ['ring', undefined],
  ['peers.shop', undefined],
  ['nobody.partner.example', undefined],
];

const pythonCode = `import socket, sys
for name in sys.argv[1:]:
    try: print(name, *sorted({a[4][0] for a in socket.getaddrinfo(name, 80)}))
    except socket.gaierror as e: print(name)
`;
const nodeCode = `const { lookup } = require('node:dns').promises;
(async () => { for (const name of process.argv.slice(1)) {
  const found = await lookup(name, { all: true }).catch(() => []);
  console.log(name, ...new Set(found.map((f) => f.address).sort())); } })();`;

const resolvers: Readonly<Record<string, readonly string[]>> = {
  "glibc's getent": [
    'sh',
    '-c',
    'for n; do echo $n $(getent ahosts $n | cut -d" " -f1 | sort -u); done',
    '-',
  ],
  "Debian's Python": ['/usr/bin/python3', '-c', pythonCode],
  "Node's lookup": [process.execPath, '-e', nodeCode],
};

const skipCell = linux ?? whyNoCell() ?? missing('nsenter', 'getent') ?? false;

test('resolvers with a search list, by port 53 of kube-dns', { skip: skipCell }, async (t) => {
  const cell = await openCell(t);
  const { named } = await startInCell(t, cell);
  const wanted = hosts.map(([name, found]) => [name, ...(found ?? [])].join(' '));
  for (const [title, command] of Object.entries(resolvers)) {
    const skip =
      existsSync(command[0] ?? '') || hasProgram(command[0] ?? '') ? false : `no ${command[0]}`;
    await t.test(title, { skip }, async (sub) => {
      const all = cell.enter([...command, ...hosts.map(([name]) => name)]);
      const { stdout, stderr } = await run(sub, all, { cwd: root });
      const said = stdout
        .trim()
        .split('\n')
        .map((line) => line.trim().replaceAll(/127(\.[0-9]+){3}/g, (ip) => named.get(ip) ?? ip));
      assert.deepEqual(said, wanted, stderr);
    });
  }
});
