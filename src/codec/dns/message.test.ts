import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { formatIp } from '../../model/index.ts';
import {
  decodeMessage,
  encodeMessage,
  encodeMessageAt,
  messageBound,
  type DnsMessage,
  type DnsRecord,
} from './message.ts';
import { decodeName, encodeName, isName, nameLength, parseName } from './name.ts';
import type { RecordData } from './record-data.ts';
import { recordTypes } from './record-types.ts';
import { scanPlainQuery, scanQuery, scanRecords } from './scan.ts';

/** Messages to break; all of them in soak. */
const fuzzRuns = process.env['SWITCHYARD_SOAK'] === '1' ? 10_000_000 : 2_000;

const label = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-zA-Z0-9_-]{1,12}$/) },
  fc
    .uint8Array({ minLength: 1, maxLength: 63 })
    .map((bytes) => [...bytes].map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')),
);
/** Names in the one text that `decodeName` writes. */
const name = fc
  .array(label, { maxLength: 5 })
  .map((labels) => labels.join('.'))
  .filter(isName)
  .map((text) => {
    const bytes = new Uint8Array(nameLength(text));
    encodeName(bytes, 0, text);
    return decodeName(bytes, 0)!.name;
  });
const u16 = fc.nat(0xffff);
const u32 = fc.nat(0xffff_ffff);
const bytesOf = (max: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ maxLength: max }).map((bytes) => Uint8Array.from(bytes));
const address = (size: number): fc.Arbitrary<string> =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((bytes) => formatIp(bytes));

const data: fc.Arbitrary<readonly [number, RecordData]> = fc.oneof(
  address(4).map((ip) => [recordTypes.A, { kind: 'A', address: ip }] as const),
  address(16).map((ip) => [recordTypes.AAAA, { kind: 'AAAA', address: ip }] as const),
  fc
    .tuple(fc.constantFrom('CNAME', 'NS', 'PTR'), name)
    .map(([kind, target]) => [recordTypes[kind], { kind, target }] as const),
  fc
    .tuple(u16, u16, u16, name)
    .map(
      ([priority, weight, port, target]) =>
        [recordTypes.SRV, { kind: 'SRV', priority, weight, port, target }] as const,
    ),
  fc
    .array(
      bytesOf(255).map((bytes) => String.fromCharCode(...bytes)),
      { minLength: 1, maxLength: 4 },
    )
    .map((texts) => [recordTypes.TXT, { kind: 'TXT', texts }] as const),
  fc.tuple(name, name, fc.tuple(u32, u32, u32, u32, u32)).map(
    ([primary, mailbox, [serial, refreshSeconds, retrySeconds, expireSeconds, last]]) =>
      [
        recordTypes.SOA,
        {
          kind: 'SOA',
          primary,
          mailbox,
          serial,
          refreshSeconds,
          retrySeconds,
          expireSeconds,
          negativeTtlSeconds: last,
        },
      ] as const,
  ),
  fc
    .array(fc.record({ code: u16, bytes: bytesOf(20) }), { maxLength: 3 })
    .map((options) => [recordTypes.OPT, { kind: 'OPT', options }] as const),
  fc
    .tuple(fc.integer({ min: 256, max: 0xffff }), bytesOf(40))
    .map(([type, bytes]) => [type, { kind: 'opaque', bytes }] as const),
);

const record: fc.Arbitrary<DnsRecord> = fc
  .tuple(name, data, u32)
  .map(([owner, [type, value], ttlSeconds]) => ({
    name: owner,
    type,
    class: 1,
    ttlSeconds,
    data: value,
  }));
const message: fc.Arbitrary<DnsMessage> = fc.record({
  id: u16,
  flags: u16,
  questions: fc.array(fc.record({ name, type: u16, class: u16 }), { maxLength: 2 }),
  answers: fc.array(record, { maxLength: 6 }),
  authorities: fc.array(record, { maxLength: 2 }),
  additionals: fc.array(record, { maxLength: 3 }),
});

/** Owners come back as the first spelling they were pointed to. */
function folded(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (key, inner: unknown) =>
      ['name', 'target', 'primary', 'mailbox'].includes(key) && typeof inner === 'string'
        ? inner.toLowerCase()
        : inner,
    ),
  );
}

test('messages survive the wire, also at an offset, in the room that was reckoned', () => {
  fc.assert(
    fc.property(message, fc.nat(40), (value, offset) => {
      const bytes = encodeMessage(value);
      assert.ok(bytes.length <= messageBound(value));
      assert.deepEqual(folded(decodeMessage(bytes)), folded(value));
      const wide = new Uint8Array(offset + messageBound(value));
      const end = encodeMessageAt(wide, offset, value);
      assert.deepEqual(wide.slice(offset, end), bytes.slice());
      const ends = value.questions.length === 1 ? scanQuery(bytes) : undefined;
      if (typeof ends === 'object') {
        const count = value.answers.length + value.authorities.length + value.additionals.length;
        assert.equal(scanRecords(bytes, ends.questionEnd)?.length, count);
      }
    }),
    { numRuns: 500 },
  );
});

test('any bytes are decoded or refused, and what was decoded is encoded to the same', () => {
  const broken = fc
    .tuple(message, fc.array(fc.tuple(fc.nat(600), fc.nat(255)), { maxLength: 6 }), fc.nat(700))
    .map(([value, changes, cut]) => {
      const bytes = encodeMessage(value).slice();
      for (const [at, to] of changes) if (at < bytes.length) bytes[at] = to;
      return cut % 3 === 0 ? bytes.slice(0, cut) : bytes;
    });
  fc.assert(
    fc.property(fc.oneof(broken, bytesOf(300)), (bytes) => {
      agree(bytes);
      const decoded = decodeMessage(bytes);
      if (decoded === undefined) return;
      assert.deepEqual(folded(decodeMessage(encodeMessage(decoded))), folded(decoded));
    }),
    { numRuns: fuzzRuns },
  );
});

/** The short way and the long way see the same query, whenever the short way takes it. */
function agree(bytes: Uint8Array): boolean {
  const query = scanQuery(bytes);
  const plain = scanPlainQuery(bytes);
  if (plain === undefined) return false;
  assert.ok(typeof query === 'object');
  const { id: _id, name: _name, ...rest } = query;
  assert.deepEqual(plain, rest);
  return true;
}

test('the short way to a common query agrees with the long one', () => {
  const options = { kind: 'OPT', options: [{ code: 10, bytes: new Uint8Array(8) }] } as const;
  const opt: DnsRecord = { name: '', type: 41, class: 1232, ttlSeconds: 0x8000, data: options };
  fc.assert(
    fc.property(
      name,
      u16,
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(60), fc.nat(255))),
      (n, type, edns, changes) => {
        const bytes = encodeMessage({
          id: 1,
          flags: 0x0100,
          questions: [{ name: n, type, class: 1 }],
          answers: [],
          authorities: [],
          additionals: edns ? [opt] : [],
        }).slice();
        assert.ok(agree(bytes));
        for (const [at, to] of changes) if (at < bytes.length) bytes[at] = to;
        agree(bytes);
      },
    ),
    { numRuns: 2_000 },
  );
});

test('names: text and bytes', () => {
  const cases: Readonly<Record<string, number | undefined>> = {
    '': 1,
    '.': 1,
    a: 3,
    'a.': 3,
    'a.b': 5,
    'a..b': undefined,
    '.a': undefined,
    'a\\.b': 5,
    'a\\046b': 5,
    'a\\': undefined,
    'a\\25': undefined,
    'a\\256': undefined,
    [`${'x'.repeat(63)}`]: 65,
    [`${'x'.repeat(64)}`]: undefined,
    [Array.from({ length: 127 }, () => 'a').join('.')]: 255,
    [Array.from({ length: 128 }, () => 'a').join('.')]: undefined,
    'ü\u0100': undefined,
  };
  for (const [text, length] of Object.entries(cases)) {
    assert.equal(parseName(text) === undefined ? undefined : nameLength(text), length, text);
  }
  assert.throws(() => encodeName(new Uint8Array(9), 0, 'a..b'), RangeError);
  const bytes = Uint8Array.from([3, 0x61, 0x2e, 0x20, 0]);
  assert.deepEqual(decodeName(bytes, 0), { name: 'a\\.\\032', next: 5 });
});

const nasty: Readonly<Record<string, readonly number[]>> = {
  'a pointer to itself': [0xc0, 12],
  'a pointer forward': [0xc0, 20, 0, 0, 0, 0, 0, 0, 0, 0],
  'a label that returns to its own start': [1, 0x61, 0xc0, 12],
  'two pointers at each other': [0xc0, 14, 0xc0, 12],
  'a label without its end': [5, 0x61],
  'a reserved label type': [0x80, 0],
  'half a pointer': [0xc0],
  nothing: [],
};

for (const [what, tail] of Object.entries(nasty)) {
  test(`refused: ${what}`, () => {
    const head = [0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    const short = Uint8Array.from([...head, ...tail]);
    assert.equal(decodeName(short, 12), undefined);
    assert.equal(decodeMessage(short), undefined);
    assert.equal(scanQuery(short), 'malformed');
  });
}

test('a chain of pointers ends after a bounded number of jumps', () => {
  const bytes = new Uint8Array(1_000);
  for (let at = 2; at < 1_000; at += 2) {
    bytes[at] = 0xc0 | ((at - 2) >> 8);
    bytes[at + 1] = (at - 2) & 0xff;
  }
  assert.notEqual(decodeName(bytes, 100), undefined);
  assert.equal(decodeName(bytes, 998), undefined);
});

test('names past the reach of pointers are written out', () => {
  const long: DnsRecord = {
    name: 'far.example',
    type: 999,
    class: 1,
    ttlSeconds: 0,
    data: { kind: 'opaque', bytes: new Uint8Array(17_000) },
  };
  const late = { ...long, name: 'late.test', data: { ...long.data, bytes: new Uint8Array(1) } };
  const value: DnsMessage = {
    id: 1,
    flags: 0,
    questions: [],
    answers: [long, late, late],
    authorities: [],
    additionals: [],
  };
  assert.deepEqual(decodeMessage(encodeMessage(value)), value);
});

test('what a query asks, and what is none', () => {
  const query = (over: Partial<DnsMessage>): Uint8Array =>
    encodeMessage({
      id: 7,
      flags: 0x0100,
      questions: [{ name: 'Web.Default.svc', type: 1, class: 1 }],
      answers: [],
      authorities: [],
      additionals: [],
      ...over,
    });
  const opt = (owner: string): DnsRecord => ({
    name: owner,
    type: 41,
    class: 1232,
    ttlSeconds: 0x0001_8000,
    data: { kind: 'OPT', options: [] },
  });
  const plain = scanQuery(query({}));
  assert.ok(typeof plain === 'object');
  assert.deepEqual([plain.name, plain.edns], ['Web.Default.svc', undefined]);
  const edns = scanQuery(query({ additionals: [opt('')] }));
  assert.ok(typeof edns === 'object');
  assert.deepEqual(edns.edns, { udpSize: 1232, version: 1, wantsDnssec: true });
  assert.equal(scanQuery(query({ additionals: [opt(''), opt('')] })), 'malformed');
  assert.equal(scanQuery(query({ additionals: [opt('x')] })), 'malformed');
  assert.equal(scanQuery(query({ questions: [] })), 'no-question');
  assert.equal(scanQuery(query({ flags: 0x8000 })), 'not-a-query');
  assert.equal(scanQuery(query({}).subarray(0, 11)), 'not-a-query');
});
