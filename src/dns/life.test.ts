/** The server's life: what it counts, logs and does when it is to end, and what it does without its objects. */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { decodeMessage, encodeMessage, headerFlags } from '../codec/dns/index.ts';
import { endpointSliceKind, namespaceKind, serviceKind, type ObjectClient } from '../kube/index.ts';
import { parseCidr, type Clock, type SocketAddress } from '../model/index.ts';
import { createLogger, silentLogger } from '../obs/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock, systemClock } from '../sys/index.ts';
import { createDnsHome, type DnsHomeOptions } from './home.ts';
import { createDnsServer, type DnsServer, type DnsServerOptions } from './server.ts';
import { testNamespace, testService, testSlice } from './testing.ts';
import { defaultZone } from './world.ts';

const web = 'web.default.svc.cluster.local';

async function objects(): Promise<ObjectClient> {
  let uids = 0;
  const client = createMemoryStore({ clock: systemClock, newUid: () => `uid-${uids++}` });
  await client.create(namespaceKind, testNamespace('default'));
  await client.create(serviceKind, testService('web', { clusterIP: '10.96.0.10' }));
  return client;
}

async function serve(t: TestContext, over: Partial<DnsServerOptions> = {}): Promise<DnsServer> {
  const server = createDnsServer({
    client: await objects(),
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    zone: defaultZone,
    address: '127.0.0.79',
    ports: [0],
    lameduckMs: 0,
    logEvery: 0,
    ...over,
  });
  await server.start(AbortSignal.timeout(5_000));
  t.after(() => server.stop());
  return server;
}

const query = (name: string, type = 1): Uint8Array =>
  encodeMessage({
    id: 7,
    flags: headerFlags.recursionDesired,
    questions: [{ name, type, class: 1 }],
    answers: [],
    authorities: [],
    additionals: [],
  });

/** The code of the answer, or nothing when none comes in time. */
async function ask(at: SocketAddress, name: string, waitMs = 5_000): Promise<number | undefined> {
  const socket = createSocket(at.address.includes(':') ? 'udp6' : 'udp4');
  socket.on('error', () => undefined);
  try {
    socket.send(query(name), at.port, at.address);
    const [bytes] = (await once(socket, 'message', { signal: AbortSignal.timeout(waitMs) })) as [
      Buffer,
    ];
    return (decodeMessage(bytes)?.flags ?? 0) & 15;
  } catch {
    return undefined;
  } finally {
    socket.close();
  }
}

test('lameduck: queries are answered for a while after stop, then no more', async (t) => {
  const clock: Clock & ReturnType<typeof createFakeClock> = createFakeClock();
  const server = await serve(t, { clock, lameduckMs: 5_000 });
  const at = server.address()!;
  const stopped = server.stop();
  assert.equal(await ask(at, web), 0);
  await clock.advance(4_999);
  assert.equal(await ask(at, web), 0);
  assert.equal(server.address()?.port, at.port);
  await clock.advance(1);
  await stopped;
  assert.equal(server.address(), undefined);
  // The address is free again: somebody else can have it.
  const next = createSocket('udp4').bind(at.port, at.address);
  await once(next, 'listening');
  next.close();
});

test('one query in so many is logged, malformed ones too, and none when it is off', async (t) => {
  for (const [logEvery, lines] of [
    [3, 4],
    [1, 10],
    [0, 0],
  ] as const) {
    const written: string[] = [];
    const log = createLogger({
      level: 'info',
      format: 'json',
      clock: systemClock,
      write: (line) => written.push(line),
    });
    const server = await serve(t, { log, logEvery });
    const at = server.address()!;
    for (let i = 0; i < 10; i++) await ask(at, web);
    const queries = written.filter((line) => line.includes('"Query"'));
    assert.equal(queries.length, lines, `${logEvery}`);
    for (const line of queries) assert.match(line, /"name":"web\.default.*"type":"A"/);
  }
});

test('metrics under CoreDNS names: every family, its samples, and buckets that add up', async (t) => {
  const server = await serve(t);
  const at = server.address()!;
  await ask(at, web);
  await ask(at, `no.${web}`);
  const families = new Map(server.metrics().map((family) => [family.name, family]));
  const value = (name: string, labels: object): number | undefined =>
    families
      .get(name)
      ?.samples.find((sample) =>
        Object.entries(labels).every(([key, wanted]) => sample.labels[key] === wanted),
      )?.value;
  assert.equal(value('coredns_dns_requests_total', { proto: 'udp', type: 'A' }), 2);
  assert.equal(value('coredns_dns_responses_total', { rcode: 'NXDOMAIN' }), 1);
  assert.equal(value('coredns_dns_responses_total', { rcode: 'NOERROR' }), 1);
  assert.equal(value('coredns_cache_requests_total', {}), 0);
  const times = families.get('coredns_dns_request_duration_seconds')?.samples ?? [];
  const buckets = times.filter(({ suffix }) => suffix === '_bucket');
  assert.equal(buckets.length, 17);
  assert.deepEqual(
    buckets.map((bucket) => bucket.value),
    buckets.map((bucket) => bucket.value).toSorted((a, b) => a - b),
  );
  assert.equal(buckets.at(-1)?.labels['le'], '+Inf');
  assert.equal(buckets.at(-1)?.value, 2);
  assert.equal(times.at(-1)?.value, 2);
  assert.ok((times.find(({ suffix }) => suffix === '_sum')?.value ?? 0) > 0);
  for (const { name, help, samples } of families.values()) {
    assert.match(name, /^(coredns|switchyard)_[a-z_]+$/);
    assert.match(help, /\.$/);
    assert.ok(samples.length > 0, name);
  }
});

async function home(
  t: TestContext,
  over: Partial<DnsHomeOptions>,
): Promise<ReturnType<typeof createDnsHome>> {
  const made = createDnsHome({
    client: await objects(),
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    address: '127.0.0.79',
    alsoAt: [],
    ports: [0],
    lameduckMs: 0,
    logEvery: 0,
    upstreams: { kind: 'nobody' },
    serviceRange: undefined,
    ...over,
  });
  for (const component of made.components) await component.start(AbortSignal.timeout(5_000));
  t.after(async () => {
    for (const component of made.components.toReversed()) await component.stop();
  });
  return made;
}

const range = parseCidr('10.96.0.0/16')!;

test('its own Service is made, with the listener as its endpoint', async (t) => {
  const client = await objects();
  const { dns } = await home(t, { client, serviceRange: range });
  const place = { namespace: 'kube-system', name: 'kube-dns' };
  const service = await client.get(serviceKind, place);
  assert.equal(service.spec?.clusterIP, '10.96.0.10');
  assert.deepEqual(
    service.spec?.ports?.map(({ name, protocol, port }) => [name, protocol, port]),
    [
      ['dns', 'UDP', 53],
      ['dns-tcp', 'TCP', 53],
    ],
  );
  const slice = await client.get(endpointSliceKind, { ...place, name: 'kube-dns-switchyard' });
  assert.deepEqual(slice.endpoints?.[0]?.addresses, ['127.0.0.79']);
  assert.equal(slice.ports?.[0]?.port, dns.address()?.port);
});

test('a Service of that name that is there already is left alone', async (t) => {
  const client = await objects();
  const theirs = testService('kube-dns', { clusterIP: '10.96.0.77' }, 'kube-system');
  await client.create(serviceKind, theirs);
  const { components } = await home(t, { client, serviceRange: range });
  assert.match(
    components.find(({ name }) => name === 'name-service')?.status().detail ?? '',
    /there already/,
  );
  const { items } = await client.list(endpointSliceKind);
  assert.equal(items.length, 0);
});

test('IPv6 loopback at the same port, and nowhere when the host has none of it', async (t) => {
  const { dns } = await home(t, { alsoAt: ['::1', '192.0.2.1'] });
  const [first, second] = dns.addresses();
  assert.equal(dns.addresses().length, 2);
  assert.deepEqual([second?.address, second?.port], ['::1', first?.port]);
  assert.equal(await ask(second!, web), 0);
});

test('a lookup and an explanation come from the same objects', async (t) => {
  const client = await objects();
  await client.create(serviceKind, testService('db', { clusterIP: 'None' }));
  await client.create(endpointSliceKind, testSlice('db', [{ address: '10.1.0.5' }]));
  const names = await home(t, { client });
  assert.deepEqual(await names.lookup('db', 'default'), ['10.1.0.5']);
  assert.deepEqual(await names.lookup('db', 'shop'), []);
  const { verdict, steps } = await names.explain({ name: 'db', namespace: 'default', type: 'A' });
  assert.deepEqual([verdict, steps.length], ['answered', 1]);
});
