/** Every row of Kubernetes' DNS specification and of CoreDNS' answers, as a table of questions and golden answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseType, type DnsRecord } from '../codec/dns/index.ts';
import { formatAnswer, formatRecord } from './format-answer.ts';
import { resolve } from './resolve.ts';
import { addressOfDashedName, addressOfReverseName, reverseNameOf } from './reverse-name.ts';
import { rules } from './rules.ts';
import { testService, testSlice, testWorld } from './testing.ts';
import { MutableWorld, defaultZone, type World } from './world.ts';
import { questionOf, type ZoneAnswer } from './zone-answer.ts';

const types = ['A', 'AAAA', 'SRV', 'CNAME', 'TXT'] as const;
const zone = 'cluster.local';

/** Below the zone; each is asked for every type. */
const names = [
  '',
  'svc',
  'pod',
  'default.svc',
  'void.svc',
  'none.svc',
  'default.pod',
  'none.pod',
  'node',
  'dns-version',
  'ns.dns',
  'dns',
  'x.node',
  'a.b.c.web.default.svc',
  'b.c.web.default.svc',
  'web.default.svc',
  'web.shop.svc',
  'web.void.svc',
  'web.none.svc',
  'none.default.svc',
  'dual.default.svc',
  'six.default.svc',
  'idle.default.svc',
  'bare.default.svc',
  'db.default.svc',
  'cold.default.svc',
  'loose.default.svc',
  ...['out', 'in', 'hop', 'far', 'dead', 'ring', 'self', 'ip'].map((n) => `${n}.default.svc`),
  'x.out.default.svc',
  '_http._tcp.in.default.svc',
  ...['_http._tcp', 'http.tcp', '_dns._udp', '_http._udp', '_none._tcp'].map(
    (port) => `${port}.web.default.svc`,
  ),
  ...['_sql._tcp.db', '_http._tcp.dual', '_http._tcp.idle'].map((n) => `${n}.default.svc`),
  ...['db-0.db', 'db-1.db', 'db-2.db', '10-1-0-5.db', '10-1-0-8.cold', '10-1-0-9.loose'].map(
    (n) => `${n}.default.svc`,
  ),
  ...['10-1-0-1.web', 'second.web', '10-1-0-2.web', '10-1-0-3.web', 'fd00-2--0.dual'].map(
    (n) => `${n}.default.svc`,
  ),
  '10-1-0-1.default.pod',
  '10-1-0-99.default.pod',
  '10-1-0-77.default.pod',
  '10-1-0-1.shop.pod',
  '10-1-0-1.none.pod',
  'web-0.default.pod',
  'x.10-1-0-1.default.pod',
].map((name) => (name === '' ? zone : `${name}.${zone}`));

const others: readonly (readonly [string, string])[] = [
  [zone, 'SOA'],
  [zone, 'NS'],
  [zone, 'AXFR'],
  [`web.default.svc.${zone}`, 'IXFR'],
  [`web.default.svc.${zone}`, 'MX'],
  [`web.default.svc.${zone}`, 'SOA'],
  [`web.default.svc.${zone}`, 'ANY'],
  [`web.default.svc.${zone}`, 'TYPE65280'],
  ['Web.DEFAULT.svc.Cluster.LOCAL', 'A'],
  ['_HTTP._tcp.Web.DEFAULT.svc.Cluster.LOCAL', 'SRV'],
  ['CLUSTER.local', 'SOA'],
  ['NONE.default.svc.cluster.LOCAL', 'A'],
  ['example.com', 'A'],
  ['xcluster.local', 'A'],
  ['local', 'A'],
  ['', 'NS'],
  ...[
    '10.96.0.10',
    'fd00::11',
    '10.1.0.5',
    '10.1.0.1',
    'fd00:1::5',
    '10.1.0.8',
    '10.9.9.9',
  ].flatMap((ip) => ['PTR', 'A'].map((type) => [reverseNameOf(ip) ?? '', type] as const)),
  ['10.in-addr.arpa', 'PTR'],
  ['x.0.96.10.in-addr.arpa', 'PTR'],
];

const table = [...names.flatMap((name) => types.map((type) => [name, type] as const)), ...others];

test(`a table of questions over real objects`, (t) => {
  const world = testWorld();
  assert.ok(table.length >= 250, `${table.length}`);
  t.diagnostic(`${table.length} questions`);
  const lines = table.map(([name, type]) => {
    const answer = resolve(world, questionOf(name, parseType(type) ?? 0));
    return `${name === '' ? '.' : name} ${type}\n${formatAnswer(answer)}`;
  });
  const path = new URL('testdata/answers.txt', import.meta.url).pathname;
  t.assert.fileSnapshot(lines.join('\n'), path, { serializers: [(text) => text] });
});

test('the table meets every rule', () => {
  const met = new Set<string>(
    table.map(([name, type]) => {
      return resolve(testWorld(), questionOf(name, parseType(type) ?? 0))?.rule ?? '';
    }),
  );
  // These depend on how the server is set up; each has its own test below.
  for (const rule of ['namespace-hidden', 'empty-service', 'pods-disabled', 'not-synced']) {
    met.add(rule);
  }
  assert.deepEqual(
    Object.keys(rules).filter((rule) => !met.has(rule)),
    [],
  );
});

function ask(world: World, name: string, type = 'A'): ZoneAnswer | undefined {
  return resolve(world, questionOf(`${name}.${zone}`, parseType(type) ?? 0));
}

test('a server of some Namespaces denies the others', () => {
  const world = testWorld({ namespaces: ['shop'] });
  assert.equal(ask(world, 'web.default.svc')?.rule, 'namespace-hidden');
  assert.equal(ask(world, 'default.svc')?.rcode, 'NXDOMAIN');
  assert.equal(ask(world, 'web.shop.svc')?.rcode, 'NOERROR');
  assert.equal(resolve(world, questionOf(reverseNameOf('10.96.0.10') ?? '', 12)), undefined);
});

test('names of Pods: none, any address, or only those that exist', () => {
  const any = testWorld({ pods: 'insecure' });
  const none = testWorld({ pods: 'disabled' });
  assert.equal(ask(none, '10-1-0-1.default.pod')?.rule, 'pods-disabled');
  const answers = (name: string, type = 'A'): readonly string[] =>
    (ask(any, name, type)?.answers ?? []).map(formatRecord);
  assert.deepEqual(answers('10-9-9-9.default.pod'), [`10-9-9-9.default.pod.${zone} 5 A 10.9.9.9`]);
  assert.deepEqual(answers('fd00--9.default.pod', 'AAAA'), [
    `fd00--9.default.pod.${zone} 5 AAAA fd00::9`,
  ]);
  assert.equal(ask(any, '1-2-3.default.pod')?.rcode, 'NXDOMAIN');
  assert.equal(ask(any, '10-1-0-1.none.pod')?.rcode, 'NXDOMAIN');
});

test('a ClusterIP Service without endpoints may be left out', () => {
  const world = testWorld({ ignoreEmptyService: true });
  assert.equal(ask(world, 'idle.default.svc')?.rule, 'empty-service');
  assert.equal(ask(world, 'web.default.svc')?.rcode, 'NOERROR');
});

test('before everything is listed no name is denied', () => {
  const world = new MutableWorld(defaultZone, () => 0);
  world.replaceServices([testService('web', { clusterIP: '10.96.0.10' })]);
  world.replaceNamespaces([]);
  world.replacePods([]);
  for (const name of ['web.default.svc', 'none.default.svc', 'svc', 'x.y']) {
    assert.equal(ask(world, name)?.rcode, 'SERVFAIL', name);
  }
  assert.equal(ask(world, 'dns-version', 'TXT')?.rcode, 'NOERROR');
  assert.equal(resolve(world, questionOf('1.0.96.10.in-addr.arpa', 12))?.rcode, 'SERVFAIL');
  world.replaceSlices([]);
  assert.equal(ask(world, 'web.default.svc')?.rcode, 'NOERROR');
  assert.equal(ask(world, 'none.default.svc')?.rcode, 'NXDOMAIN');
});

const addresses = (answer: ZoneAnswer | undefined): readonly string[] =>
  (answer?.answers ?? []).flatMap(({ data }: DnsRecord) =>
    data.kind === 'A' || data.kind === 'AAAA' ? [data.address] : [],
  );

test('the very next question sees a change, and only its own Service is made anew', () => {
  const world = testWorld();
  const other = world.service('shop', 'web');
  const before = world.service('default', 'db');
  assert.deepEqual(addresses(ask(world, 'late.default.svc')), []);
  world.setService(testService('late', { clusterIP: 'None' }));
  assert.equal(ask(world, 'late.default.svc')?.rcode, 'NXDOMAIN');
  world.setSlice(testSlice('late', [{ address: '10.1.1.1', ready: false }]));
  assert.equal(ask(world, 'late.default.svc')?.rcode, 'NXDOMAIN');
  world.setSlice(testSlice('late', [{ address: '10.1.1.1', ready: true }]));
  assert.deepEqual(addresses(ask(world, 'late.default.svc')), ['10.1.1.1']);
  const reverse = questionOf(reverseNameOf('10.1.1.1') ?? '', 12);
  assert.equal(resolve(world, reverse)?.rule, 'reverse-endpoint');
  world.removeSlice(testSlice('late', []));
  assert.equal(ask(world, 'late.default.svc')?.rcode, 'NXDOMAIN');
  assert.equal(resolve(world, reverse), undefined);
  world.removeService(testService('late', {}));
  assert.equal(ask(world, 'late.default.svc')?.rule, 'no-service');
  assert.equal(world.service('shop', 'web'), other);
  assert.equal(world.service('default', 'db'), before);
  assert.equal(before?.stale, false);
});

test('a relist forgets what is gone', () => {
  const world = testWorld();
  world.replaceSlices([]);
  world.replaceServices([testService('db', { clusterIP: 'None' })]);
  world.replacePods([]);
  world.replaceNamespaces([]);
  for (const name of ['db.default.svc', 'web.default.svc', '10-1-0-1.default.pod', 'default.svc']) {
    assert.equal(ask(world, name)?.rcode, 'NXDOMAIN', name);
  }
  assert.equal(resolve(world, questionOf(reverseNameOf('10.96.0.10') ?? '', 12)), undefined);
});

test('addresses and their names lead to one another', () => {
  for (const ip of ['10.0.0.1', 'fd00::1', '::', '255.255.255.255', '2001:db8:1:2:3:4:5:6']) {
    assert.equal(addressOfReverseName(reverseNameOf(ip) ?? ''), ip);
  }
  assert.equal(reverseNameOf('x'), undefined);
  assert.equal(addressOfReverseName('300.0.0.1.in-addr.arpa'), undefined);
  assert.equal(addressOfDashedName('10-0-0-1'), '10.0.0.1');
  assert.equal(addressOfDashedName('fd00--1'), 'fd00::1');
  assert.equal(addressOfDashedName('web-0'), undefined);
});
