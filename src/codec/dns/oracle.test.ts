/**
 * Ten million messages (a slice of them outside of the soak), whole, bent and torn: each is decoded or refused, what
 * is decoded survives the wire, and dns-packet, which knows nothing of us, reads the same.
 */
import assert from 'node:assert/strict';
import process from 'node:process';
import { test } from 'node:test';
import packet from 'dns-packet';
import { decodeMessage, encodeMessage, type DnsMessage, type DnsRecord } from './message.ts';
import type { RecordData } from './record-data.ts';
import { recordTypes } from './record-types.ts';
import { scanPlainQuery, scanQuery } from './scan.ts';

const isSoak = process.env['SWITCHYARD_SOAK'] !== undefined;
const messages = isSoak ? 10_000_000 : 60_000;
const freshEvery = 16;
const seed = isSoak ? Date.now() >>> 0 : 20_261_122;

/** Mulberry32: fast, and a failure can be had again from the seed. */
function generator(start: number): (below: number) => number {
  let state = start;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Next = (below: number) => number;

const words = [
  'a',
  'web',
  'default',
  'svc',
  'cluster',
  'local',
  '_http',
  '10-1-0-1',
  'x'.repeat(60),
];
const someName = (next: Next): string =>
  Array.from({ length: next(5) }, () => words[next(words.length)] ?? 'a').join('.');

const makers: readonly ((next: Next) => RecordData)[] = [
  (next) => ({ kind: 'A', address: [10, next(256), next(256), next(256)].join('.') }),
  (next) => ({ kind: 'AAAA', address: `fd00::${(next(65_535) + 1).toString(16)}` }),
  (next) => ({ kind: 'CNAME', target: someName(next) }),
  (next) => ({ kind: 'PTR', target: someName(next) }),
  (next) => ({ kind: 'NS', target: someName(next) }),
  (next) => ({
    kind: 'SRV',
    priority: next(65_536),
    weight: next(65_536),
    port: next(65_536),
    target: someName(next),
  }),
  (next) => ({ kind: 'TXT', texts: Array.from({ length: 1 + next(3) }, () => someName(next)) }),
  (next) => ({
    kind: 'SOA',
    primary: someName(next),
    mailbox: someName(next),
    serial: next(2 ** 32),
    refreshSeconds: next(2 ** 31),
    retrySeconds: next(2 ** 31),
    expireSeconds: next(2 ** 31),
    negativeTtlSeconds: next(2 ** 31),
  }),
];

function someRecord(next: Next): DnsRecord {
  const data = makers[next(makers.length)]!(next);
  const type = recordTypes[data.kind as 'A'];
  return { name: someName(next), type, class: 1, ttlSeconds: next(2 ** 31), data };
}

function someMessage(next: Next): DnsMessage {
  const some = (most: number): readonly DnsRecord[] =>
    Array.from({ length: next(most + 1) }, () => someRecord(next));
  return {
    id: next(65_536),
    flags: next(65_536) & 0xfbf0,
    questions: [{ name: someName(next), type: 1 + next(40), class: 1 }],
    answers: some(4),
    authorities: some(2),
    additionals: some(2),
  };
}

/** A byte or several changed, something cut out, doubled or put behind. */
function bend(bytes: Buffer, next: Next): Buffer {
  const bent = Buffer.from(bytes);
  for (let i = next(6); i > 0; i--) bent[next(bent.length)] = next(4) === 0 ? 0xc0 : next(256);
  if (next(8) === 0) return bent.subarray(0, next(bent.length + 1));
  if (next(8) === 0) {
    const [from, size] = [next(bent.length), next(40)];
    return Buffer.concat([bent.subarray(0, from), bent.subarray(from + size)]);
  }
  return next(8) === 0 ? Buffer.concat([bent, bent.subarray(next(bent.length))]) : bent;
}

test('millions of messages, by an oracle', (t) => {
  t.diagnostic(`${messages} messages, seed ${seed}`);
  const next = generator(seed);
  let whole: Buffer = Buffer.alloc(0);
  let decoded = 0;
  for (let i = 0; i < messages; i++) {
    if (i % freshEvery === 0) {
      const value = someMessage(next);
      whole = Buffer.from(encodeMessage(value));
      sameByOracle(value, whole);
      continue;
    }
    const bytes = bend(whole, next);
    try {
      if (survives(bytes)) decoded++;
    } catch (cause) {
      throw new Error(`message ${i} of seed ${seed}: ${bytes.toString('hex')}`, { cause });
    }
  }
  // If next to none got through, the bending would have tested nothing but the first refusal.
  assert.ok(decoded > messages / 20, `${decoded} of ${messages} were decoded`);
});

/** Whether it was decoded; then what was decoded is encoded and decoded to the same. */
function survives(bytes: Buffer): boolean {
  // No Buffer: they print themselves another way than the bytes that come back.
  const message = decodeMessage(Uint8Array.from(bytes));
  scanQuery(bytes);
  scanPlainQuery(bytes);
  if (message === undefined) return false;
  const again = encodeMessage(message);
  const back = decodeMessage(Uint8Array.from(again));
  assert.ok(back !== undefined);
  assert.equal(textOf(back), textOf(message));
  return true;
}

/** Names are folded: a pointer brings back the first spelling. */
function textOf(message: DnsMessage): string {
  return JSON.stringify(message, (key, value: unknown) =>
    typeof value === 'string' && key !== 'texts' ? value.toLowerCase() : value,
  );
}

/** What dns-packet reads in our bytes is what we wrote; what it writes of the same, we read. */
function sameByOracle(value: DnsMessage, bytes: Buffer): void {
  const theirs = packet.decode(bytes);
  assert.equal(theirs.id, value.id);
  assert.deepEqual(
    theirs.questions?.map(({ name }) => name.toLowerCase()),
    value.questions.map(({ name }) => oracleName(name)),
  );
  const sections = [
    [theirs.answers, value.answers],
    [theirs.authorities, value.authorities],
    [theirs.additionals, value.additionals],
  ] as const;
  for (const [read = [], wrote] of sections) {
    assert.deepEqual(read.map(flatOfTheirs), wrote.map(flatOfOurs));
  }
  const back = decodeMessage(packet.encode({ ...theirs, type: undefined } as packet.Packet));
  assert.ok(back !== undefined);
  assert.deepEqual(back.answers.map(flatOfOurs), value.answers.map(flatOfOurs));
}

/** The root is a dot to dns-packet. */
const oracleName = (name: string): string => (name === '' ? '.' : name.toLowerCase());

function flatOfTheirs(answer: packet.Answer): string {
  const { name, type, data } = answer as { name: string; type: string; data: unknown };
  const ttl = (answer as { ttl: number }).ttl;
  return `${oracleName(name)} ${ttl} ${type} ${flatData(type, data)}`;
}

function flatData(type: string, data: unknown): string {
  if (type === 'TXT') return (data as readonly Buffer[]).map((text) => String(text)).join('|');
  if (typeof data === 'string') return type.startsWith('A') ? data : oracleName(data);
  const all = data as Readonly<Record<string, string | number>>;
  const name = (key: string): string => oracleName(String(all[key]));
  if (type === 'SRV') return `${all['priority']} ${all['weight']} ${all['port']} ${name('target')}`;
  const numbers = ['serial', 'refresh', 'retry', 'expire', 'minimum'].map((key) => all[key]);
  return `${name('mname')} ${name('rname')} ${numbers.join(' ')}`;
}

function flatOfOurs({ name, ttlSeconds, data }: DnsRecord): string {
  return `${oracleName(name)} ${ttlSeconds} ${data.kind} ${ourData(data)}`;
}

function ourData(data: RecordData): string {
  switch (data.kind) {
    case 'A':
    case 'AAAA':
      return data.address;
    case 'CNAME':
    case 'NS':
    case 'PTR':
      return oracleName(data.target);
    case 'SRV':
      return `${data.priority} ${data.weight} ${data.port} ${oracleName(data.target)}`;
    case 'TXT':
      return data.texts.join('|');
    case 'SOA':
      return [
        oracleName(data.primary),
        oracleName(data.mailbox),
        data.serial,
        data.refreshSeconds,
        data.retrySeconds,
        data.expireSeconds,
        data.negativeTtlSeconds,
      ].join(' ');
    case 'OPT':
    case 'opaque':
      return assert.fail(`no ${data.kind} was written`);
  }
}
