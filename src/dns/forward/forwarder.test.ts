/** Asking others: against upstream servers that are slow, silent, lying, cut off and coming and going. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test, type TestContext } from 'node:test';
import {
  decodeMessage,
  encodeMessage,
  headerFlags,
  rcodes,
  recordTypes,
  scanQuery,
  type DnsMessage,
  type DnsRecord,
} from '../../codec/dns/index.ts';
import type { Clock, SocketAddress } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { createFakeClock, systemClock } from '../../sys/index.ts';
import { DnsCounters } from '../counters.ts';
import { readForeignAnswer } from './foreign-answer.ts';
import { Forwarder, type ForwarderOptions } from './forwarder.ts';
import { parseResolvConf } from './resolv-conf.ts';

type Behaviour = (query: DnsMessage, via: 'udp' | 'tcp') => readonly DnsMessage[];

interface FakeUpstream {
  readonly address: SocketAddress;
  behave: Behaviour;
  asked: number;
}

async function upstream(t: TestContext, behave: Behaviour): Promise<FakeUpstream> {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.72');
  await once(socket, 'listening');
  const { port } = socket.address();
  const fake: FakeUpstream = { address: { address: '127.0.0.72', port }, behave, asked: 0 };
  const answersTo = (bytes: Buffer, via: 'udp' | 'tcp'): readonly DnsMessage[] => {
    const query = decodeMessage(bytes);
    assert.ok(query);
    // The probe for loops is not what these tests count.
    if (query.questions[0]?.type === recordTypes.HINFO) return [];
    fake.asked++;
    return fake.behave(query, via);
  };
  socket.on('message', (bytes, from) => {
    for (const answer of answersTo(bytes, 'udp')) {
      socket.send(encodeMessage(answer), from.port, from.address);
    }
  });
  const server = createServer((stream) => {
    stream.on('error', () => undefined);
    stream.once('data', (bytes: Buffer) => {
      for (const answer of answersTo(bytes.subarray(2), 'tcp')) {
        const message = encodeMessage(answer);
        stream.write(Buffer.from([message.length >> 8, message.length & 255]));
        stream.write(message);
      }
    });
  });
  server.listen(port, '127.0.0.72');
  await once(server, 'listening');
  t.after(() => {
    socket.close();
    server.close();
  });
  return fake;
}

function rig(
  t: TestContext,
  servers: readonly FakeUpstream[],
  over: Partial<ForwarderOptions> = {},
): { readonly forwarder: Forwarder; readonly counters: DnsCounters } {
  const counters = new DnsCounters();
  const forwarder = new Forwarder({
    servers: servers.map(({ address }) => address),
    policy: 'sequential',
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    counters,
    tryMs: 300,
    totalMs: 2_000,
    ...over,
  });
  t.after(() => forwarder.stop());
  return { forwarder, counters };
}

const address = (ip: string, ttlSeconds = 60, name = 'example.com'): DnsRecord => ({
  name,
  type: 1,
  class: 1,
  ttlSeconds,
  data: { kind: 'A', address: ip },
});

const reply = (query: DnsMessage, over: Partial<DnsMessage> = {}): DnsMessage => ({
  ...query,
  flags: 0x8180,
  answers: [address('192.0.2.1')],
  ...over,
});

const good: Behaviour = (query) => [reply(query)];
const silent: Behaviour = () => [];

async function ask(
  forwarder: Forwarder,
  { name = 'example.com', limit = 512, edns = false } = {},
): Promise<DnsMessage> {
  const bytes = encodeMessage({
    id: 77,
    flags: headerFlags.recursionDesired,
    questions: [{ name, type: 1, class: 1 }],
    answers: [],
    authorities: [],
    additionals: edns
      ? [{ name: '', type: 41, class: 4_096, ttlSeconds: 0, data: { kind: 'OPT', options: [] } }]
      : [],
  });
  const query = scanQuery(bytes);
  assert.ok(typeof query === 'object');
  const answer = decodeMessage(await forwarder.forward(bytes, query, limit));
  assert.ok(answer);
  assert.equal(answer.id, 77);
  assert.equal(answer.questions[0]?.name, name);
  return answer;
}

const rcodeOf = ({ flags }: DnsMessage): number => flags & 15;
const ipsOf = ({ answers }: DnsMessage): readonly string[] =>
  answers.flatMap(({ data }) => (data.kind === 'A' ? [data.address] : []));

test('an answer is passed on in the spelling of whoever asks, with EDNS for those who speak it', async (t) => {
  const fake = await upstream(t, good);
  const { forwarder, counters } = rig(t, [fake]);
  const first = await ask(forwarder, { name: 'Example.COM' });
  assert.deepEqual([ipsOf(first), first.additionals.length], [['192.0.2.1'], 0]);
  const second = await ask(forwarder, { edns: true });
  assert.deepEqual(second.additionals[0]?.class, 1_232);
  assert.equal(second.answers[0]?.name, 'example.com');
  assert.deepEqual([fake.asked, counters.cacheHits, counters.cacheMisses], [1, 1, 1]);
});

const lies: Readonly<Record<string, Behaviour>> = {
  'a wrong id': (query) => [reply(query, { id: query.id ^ 1 })],
  'another name': (query) => [
    reply(query, { questions: [{ name: 'evil.example', type: 1, class: 1 }] }),
  ],
  'another type': (query) => [
    reply(query, { questions: [{ name: 'example.com', type: 28, class: 1 }] }),
  ],
  'no question': (query) => [reply(query, { questions: [] })],
  'a query for an answer': (query) => [reply(query, { flags: 0x0100 })],
};

for (const [what, lie] of Object.entries(lies)) {
  test(`lying: ${what} is not taken, the next server is asked`, async (t) => {
    const [liar, honest] = [await upstream(t, lie), await upstream(t, good)];
    const { forwarder } = rig(t, [liar, honest]);
    assert.deepEqual(ipsOf(await ask(forwarder)), ['192.0.2.1']);
    assert.deepEqual([liar.asked, honest.asked], [1, 1]);
  });
  test(`lying: ${what}, and the truth right behind it`, async (t) => {
    const fake = await upstream(t, (query, via) => [...lie(query, via), ...good(query, via)]);
    const { forwarder } = rig(t, [fake]);
    assert.deepEqual(ipsOf(await ask(forwarder)), ['192.0.2.1']);
  });
}

test('silent: everybody hears SERVFAIL in time, and a server that is silent twice rests', async (t) => {
  const [dead, live] = [await upstream(t, silent), await upstream(t, silent)];
  const { forwarder } = rig(t, [dead, live], { tryMs: 60 });
  assert.equal(rcodeOf(await ask(forwarder)), rcodes.SERVFAIL);
  live.behave = good;
  assert.deepEqual(ipsOf(await ask(forwarder, { name: 'a.example' })).length, 1);
  const before = dead.asked;
  await ask(forwarder, { name: 'b.example' });
  assert.equal(dead.asked, before);
});

test('flapping: a server that rested is asked again', async (t) => {
  const clock = createFakeClock();
  const fakes = [await upstream(t, silent), await upstream(t, good)] as const;
  const { forwarder } = rig(t, fakes, { tryMs: 60, clock });
  await ask(forwarder, { name: 'a.example' });
  await ask(forwarder, { name: 'b.example' });
  fakes[0].behave = good;
  const rested = fakes[0].asked;
  await ask(forwarder, { name: 'c.example' });
  assert.equal(fakes[0].asked, rested);
  await clock.advance(600);
  await ask(forwarder, { name: 'd.example' });
  assert.equal(fakes[0].asked, rested + 1);
});

test('a server that fails by its own word does not end the search', async (t) => {
  const failing = await upstream(t, (query) => [reply(query, { flags: 0x8182, answers: [] })]);
  const { forwarder } = rig(t, [failing, await upstream(t, good)]);
  assert.deepEqual(ipsOf(await ask(forwarder)), ['192.0.2.1']);
  const alone = rig(t, [failing]).forwarder;
  assert.equal(rcodeOf(await ask(alone)), rcodes.SERVFAIL);
});

test('truncating: asked again over TCP, and cut for a client that takes less', async (t) => {
  const many = Array.from({ length: 60 }, (_, i) => address(`192.0.2.${i + 1}`));
  const fake = await upstream(t, (query, via) =>
    via === 'udp'
      ? [reply(query, { flags: 0x8380, answers: [] })]
      : [reply(query, { answers: many })],
  );
  const { forwarder } = rig(t, [fake]);
  assert.equal(ipsOf(await ask(forwarder, { limit: 65_535 })).length, 60);
  const cut = await ask(forwarder, { limit: 512 });
  assert.ok((cut.flags & headerFlags.truncated) !== 0 && cut.answers.length < 60);
  assert.equal(fake.asked, 2);
});

const soa: DnsRecord = {
  name: 'example.com',
  type: recordTypes.SOA,
  class: 1,
  ttlSeconds: 900,
  data: {
    kind: 'SOA',
    primary: 'ns.example.com',
    mailbox: 'x.example.com',
    serial: 1,
    refreshSeconds: 1,
    retrySeconds: 1,
    expireSeconds: 1,
    negativeTtlSeconds: 20,
  },
};

test('kept for its time and counted down, fetched again near its end, served past it when nobody answers', async (t) => {
  const clock = createFakeClock();
  const fake = await upstream(t, good);
  const { forwarder, counters } = rig(t, [fake], { clock: clock as Clock, tryMs: 60 });
  await ask(forwarder);
  await clock.advance(20_000);
  assert.equal((await ask(forwarder)).answers[0]?.ttlSeconds, 40);
  assert.equal(fake.asked, 1);
  fake.behave = silent;
  await clock.advance(45_000);
  const stale = await ask(forwarder);
  assert.deepEqual([stale.answers[0]?.ttlSeconds, ipsOf(stale)], [30, ['192.0.2.1']]);
  assert.equal(counters.cacheServedStale, 1);
  await clock.advance(3_700_000);
  assert.equal(rcodeOf(await ask(forwarder)), rcodes.SERVFAIL);
  fake.behave = good;
  await ask(forwarder);
  const asked = fake.asked;
  await clock.advance(55_000);
  await ask(forwarder);
  while (fake.asked === asked) await new Promise((resolve) => setImmediate(resolve));
});

test('a denial is kept as long as its SOA says, one without an SOA is not', async (t) => {
  const clock = createFakeClock();
  const fake = await upstream(t, (query) => [
    reply(query, { flags: 0x8183, answers: [], authorities: [soa] }),
  ]);
  const { forwarder } = rig(t, [fake], { clock: clock as Clock });
  for (const at of [0, 19_000]) {
    await clock.advance(at);
    assert.equal(rcodeOf(await ask(forwarder)), rcodes.NXDOMAIN);
  }
  const kept = fake.asked;
  await clock.advance(2_000);
  await ask(forwarder);
  assert.ok(fake.asked > kept);
  fake.behave = (query) => [reply(query, { flags: 0x8183, answers: [] })];
  const before = fake.asked;
  for (let i = 0; i < 2; i++) await ask(forwarder, { name: 'bare.example' });
  assert.equal(fake.asked, before + 2);
});

test('the same question of many is asked once, and too many different ones are refused', async (t) => {
  const held: (() => void)[] = [];
  const fake = await upstream(t, silent);
  const { forwarder, counters } = rig(t, [fake], { tryMs: 1_500 });
  fake.behave = () => {
    held.push(() => undefined);
    return [];
  };
  const same = Array.from({ length: 50 }, () => ask(forwarder));
  const others = Array.from({ length: 1_100 }, (_, i) => ask(forwarder, { name: `n${i}.example` }));
  const answers = await Promise.all([...same, ...others]);
  assert.equal(counters.forwardRefused, 101);
  assert.equal(answers.filter((answer) => rcodeOf(answer) === rcodes.REFUSED).length, 101);
  assert.ok(held.length <= 1_000);
});

test('a server that leads back to us is left out', async (t) => {
  const probes: string[] = [];
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.72');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const looping = { address: '127.0.0.72', port: socket.address().port };
  const fake = await upstream(t, good);
  const { forwarder } = rig(t, [{ ...fake, address: looping }, fake]);
  const seen = new Promise<void>((resolve) => {
    // As a forwarder that has us for its upstream would.
    socket.on('message', (bytes) => {
      const query = scanQuery(bytes);
      assert.ok(typeof query === 'object');
      probes.push(query.name);
      void forwarder.forward(bytes, query, 512);
      resolve();
    });
  });
  await forwarder.start();
  await seen;
  assert.equal(forwarder.status().state, 'degraded');
  await ask(forwarder);
  assert.equal(new Set(probes).size, 1);
  assert.equal(fake.asked, 1);
});

test('what upstream sends is taken apart or refused, never more', () => {
  const message = encodeMessage({
    id: 1,
    flags: 0x8180,
    questions: [{ name: 'example.com', type: 1, class: 1 }],
    answers: [address('192.0.2.1')],
    authorities: [soa],
    additionals: [],
  });
  for (let cut = 0; cut < message.length; cut++) {
    assert.equal(readForeignAnswer(message.slice(0, cut)), undefined);
  }
  assert.equal(readForeignAnswer(message)?.keepSeconds, 60);
});

test('resolv.conf', () => {
  const text =
    '# x\nsearch a b\nnameserver 192.0.2.53\n nameserver\tfd00::53 \nnameserver fe80::1%eth0\n';
  assert.deepEqual(parseResolvConf(text), [
    { address: '192.0.2.53', port: 53 },
    { address: 'fd00::53', port: 53 },
  ]);
});
