/** Upstream servers that answer too late or through somebody else, and servers that are exchanged while questions are out. */
import assert from 'node:assert/strict';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { decodeMessage, encodeMessage, recordTypes, scanQuery } from '../../codec/dns/index.ts';
import type { SocketAddress } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import { DnsCounters } from '../counters.ts';
import { Forwarder } from './forwarder.ts';

interface Held {
  /** Sends the answer, from the server or from `other`. */
  answer(ip: string, other?: Socket): void;
}

interface HeldUpstream {
  readonly address: SocketAddress;
  /** How many questions came in. */
  asked(): number;
  /** The next question that comes in. */
  next(): Promise<Held>;
  /** Answers everything at once from now on. */
  answerAll(ip: string): void;
}

async function open(t: TestContext): Promise<Socket> {
  const socket = createSocket('udp4').bind(0, '127.0.0.82');
  await once(socket, 'listening');
  t.after(() => socket.close());
  return socket;
}

async function upstream(t: TestContext): Promise<HeldUpstream> {
  const socket = await open(t);
  const held: Held[] = [];
  const waiting: ((held: Held) => void)[] = [];
  let always: string | undefined;
  let asked = 0;
  socket.on('message', (bytes: Buffer, from: RemoteInfo) => {
    const query = decodeMessage(bytes);
    // The probe for loops is not what these tests are about.
    if (query === undefined || query.questions[0]?.type === recordTypes.HINFO) return;
    asked++;
    const answer: Held['answer'] = (ip, other = socket) => {
      const data = { kind: 'A', address: ip } as const;
      const name = query.questions[0]?.name ?? '';
      const answers = [{ name, type: 1, class: 1, ttlSeconds: 60, data }];
      other.send(encodeMessage({ ...query, flags: 0x8180, answers }), from.port, from.address);
    };
    if (always !== undefined) return answer(always);
    const one = waiting.shift();
    if (one === undefined) held.push({ answer });
    else one({ answer });
  });
  return {
    address: { address: '127.0.0.82', port: socket.address().port },
    asked: () => asked,
    next: () =>
      new Promise((resolve) => {
        const one = held.shift();
        if (one === undefined) waiting.push(resolve);
        else resolve(one);
      }),
    answerAll: (ip) => (always = ip),
  };
}

async function rig(
  t: TestContext,
  servers: readonly HeldUpstream[],
  tryMs: number,
): Promise<Forwarder> {
  const forwarder = new Forwarder({
    servers: servers.map(({ address }) => address),
    policy: 'sequential',
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    counters: new DnsCounters(),
    tryMs,
    totalMs: 5_000,
  });
  await forwarder.start();
  t.after(() => forwarder.stop());
  return forwarder;
}

async function ask(forwarder: Forwarder, name: string): Promise<string> {
  const bytes = encodeMessage({
    id: 5,
    flags: 0x0100,
    questions: [{ name, type: 1, class: 1 }],
    answers: [],
    authorities: [],
    additionals: [],
  });
  const query = scanQuery(bytes);
  assert.ok(typeof query === 'object');
  const message = decodeMessage(await forwarder.forward(bytes, query, 512));
  const data = message?.answers[0]?.data;
  return data?.kind === 'A' ? data.address : `rcode ${(message?.flags ?? 0) & 15}`;
}

test('late: the next server is asked, and the late answer is nobody’s', async (t) => {
  const [late, prompt] = [await upstream(t), await upstream(t)];
  prompt.answerAll('192.0.2.2');
  const forwarder = await rig(t, [late, prompt], 100);
  const asked = ask(forwarder, 'a.example');
  const held = await late.next();
  assert.equal(await asked, '192.0.2.2');
  held.answer('192.0.2.1');
  assert.equal(await ask(forwarder, 'a.example'), '192.0.2.2');
});

test('slow but in time: it is waited for', async (t) => {
  const slow = await upstream(t);
  const forwarder = await rig(t, [slow], 5_000);
  const asked = ask(forwarder, 'a.example');
  (await slow.next()).answer('192.0.2.1');
  assert.equal(await asked, '192.0.2.1');
});

test('lying: the right answer from another port is not taken', async (t) => {
  const [honest, other] = [await upstream(t), await open(t)];
  const forwarder = await rig(t, [honest], 5_000);
  const asked = ask(forwarder, 'a.example');
  const held = await honest.next();
  held.answer('192.0.2.66', other);
  held.answer('192.0.2.1');
  assert.equal(await asked, '192.0.2.1');
});

test('reload: a question under way ends where it is, the next one goes to the new servers', async (t) => {
  const [before, after] = [await upstream(t), await upstream(t)];
  after.answerAll('192.0.2.2');
  const forwarder = await rig(t, [before], 5_000);
  const asked = Array.from({ length: 50 }, (_, i) => ask(forwarder, `q${i}.example`));
  const held = await Promise.all(asked.map(() => before.next()));
  forwarder.setServers([after.address]);
  assert.equal(await ask(forwarder, 'new.example'), '192.0.2.2');
  for (const each of held) each.answer('192.0.2.1');
  assert.deepEqual(new Set(await Promise.all(asked)), new Set(['192.0.2.1']));
  // What was kept of the old servers stays true for its time.
  assert.equal(await ask(forwarder, 'q0.example'), '192.0.2.1');
});

test('reload: what is known of a server that stays is kept', async (t) => {
  const [dead, live] = [await upstream(t), await upstream(t)];
  live.answerAll('192.0.2.2');
  const forwarder = await rig(t, [dead, live], 50);
  await ask(forwarder, 'a.example');
  await ask(forwarder, 'b.example');
  forwarder.setServers([live.address, dead.address]);
  forwarder.setServers([dead.address, live.address]);
  // It rests after two failures, before and after the exchange.
  const before = dead.asked();
  assert.ok(before > 0);
  assert.equal(await ask(forwarder, 'c.example'), '192.0.2.2');
  assert.equal(dead.asked(), before);
});

test('no server at all: everybody hears SERVFAIL, and is served once there is one', async (t) => {
  const live = await upstream(t);
  live.answerAll('192.0.2.2');
  const forwarder = await rig(t, [], 1_000);
  assert.equal(await ask(forwarder, 'a.example'), 'rcode 2');
  forwarder.setServers([live.address]);
  assert.equal(await ask(forwarder, 'a.example'), '192.0.2.2');
});
