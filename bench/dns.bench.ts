/**
 * Names over UDP: queries a second and CPU a query of the name server at 100 and at 10,000 Services, against the
 * least a `dgram` socket can do (a fixed answer with the id put in). Servers are processes of their own and are
 * asked in turn, so that what else the machine does meets all of them.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { encodeMessage } from '../src/codec/dns/index.ts';
import { createDnsServer, defaultZone } from '../src/dns/index.ts';
import { namespaceKind, serviceKind } from '../src/kube/index.ts';
import { silentLogger } from '../src/obs/index.ts';
import { createMemoryStore } from '../src/store/index.ts';
import { systemClock } from '../src/sys/index.ts';

const rounds = 9;
const roundMs = 700;
const inFlight = 64;
const kinds = ['bare', '100', '10000'] as const;
type Kind = (typeof kinds)[number];

interface Usage {
  readonly cpuUs: number;
  readonly rssMiB: number;
}

interface Server {
  readonly kind: Kind;
  readonly child: ChildProcess;
  readonly port: number;
}

interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
}

export async function run(): Promise<void> {
  const servers: Server[] = [];
  for (const kind of kinds) servers.push(await startServer(kind));
  const results = new Map<Kind, Round[]>(kinds.map((kind) => [kind, []]));
  // The first round warms everybody up.
  for (let round = 0; round <= rounds; round++) {
    for (const server of servers) {
      const measured = await measure(server);
      if (round > 0) results.get(server.kind)?.push(measured);
    }
  }
  for (const server of servers) {
    const { rssMiB } = await usageOf(server);
    const all = results.get(server.kind) ?? [];
    const rate = median(all.map(({ perSecond }) => perSecond));
    const cpu = median(all.map(({ cpuUs }) => cpuUs));
    const rateText = Math.round(rate).toLocaleString('en').padStart(10);
    console.log(
      `${title(server.kind).padEnd(16)} ${rateText} /s  ${cpu.toFixed(2)} us CPU a query  ${rssMiB.toFixed(0)} MiB`,
    );
    server.child.kill();
  }
  console.log(
    `ratios: ${kinds
      .slice(1)
      .map((kind) => ratioOf(results, kind))
      .join(', ')}`,
  );
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
  return kind === 'bare' ? 'bare dgram' : `${kind} Services`;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? 0;
}

async function startServer(kind: Kind): Promise<Server> {
  const child = fork(fileURLToPath(import.meta.url), ['serve', kind]);
  const [port] = (await once(child, 'message')) as [number];
  return { kind, child, port };
}

async function usageOf({ child }: Server): Promise<Usage> {
  child.send('usage');
  const [usage] = (await once(child, 'message')) as [Usage];
  return usage;
}

/** Keeps a number of queries under way for a while; the next one goes out when an answer comes in. */
async function measure(server: Server): Promise<Round> {
  const socket = createSocket({ type: 'udp4', lookup: (host, _, done) => done(null, host, 4) });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const queries = queriesFor(server.kind === '10000' ? 10_000 : 100);
  let sent = 0;
  let answered = 0;
  let wrong = 0;
  const send = (): void => {
    const query = queries[sent++ % queries.length];
    if (query !== undefined) socket.send(query, server.port, '127.0.0.1');
  };
  const done = Promise.withResolvers<void>();
  const end = performance.now() + roundMs;
  socket.on('message', (bytes) => {
    answered++;
    if (bytes[7] !== 1) wrong++;
    if (performance.now() < end) send();
    else done.resolve();
  });
  const before = await usageOf(server);
  const from = performance.now();
  for (let i = 0; i < inFlight; i++) send();
  await done.promise;
  const seconds = (performance.now() - from) / 1_000;
  const after = await usageOf(server);
  socket.close();
  if (wrong > 0) throw new Error(`${wrong} of ${answered} answers are wrong`);
  return { perSecond: answered / seconds, cpuUs: (after.cpuUs - before.cpuUs) / answered };
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

const nameOf = (i: number): string => `service-${i}.default.svc.cluster.local`;

async function serve(kind: string): Promise<void> {
  const port = kind === 'bare' ? await serveBare() : await serveNames(Number(kind));
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    const usage: Usage = {
      cpuUs: user + system,
      rssMiB: process.memoryUsage.rss() / 1024 / 1024,
    };
    process.send?.(usage);
  });
  process.send?.(port);
}

async function serveBare(): Promise<number> {
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
  return socket.address().port;
}

async function serveNames(services: number): Promise<number> {
  let uids = 0;
  const client = createMemoryStore({ clock: systemClock, newUid: () => `uid-${uids++}` });
  const metadata = { name: 'default' };
  await client.create(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata });
  for (let i = 0; i < services; i++) {
    const clusterIP = `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`;
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
  return server.address()?.port ?? 0;
}

const [, , word, kind] = process.argv;
if (process.send !== undefined && word === 'serve' && kind !== undefined) await serve(kind);
