/** The server over real sockets: our own client for the edges, and every resolver this host has for the rest. */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { connect } from 'node:net';
import { promisify } from 'node:util';
import { test, type TestContext } from 'node:test';
import {
  decodeMessage,
  encodeMessage,
  headerFlags,
  recordTypes,
  type DnsMessage,
  type DnsRecord,
} from '../codec/dns/index.ts';
import { endpointSliceKind, serviceKind, namespaceKind, type ObjectClient } from '../kube/index.ts';
import type { SocketAddress } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createDnsServer, type DnsServer } from './server.ts';
import { testNamespace, testService, testSlice } from './testing.ts';
import { defaultZone } from './world.ts';

interface Rig {
  readonly server: DnsServer;
  readonly client: ObjectClient;
  readonly at: SocketAddress;
}

async function serve(t: TestContext): Promise<Rig> {
  let uids = 0;
  const client = createMemoryStore({ clock: systemClock, newUid: () => `uid-${uids++}` });
  await client.create(namespaceKind, testNamespace('default'));
  await client.create(
    serviceKind,
    testService('web', { clusterIP: '10.96.0.10', ports: [{ name: 'http', port: 80 }] }),
  );
  const server = createDnsServer({
    client,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    zone: defaultZone,
    address: '127.0.0.71',
    ports: [0],
    lameduckMs: 0,
    logEvery: 0,
  });
  await server.start(AbortSignal.timeout(5_000));
  t.after(() => server.stop());
  return { server, client, at: server.address()! };
}

function query(name: string, type: number, over: Partial<DnsMessage> = {}): Uint8Array {
  return encodeMessage({
    id: 4_711,
    flags: headerFlags.recursionDesired,
    questions: [{ name, type, class: 1 }],
    answers: [],
    authorities: [],
    additionals: [],
    ...over,
  });
}

const opt = (udpSize: number, version = 0): DnsRecord => ({
  name: '',
  type: recordTypes.OPT,
  class: udpSize,
  ttlSeconds: version << 16,
  data: { kind: 'OPT', options: [] },
});

async function overUdp(at: SocketAddress, bytes: Uint8Array): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    socket.send(bytes, at.port, at.address);
    const [answer] = (await once(socket, 'message', { signal: AbortSignal.timeout(5_000) })) as [
      Buffer,
    ];
    return answer;
  } finally {
    socket.close();
  }
}

async function overTcp(at: SocketAddress, messages: readonly Uint8Array[]): Promise<Buffer[]> {
  const socket = connect({ host: at.address, port: at.port });
  for (const message of messages) {
    const head = Buffer.alloc(2);
    head.writeUInt16BE(message.length);
    socket.write(Buffer.concat([head, message]));
  }
  socket.end();
  const parts: Buffer[] = [];
  for await (const part of socket) parts.push(part as Buffer);
  let rest = Buffer.concat(parts);
  const answers: Buffer[] = [];
  while (rest.length >= 2) {
    const end = 2 + rest.readUInt16BE(0);
    answers.push(rest.subarray(2, end));
    rest = rest.subarray(end);
  }
  return answers;
}

function read(bytes: Uint8Array | undefined): DnsMessage {
  const message = bytes === undefined ? undefined : decodeMessage(bytes);
  assert.ok(message);
  return message;
}

const addressesIn = ({ answers }: DnsMessage): readonly string[] =>
  answers.flatMap(({ data }) => (data.kind === 'A' ? [data.address] : []));
const rcodeOf = ({ flags }: DnsMessage): number => flags & 15;
const isTruncated = ({ flags }: DnsMessage): boolean => (flags & headerFlags.truncated) !== 0;

const web = 'web.default.svc.cluster.local';

test('an answer echoes id, case and what the client may expect', async (t) => {
  const { at } = await serve(t);
  const name = 'Web.DEFAULT.svc.Cluster.Local';
  const answer = read(await overUdp(at, query(name, 1)));
  assert.equal(answer.id, 4_711);
  assert.equal(answer.flags, 0x8500);
  assert.deepEqual(answer.questions, [{ name, type: 1, class: 1 }]);
  assert.deepEqual(answer.answers[0]?.name, name);
  assert.deepEqual(addressesIn(answer), ['10.96.0.10']);
  assert.deepEqual(answer.additionals, []);
  const edns = read(await overUdp(at, query(name, 1, { additionals: [opt(4_096)] })));
  assert.deepEqual(edns.additionals, [opt(1_232)]);
  const srv = read(await overUdp(at, query(name, 33)));
  assert.ok(srv.answers[0]?.data.kind === 'SRV');
  assert.equal(srv.answers[0].data.target, 'web.default.svc.Cluster.Local');
});

test('what is refused, and how', async (t) => {
  const { at } = await serve(t);
  const rcode = async (bytes: Uint8Array): Promise<number> =>
    rcodeOf(read(await overUdp(at, bytes)));
  assert.equal(await rcode(query('example.com', 1)), 5);
  assert.equal(await rcode(query(web, 1, { questions: [{ name: web, type: 1, class: 3 }] })), 5);
  assert.equal(await rcode(query(web, 252)), 5);
  assert.equal(await rcode(query(web, 1, { questions: [] })), 2);
  const question = { name: web, type: 1, class: 1 };
  assert.equal(await rcode(query(web, 1, { questions: [question, question] })), 1);
  assert.equal(await rcode(query(web, 1, { flags: 0x2800 })), 4);
  assert.equal(await rcode(query(web, 1).subarray(0, 20)), 1);
  const version = read(await overUdp(at, query(web, 1, { additionals: [opt(1_232, 1)] })));
  assert.deepEqual([rcodeOf(version), version.additionals[0]?.ttlSeconds], [0, 1 << 24]);
  // Nothing may answer a response, or what is too short to be a query: the next answer is the next query's.
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.send(query(web, 1, { flags: 0x8000 }), at.port, at.address);
  socket.send(Buffer.from('short'), at.port, at.address);
  socket.send(query(web, 1, { id: 9 }), at.port, at.address);
  const [first] = (await once(socket, 'message')) as [Buffer];
  assert.equal(read(first).id, 9);
});

test('a change is in the very next answer', async (t) => {
  const { at, client, server } = await serve(t);
  const ask = async (): Promise<DnsMessage> =>
    read(await overUdp(at, query('db.default.svc.cluster.local', 1)));
  const seen = async (serial: () => boolean): Promise<void> => {
    while (!serial()) await new Promise((resolve) => setImmediate(resolve));
  };
  assert.equal(rcodeOf(await ask()), 3);
  await client.create(serviceKind, testService('db', { clusterIP: 'None' }));
  await client.create(endpointSliceKind, testSlice('db', [{ address: '10.1.0.1', ready: false }]));
  await seen(() => server.world.slicesOf('default', 'db').length > 0);
  assert.equal(rcodeOf(await ask()), 3);
  for (const last of [2, 3, 4]) {
    const address = `10.1.0.${last}`;
    const from = performance.now();
    await client.patch(
      endpointSliceKind,
      { namespace: 'default', name: 'db-1' },
      { endpoints: [{ addresses: [address], conditions: { ready: true } }] },
    );
    await seen(
      () => server.world.slicesOf('default', 'db')[0]?.endpoints?.[0]?.addresses[0] === address,
    );
    assert.deepEqual(addressesIn(await ask()), [address]);
    t.diagnostic(`write to answer: ${(performance.now() - from).toFixed(1)} ms`);
  }
});

test('a thousand endpoints: whole over TCP, cut over UDP, all of them in turn', async (t) => {
  const { at, client, server } = await serve(t);
  await client.create(serviceKind, testService('big', { clusterIP: 'None' }));
  const endpoints = Array.from({ length: 1_000 }, (_, i) => ({
    address: `10.2.${i >> 8}.${i & 255}`,
  }));
  for (let part = 0; part < 10; part++) {
    const slice = testSlice('big', endpoints.slice(part * 100, part * 100 + 100), {
      name: `big-${part}`,
    });
    await client.create(endpointSliceKind, slice);
  }
  while (server.world.slicesOf('default', 'big').length < 10) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const name = 'big.default.svc.cluster.local';
  const [whole] = await overTcp(at, [query(name, 1)]);
  assert.deepEqual(
    addressesIn(read(whole)).toSorted(),
    endpoints.map(({ address }) => address).toSorted(),
  );
  for (const [size, limit] of [
    [undefined, 512],
    [1_232, 1_232],
    [100, 512],
    [4_096, 4_096],
  ] as const) {
    const additionals = size === undefined ? [] : [opt(size)];
    const bytes = await overUdp(at, query(name, 1, { additionals }));
    assert.ok(bytes.length <= limit && bytes.length > limit - 16, `${bytes.length} for ${limit}`);
    assert.ok(isTruncated(read(bytes)));
  }
  const firsts = new Set<string | undefined>();
  for (let i = 0; i < 200; i++) firsts.add(addressesIn(read(await overUdp(at, query(name, 1))))[0]);
  assert.equal(firsts.size, 200);
  const srv = read((await overTcp(at, [query(name, 33)]))[0]);
  assert.ok(isTruncated(srv) || srv.answers.length === 1_000);
});

test('TCP: many questions in one go are all answered, and strangers are shown out', async (t) => {
  const { at } = await serve(t);
  const answers = await overTcp(
    at,
    Array.from({ length: 300 }, (_, id) => query(web, 1, { id })),
  );
  assert.deepEqual(
    answers.map((answer) => read(answer).id),
    Array.from({ length: 300 }, (_, id) => id),
  );
  const stranger = connect({ host: at.address, port: at.port });
  stranger.end('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
  stranger.resume();
  await once(stranger, 'close');
  const sockets = Array.from({ length: 80 }, () => connect({ host: at.address, port: at.port }));
  let refused = 0;
  for (const socket of sockets) {
    socket.on('error', () => undefined).once('close', () => refused++);
    socket.resume();
  }
  while (refused < 16) await new Promise((resolve) => setImmediate(resolve));
  for (const socket of sockets) socket.destroy();
});

test('counts what was asked and answered', async (t) => {
  const { at, server } = await serve(t);
  await overUdp(at, query(web, 1));
  await overUdp(at, query(`no.${web}`, 60_000));
  await overTcp(at, [query(web, 28)]);
  const { requestsTotal, requestTypesTotal, responsesTotal } = server.counts();
  assert.deepEqual(requestsTotal, { udp: 2, tcp: 1 });
  assert.deepEqual(requestTypesTotal, { A: 1, other: 1, AAAA: 1 });
  assert.deepEqual(responsesTotal, { NOERROR: 2, NXDOMAIN: 1 });
});

test("Node's resolver", async (t) => {
  const { at, client, server } = await serve(t);
  await client.create(serviceKind, testService('out', { type: 'ExternalName', externalName: web }));
  while (server.world.service('default', 'out') === undefined) {
    await new Promise((resolve) => setImmediate(resolve));
  }
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([`${at.address}:${at.port}`]);
  assert.deepEqual(await resolver.resolve4(web), ['10.96.0.10']);
  assert.deepEqual(await resolver.resolve4('out.default.svc.cluster.local'), ['10.96.0.10']);
  assert.deepEqual(await resolver.resolveCname('out.default.svc.cluster.local'), [web]);
  assert.deepEqual(await resolver.resolveSrv(`_http._tcp.${web}`), [
    { name: web, port: 80, priority: 0, weight: 100, type: 'SRV' },
  ]);
  assert.deepEqual(await resolver.reverse('10.96.0.10'), [web]);
  assert.deepEqual(await resolver.resolveTxt('dns-version.cluster.local'), [['1.1.0']]);
  await assert.rejects(resolver.resolve6(web), { code: 'ENODATA' });
  await assert.rejects(resolver.resolve4(`x.${web}`), { code: 'ENOTFOUND' });
});

/** Resolvers of other houses: how each is asked for A over UDP, and over TCP. */
const tools: Readonly<Record<string, (at: SocketAddress, tcp: boolean) => readonly string[]>> = {
  dig: ({ address, port }, tcp) => [
    `@${address}`,
    '-p',
    `${port}`,
    web,
    'A',
    '+short',
    '+tries=1',
    ...(tcp ? ['+tcp'] : []),
  ],
  kdig: ({ address, port }, tcp) => [
    `@${address}`,
    '-p',
    `${port}`,
    web,
    'A',
    '+short',
    ...(tcp ? ['+tcp'] : []),
  ],
  host: ({ address, port }, tcp) => [
    '-p',
    `${port}`,
    '-t',
    'A',
    ...(tcp ? ['-T'] : []),
    web,
    address,
  ],
};

for (const [tool, argumentsFor] of Object.entries(tools)) {
  const skip = isInstalled(tool) ? false : `${tool} is not on this host`;
  test(`asked by ${tool}`, { skip }, async (t) => {
    const { at } = await serve(t);
    for (const tcp of [false, true]) {
      const { stdout } = await promisify(execFile)(tool, argumentsFor(at, tcp), {
        timeout: 10_000,
      });
      assert.match(stdout, /10\.96\.0\.10\n/);
    }
  });
}

function isInstalled(tool: string): boolean {
  try {
    execFileSync('sh', ['-c', `command -v ${tool}`]);
    return true;
  } catch {
    return false;
  }
}

test('a client that asks in every spelling does not fill the memory, and gets its own spelling back', async (t) => {
  const { at } = await serve(t);
  const spell = (n: number): string =>
    web.replaceAll(/./g, (c, i: number) => ((n >> (i % 15)) & 1 ? c.toUpperCase() : c));
  const names = Array.from({ length: 21_000 }, (_, n) => spell(n));
  for (let from = 0; from < names.length; from += 3_000) {
    const part = names.slice(from, from + 3_000);
    const answers = await overTcp(
      at,
      part.map((name) => query(name, 1)),
    );
    assert.deepEqual(
      answers.map((answer) => read(answer).answers[0]?.name),
      part,
    );
  }
});
