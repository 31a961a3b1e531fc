/** Our annotations are read as documented, and every one is documented. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { annotations, formatReachedAt, readAnnotation } from './annotations.ts';
import { kinds } from './served.ts';
import type { KubeObject } from './object.ts';

const { address, affinity, balance, command, proxyProtocol, reachedAt, replay, scheduler, weight } =
  annotations;
const ok = <T>(value: T): object => ({ ok: true, value });
const bad = (problem: string): object => ({ ok: false, problem });

const cases: Readonly<Record<string, readonly [got: object, want: object]>> = {
  'an address': [address.parse('127.0.0.1'), ok({ address: '127.0.0.1', port: undefined })],
  'an address with a port': [address.parse('10.0.0.1:80'), ok({ address: '10.0.0.1', port: 80 })],
  'an IPv6 address': [address.parse('::1'), ok({ address: '::1', port: undefined })],
  'an IPv6 address with a port': [address.parse('[::1]:80'), ok({ address: '::1', port: 80 })],
  'a name is no address': [
    address.parse('localhost:80'),
    bad('it must be an IP address, or ADDRESS:PORT with a port of 1 to 65535'),
  ],
  'a shell line': [command.parse(' node a.js '), ok(['/bin/sh', '-c', 'node a.js'])],
  words: [command.parse('["node", "a b.js"]'), ok(['node', 'a b.js'])],
  'an empty command': [command.parse(' '), bad('it is empty')],
  'no words': [command.parse('[]'), bad('the JSON array is empty')],
  'words and numbers': [command.parse('["a", 1]'), bad('the JSON array holds more than strings')],
  'half an array': [command.parse('["a"'), bad('it starts like a JSON array and is none')],
  'a scheduler': [scheduler.parse('rr'), ok('rr')],
  "Cilium's name for Maglev": [scheduler.parse('maglev'), ok('mh')],
  'every scheduler of IPVS': [scheduler.parse('sed'), ok('sed')],
  'an affinity, however it is capitalised': [affinity.parse('ClientIP'), ok('clientIP')],
  'an unknown affinity': [
    affinity.parse('ip'),
    bad('"ip" is not an affinity; known are none, clientIP, cookie'),
  ],
  'a balance mode': [balance.parse('request'), ok('request')],
  'an unknown balance mode': [
    balance.parse('http'),
    bad('"http" is not a balance mode; known are connection, request'),
  ],
  'a PROXY protocol': [proxyProtocol.parse('v2'), ok('v2')],
  'a PROXY protocol of the future': [
    proxyProtocol.parse('v3'),
    bad('"v3" is not a version of the PROXY protocol; known are none, v1, v2'),
  ],
  'a replay': [replay.parse('first-bytes'), ok('first-bytes')],
  'an unknown replay': [
    replay.parse('all'),
    bad('"all" is not a way to replay; known are none, first-bytes'),
  ],
  'a weight': [weight.parse('100'), ok(100)],
  'a weight of 0': [weight.parse('0'), ok(0)],
  'too much weight': [weight.parse('65536'), bad('it must be a whole number from 0 to 65535')],
  'half a weight': [weight.parse('1.5'), bad('it must be a whole number from 0 to 65535')],
  'no stand-ins': [reachedAt.parse(''), ok([])],
  'no pair': [reachedAt.parse('1.2.3.4:80'), bad('"1.2.3.4:80" is not DECLARED=REACHED')],
};

for (const [name, [got, want]] of Object.entries(cases)) {
  test(name, () => assert.deepEqual(got, want));
}

test('an unknown scheduler is told the known ones', () => {
  const parsed = scheduler.parse('fast');
  assert.match(parsed.ok ? '' : parsed.problem, /"fast" is not a scheduler; known are rr/);
});

test('stand-ins are read as they are written', () => {
  const entries = [
    {
      declared: { address: '127.1.0.1', port: 80 },
      reached: { address: '127.1.0.1', port: 8080 },
    },
    { declared: { address: '::1', port: 443 }, reached: { address: '::1', port: 50_000 } },
  ];
  assert.deepEqual(reachedAt.parse(formatReachedAt(entries)), ok(entries));
});

test('ours is read before a synonym, labels where they are labels', () => {
  const object = (metadata: Partial<KubeObject['metadata']>): KubeObject => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', ...metadata },
  });
  const [synonym = ''] = scheduler.synonyms;
  const both = object({ annotations: { [scheduler.key]: 'rr', [synonym]: 'nonsense' } });
  assert.deepEqual(readAnnotation(both, scheduler), { key: scheduler.key, ok: true, value: 'rr' });
  const foreign = readAnnotation(object({ annotations: { [synonym]: 'rr' } }), scheduler);
  assert.deepEqual(foreign, { key: synonym, ok: true, value: 'rr' });
  assert.equal(readAnnotation(object({ annotations: { [weight.key]: '3' } }), weight), undefined);
  const labelled = readAnnotation(object({ labels: { [weight.key]: '3' } }), weight);
  assert.deepEqual(labelled, { key: weight.key, ok: true, value: 3 });
});

test('every row names its kinds and says what it does', () => {
  const known = kinds.map((kind) => kind.kind);
  const keys = new Set<string>();
  for (const spec of Object.values(annotations)) {
    assert.match(spec.key, /^switchyard\.dev\/[a-z-]+$/);
    assert.match(spec.doc, /^[A-Z].*\.$/);
    assert.ok(spec.on.length > 0 && spec.on.every((kind) => known.includes(kind)), spec.key);
    const place = `${spec.place} ${spec.key}`;
    assert.ok(!keys.has(place));
    keys.add(place);
  }
});
