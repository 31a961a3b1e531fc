/**
 * Names over UDP: queries a second, CPU a query and p99 of the name server at 100 and at 10,000 Services, against the
 * least a `dgram` socket can do (a fixed answer with the id put in) and Debian's unbound with the same names as local
 * data; then how soon a change is answered. Servers are processes of their own and are asked in turn, so that what
 * else the machine does meets all of them.
 */
import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { encodeMessage } from '../src/codec/dns/index.ts';
import { createDnsServer, defaultZone } from '../src/dns/index.ts';
import { namespaceKind, serviceKind, type ObjectClient } from '../src/kube/index.ts';
import { silentLogger } from '../src/obs/index.ts';
import { createMemoryStore } from '../src/store/index.ts';
import { keepHeapSmall, systemClock } from '../src/sys/index.ts';
import { hasUnbound, startUnbound, usageOfProcess } from './unbound.ts';

const rounds = 9;
const roundMs = 700;
const inFlight = 64;
const ourKinds = ['bare', '100', '10000'] as const;
const peerKinds = ['unbound-100', 'unbound-10000'] as const;
type Kind = (typeof ourKinds)[number] | (typeof peerKinds)[number];
/** Few enough that an answer waits for no others: then the time is the server's. */
const quietInFlight = 2;
const quietMs = 300;
const changes = 200;

interface Usage {
  readonly cpuUs: number;
  readonly rssMiB: number;
}

interface Server {
  readonly kind: Kind;
  readonly port: number;
  usage(): Promise<Usage>;
  /** Milliseconds from a write to its answer, of each of some changes; undefined: it has no objects. */
  readonly change: (() => Promise<readonly number[]>) | undefined;
  stop(): void;
}

interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly p99Us: number;
}

export async function run(): Promise<void> {
  const kinds: readonly Kind[] = [...ourKinds, ...(hasUnbound() ? peerKinds : [])];
  if (!hasUnbound()) console.log('unbound is not on this host: no peer is measured');
  const servers: Server[] = [];
  try {
    for (const kind of kinds) servers.push(await startServer(kind));
    const results = await measureAll(servers);
    for (const server of servers) await printServer(server, results.get(server.kind) ?? []);
    const ratios = kinds.slice(1).map((kind) => ratioOf(results, kind));
    console.log(`ratios: ${ratios.join(', ')}`);
  } finally {
    for (const server of servers) server.stop();
  }
}

async function measureAll(servers: readonly Server[]): Promise<ReadonlyMap<Kind, Round[]>> {
  const results = new Map<Kind, Round[]>(servers.map(({ kind }) => [kind, []]));
  // The first round warms everybody up.
  for (let round = 0; round <= rounds; round++) {
    for (const server of servers) {
      const before = await server.usage();
      const { perSecond, answered } = await measure(server, { inFlight, lastsMs: roundMs });
      const cpuUs = ((await server.usage()).cpuUs - before.cpuUs) / answered;
      const { p99Us } = await measure(server, { inFlight: quietInFlight, lastsMs: quietMs });
      if (round > 0) results.get(server.kind)?.push({ perSecond, cpuUs, p99Us });
    }
  }
  return results;
}

async function printServer(server: Server, all: readonly Round[]): Promise<void> {
  const { rssMiB } = await server.usage();
  const rate = Math.round(median(all.map(({ perSecond }) => perSecond)));
  const parts = [
    `${rate.toLocaleString('en').padStart(10)} /s`,
    `${median(all.map(({ cpuUs }) => cpuUs)).toFixed(2)} us CPU a query`,
    `p99 ${median(all.map(({ p99Us }) => p99Us)).toFixed(0)} us`,
    `${rssMiB.toFixed(0)} MiB`,
  ];
  const tookMs = (await server.change?.())?.toSorted((a, b) => a - b);
  if (tookMs !== undefined) {
    const p99 = tookMs[Math.floor(tookMs.length * 0.99)] ?? 0;
    parts.push(`change to answer ${median(tookMs).toFixed(2)} ms, p99 ${p99.toFixed(1)}`);
  }
  console.log(`${title(server.kind).padEnd(24)} ${parts.join('  ')}`);
}

/** CPU of the bare socket over CPU of ours: 1 is as cheap, more is cheaper. Median of the rounds, and their range. */
function ratioOf(results: ReadonlyMap<Kind, readonly Round[]>, kind: Kind): string {
  const bare = results.get('bare') ?? [];
  const ours = results.get(kind) ?? [];
  const ratios = ours
    .map(({ cpuUs }, i) => (bare[i]?.cpuUs ?? 0) / cpuUs)
    .toSorted((a, b) => a - b);
  const [low = 0, high = 0] = [ratios[1], ratios.at(-2)];
  return `${title(kind)} ${median(ratios).toFixed(2)} of bare dgram (${low.toFixed(2)}-${high.toFixed(2)})`;
}

function title(kind: Kind): string {
  if (kind === 'bare') return 'bare dgram';
  return kind.startsWith('unbound') ? `unbound, ${namesOf(kind)} names` : `${kind} Services`;
}

/** How many Services it knows. */
function namesOf(kind: Kind): number {
  return kind === 'bare' ? 100 : Number(kind.replace('unbound-', ''));
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

async function startServer(kind: Kind): Promise<Server> {
  if (kind.startsWith('unbound')) return await startPeer(kind);
  const child = fork(fileURLToPath(import.meta.url), ['serve', kind]);
  const ask = async <T>(what: string): Promise<T> => {
    child.send(what);
    const [answer] = (await once(child, 'message')) as [T];
    return answer;
  };
  const [port] = (await once(child, 'message')) as [number];
  return {
    kind,
    port,
    usage: () => ask<Usage>('usage'),
    change: kind === 'bare' ? undefined : () => ask<readonly number[]>('change'),
    stop: () => child.kill(),
  };
}

async function startPeer(kind: Kind): Promise<Server> {
  const records = Array.from(
    { length: namesOf(kind) },
    (_, i) => `${nameOf(i)}. 5 IN A ${addressOf(i)}`,
  );
  const peer = await startUnbound(records);
  const usage = async (): Promise<Usage> => usageOfProcess(peer.pid);
  return { kind, port: peer.port, usage, change: undefined, stop: () => peer.stop() };
}

interface Load {
  readonly inFlight: number;
  readonly lastsMs: number;
}

interface Measured {
  readonly perSecond: number;
  readonly answered: number;
  readonly p99Us: number;
}

/** Keeps a number of queries under way for a while; the next one goes out when an answer comes in. */
async function measure(server: Server, load: Load): Promise<Measured> {
  const socket = createSocket({ type: 'udp4', lookup: (host, _, done) => done(null, host, 4) });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const queries = queriesFor(namesOf(server.kind));
  const sentAt = new Float64Array(queries.length);
  const tookMs: number[] = [];
  let [sent, wrong] = [0, 0];
  const send = (): void => {
    const at = sent++ % queries.length;
    const query = queries[at];
    sentAt[at] = performance.now();
    if (query !== undefined) socket.send(query, server.port, '127.0.0.1');
  };
  const done = Promise.withResolvers<void>();
  const end = performance.now() + load.lastsMs;
  socket.on('message', (bytes) => {
    const now = performance.now();
    // The bare socket knows one answer; its id is the query's all the same.
    tookMs.push(now - (sentAt[bytes.readUInt16BE(0)] ?? now));
    if (bytes[7] !== 1) wrong++;
    if (now < end) send();
    else done.resolve();
  });
  const from = performance.now();
  for (let i = 0; i < load.inFlight; i++) send();
  await done.promise;
  const seconds = (performance.now() - from) / 1_000;
  socket.close();
  const answered = tookMs.length;
  if (wrong > 0) throw new Error(`${wrong} of ${answered} answers are wrong`);
  const p99 = tookMs.toSorted((a, b) => a - b)[Math.floor(answered * 0.99)] ?? 0;
  return { perSecond: answered / seconds, answered, p99Us: p99 * 1_000 };
}

/** 512 names spread over all Services, as many clients of a cluster ask them. */
function queriesFor(services: number): readonly Uint8Array[] {
  return Array.from({ length: 512 }, (_, i) =>
    encodeMessage({
      id: i,
      flags: 0x0100,
      questions: [{ name: nameOf((i * 7_919) % services), type: 1, class: 1 }],
      answers: [],
      authorities: [],
      additionals: [],
    }),
  );
}

const addressOf = (i: number): string => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
const nameOf = (i: number): string => `service-${i}.default.svc.cluster.local`;

async function serve(kind: string): Promise<void> {
  const { port, change } = kind === 'bare' ? await serveBare() : await serveNames(Number(kind));
  process.on('message', (what) => {
    if (what === 'change') void change().then((tookMs) => process.send?.(tookMs));
    else process.send?.(ownUsage());
  });
  process.send?.(port);
}

function ownUsage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, rssMiB: process.memoryUsage.rss() / 1024 / 1024 };
}

interface Serving {
  readonly port: number;
  readonly change: () => Promise<readonly number[]>;
}

async function serveBare(): Promise<Serving> {
  const data = { kind: 'A', address: '10.0.0.1' } as const;
  const name = nameOf(0);
  const answer = encodeMessage({
    id: 0,
    flags: 0x8500,
    questions: [{ name, type: 1, class: 1 }],
    answers: [{ name, type: 1, class: 1, ttlSeconds: 5, data }],
    authorities: [],
    additionals: [],
  });
  const socket = createSocket('udp4');
  socket.on('message', (bytes, from) => {
    const reply = Buffer.from(answer);
    reply[0] = bytes[0] ?? 0;
    reply[1] = bytes[1] ?? 0;
    socket.send(reply, from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return { port: socket.address().port, change: async () => [] };
}

async function serveNames(services: number): Promise<Serving> {
  // As `switchyard dns` does.
  keepHeapSmall();
  let uids = 0;
  const client = createMemoryStore({ clock: systemClock, newUid: () => `uid-${uids++}` });
  const metadata = { name: 'default' };
  await client.create(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata });
  for (let i = 0; i < services; i++) {
    const clusterIP = addressOf(i);
    await client.create(serviceKind, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: `service-${i}`, namespace: 'default' },
      spec: { clusterIP, clusterIPs: [clusterIP], ports: [{ name: 'http', port: 80 }] },
    });
  }
  const server = createDnsServer({
    client,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    zone: defaultZone,
    address: '127.0.0.1',
    ports: [0],
    lameduckMs: 0,
    logEvery: 0,
  });
  await server.start(AbortSignal.timeout(60_000));
  const port = server.address()?.port ?? 0;
  return { port, change: () => changeAndAsk(client, services, port) };
}

/** Writes another address for a Service, and asks until that is the answer. */
async function changeAndAsk(
  client: ObjectClient,
  services: number,
  port: number,
): Promise<readonly number[]> {
  const resolver = new Resolver({ timeout: 2_000 });
  resolver.setServers([`127.0.0.1:${port}`]);
  const tookMs: number[] = [];
  for (let i = 0; i < changes; i++) {
    const number = (i * 7_919) % services;
    const name = { namespace: 'default', name: `service-${number}` };
    const clusterIP = `10.200.${i >> 8}.${i & 255}`;
    const from = performance.now();
    await client.patch(serviceKind, name, { spec: { clusterIP, clusterIPs: [clusterIP] } });
    for (let seen = ''; seen !== clusterIP;) [seen = ''] = await resolver.resolve4(nameOf(number));
    tookMs.push(performance.now() - from);
  }
  return tookMs;
}

const [, , word, kind] = process.argv;
if (process.send !== undefined && word === 'serve' && kind !== undefined) await serve(kind);
