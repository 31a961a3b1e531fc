/**
 * Names while everything changes: a thousand changes a second, and every answer is one that was true at some moment
 * between question and answer, by a model that knows nothing but what was written. And how soon a ready Pod resolves.
 */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { performance } from 'node:perf_hooks';
import process from 'node:process';
import { setImmediate as turn } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { decodeMessage, encodeMessage } from '../../src/codec/dns/index.ts';
import { createEndpointSliceController } from '../../src/controllers/index.ts';
import { createDnsHome } from '../../src/dns/index.ts';
import {
  endpointSliceKind,
  labels,
  namespaceKind,
  podKind,
  serviceKind,
  type EndpointSlice,
  type ObjectClient,
  type Service,
} from '../../src/kube/index.ts';
import type { SocketAddress } from '../../src/model/index.ts';
import { silentLogger } from '../../src/obs/index.ts';
import { createMemoryStore } from '../../src/store/index.ts';
import { systemClock } from '../../src/sys/index.ts';

const isSoak = process.env['SWITCHYARD_SOAK'] !== undefined;
const seconds = isSoak ? 60 : 5;
const changesPerSecond = 1_000;
const names = 40;
const burst = 20;
const namespace = 'default';

const common = { clock: systemClock, random: Math.random, log: silentLogger };

async function serve(t: TestContext): Promise<{ client: ObjectClient; at: SocketAddress }> {
  let uids = 0;
  const client = createMemoryStore({ clock: systemClock, newUid: () => `uid-${uids++}` });
  const metadata = { name: namespace };
  await client.create(namespaceKind, { apiVersion: 'v1', kind: 'Namespace', metadata });
  const { dns, components } = createDnsHome({
    ...common,
    client,
    address: '127.0.0.80',
    alsoAt: [],
    ports: [0],
    lameduckMs: 0,
    logEvery: 0,
    upstreams: { kind: 'nobody' },
    serviceRange: undefined,
  });
  for (const component of components) await component.start(AbortSignal.timeout(5_000));
  t.after(async () => {
    for (const component of components.toReversed()) await component.stop();
  });
  return { client, at: dns.address()! };
}

interface Asked {
  readonly query: Uint8Array;
  readonly answered: (answer: string) => void;
}

/** Asks over one socket; answers find their question by its id. Whoever waits long may ask `again`, as clients do. */
async function openAsker(t: TestContext, at: SocketAddress) {
  const socket: Socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  const waiting = new Map<number, Asked>();
  socket.on('message', (bytes) => {
    const message = decodeMessage(bytes);
    assert.ok(message);
    const addresses = message.answers.flatMap(({ data }) =>
      data.kind === 'A' ? [data.address] : [],
    );
    const found =
      addresses.length > 0 ? addresses.toSorted().join(' ') : `rcode ${message.flags & 15}`;
    waiting.get(message.id)?.answered(found);
    waiting.delete(message.id);
  });
  let id = 0;
  const ask = (name: string): Promise<string> => {
    const { promise, resolve } = Promise.withResolvers<string>();
    id = (id + 1) & 0xffff;
    const query = encodeMessage({
      id,
      flags: 0,
      questions: [{ name: `${name}.${namespace}.svc.cluster.local`, type: 1, class: 1 }],
      answers: [],
      authorities: [],
      additionals: [],
    });
    waiting.set(id, { query, answered: resolve });
    socket.send(query, at.port, at.address);
    return promise;
  };
  const again = (): void => {
    for (const { query } of waiting.values()) socket.send(query, at.port, at.address);
  };
  return { ask, again, waiting };
}

/** What a name answers, from when it may to when it must not any more; moments are counted, not timed. */
interface Truth {
  readonly answer: string;
  readonly from: number;
  until: number;
}

class Model {
  moment = 0;
  private readonly truths = new Map<string, Truth[]>();

  constructor(all: readonly string[]) {
    for (const name of all)
      this.truths.set(name, [{ answer: 'rcode 3', from: 0, until: Infinity }]);
  }

  /** The write begins: from now on both may be seen. The returned function: it is done, only the new one may. */
  begin(name: string, answer: string): () => void {
    const list = this.truths.get(name) ?? [];
    const before = list.at(-1);
    list.push({ answer, from: ++this.moment, until: Infinity });
    // As long as a question can be under way: more answers than one may wait for.
    if (list.length > 2_000) list.shift();
    return () => {
      if (before !== undefined) before.until = ++this.moment;
    };
  }

  allowed(name: string, sent: number): readonly string[] {
    const list = this.truths.get(name) ?? [];
    return list.filter(({ until }) => until > sent).map(({ answer }) => answer);
  }
}

interface NameState {
  service: Service | undefined;
  slice: EndpointSlice | undefined;
}

const pick = (below: number): number => Math.floor(Math.random() * below);

function sliceOf(name: string, ready: readonly boolean[]): EndpointSlice {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace, labels: { [labels.serviceName]: name } },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 80 }],
    endpoints: ready.map((isReady) => ({
      addresses: [`10.1.${pick(256)}.${pick(256)}`],
      conditions: { ready: isReady },
    })),
  };
}

/** What the specification says a client hears of these two objects; written down anew, not taken from src. */
function answerOf({ service, slice }: NameState): string {
  if (service === undefined) return 'rcode 3';
  const { clusterIP } = service.spec ?? {};
  if (clusterIP !== 'None') return clusterIP ?? '';
  const ready = (slice?.endpoints ?? []).flatMap(({ addresses, conditions }) =>
    conditions?.ready === true ? addresses : [],
  );
  return ready.length === 0 ? 'rcode 3' : [...new Set(ready)].toSorted().join(' ');
}

/** One write, and the model told of it. */
async function change(
  { client, model }: { readonly client: ObjectClient; readonly model: Model },
  name: string,
  state: NameState,
): Promise<void> {
  const at = { namespace, name };
  if (state.service === undefined || pick(10) === 0) {
    const before = state.service;
    const clusterIP = pick(2) === 0 ? 'None' : `10.96.0.${1 + pick(200)}`;
    state.service =
      before === undefined
        ? { apiVersion: 'v1', kind: 'Service', metadata: at, spec: { clusterIP } }
        : undefined;
    const done = model.begin(name, answerOf(state));
    if (state.service === undefined) await client.delete(serviceKind, at);
    else await client.create(serviceKind, state.service);
    return done();
  }
  const isNew = state.slice === undefined;
  state.slice = sliceOf(
    name,
    Array.from({ length: pick(6) }, () => pick(3) > 0),
  );
  const done = model.begin(name, answerOf(state));
  if (isNew) await client.create(endpointSliceKind, state.slice);
  else await client.update(endpointSliceKind, state.slice);
  done();
}

test(`${changesPerSecond} changes a second, and not one wrong answer`, async (t) => {
  const { client, at } = await serve(t);
  const { ask, again, waiting } = await openAsker(t, at);
  const all = Array.from({ length: names }, (_, i) => `n${i}`);
  const model = new Model(all);
  const states = new Map(all.map((name) => [name, { service: undefined, slice: undefined }]));
  const wrong: string[] = [];
  const questions: Promise<void>[] = [];
  let [changes, answers] = [0, 0];
  const check = (name: string): void => {
    const sent = model.moment;
    const asked = ask(name).then((answer) => {
      answers++;
      const allowed = model.allowed(name, sent);
      if (!allowed.includes(answer)) wrong.push(`${name}: ${answer}, not ${allowed.join(' or ')}`);
    });
    questions.push(asked);
  };
  const start = performance.now();
  const elapsed = (): number => (performance.now() - start) / 1_000;
  while (changes < seconds * changesPerSecond) {
    while (changes < elapsed() * changesPerSecond) {
      const name = all[changes++ % names]!;
      await change({ client, model }, name, states.get(name)!);
      // The name that changed, at once; and one that did not, or will at any moment.
      check(name);
      check(all[pick(names)]!);
      // On a busy machine it would otherwise catch up without ever listening.
      if (changes % burst === 0) await turn();
    }
    await turn();
  }
  const took = elapsed();
  // UDP on loopback loses nothing while the buffers hold; on a busy machine they may not.
  for (let rest = 0; rest < 20 && waiting.size > 0; rest++) {
    await systemClock.sleep(500);
    if (waiting.size > 0) t.diagnostic(`${waiting.size} questions are asked again`);
    again();
  }
  assert.equal(waiting.size, 0, 'questions that were not answered');
  await Promise.all(questions);
  t.diagnostic(`${changes} changes in ${took.toFixed(1)} s, ${answers} answers`);
  assert.deepEqual(wrong.slice(0, 5), []);
  assert.ok(answers >= 2 * changes, `${answers} answers to ${changes} changes`);
});

test('a Pod that becomes ready resolves', async (t) => {
  const { client, at } = await serve(t);
  const { ask } = await openAsker(t, at);
  const slices = createEndpointSliceController({ ...common, client });
  await slices.start(AbortSignal.timeout(5_000));
  t.after(() => slices.stop());
  await client.create(serviceKind, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'db', namespace },
    spec: { clusterIP: 'None', selector: { app: 'db' }, ports: [{ name: 'sql', port: 5432 }] },
  });
  const name = { namespace, name: 'db-0' };
  await client.create(podKind, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...name, labels: { app: 'db' } },
    spec: { containers: [{ name: 'app', image: 'none' }] },
    status: { phase: 'Running', podIP: '10.1.0.1', podIPs: [{ ip: '10.1.0.1' }] },
  });
  const tookMs: number[] = [];
  for (let round = 0; round < 40; round++) {
    const isReady = round % 2 === 0;
    const wanted = isReady ? '10.1.0.1' : 'rcode 3';
    const conditions = [{ type: 'Ready', status: isReady ? 'True' : 'False' }];
    const from = performance.now();
    await client.patch(podKind, name, { status: { conditions } }, { subresource: 'status' });
    while ((await ask('db')) !== wanted) await turn();
    tookMs.push(performance.now() - from);
  }
  const sorted = tookMs.toSorted((a, b) => a - b);
  t.diagnostic(
    `write to answer: median ${sorted[20]?.toFixed(1)} ms, most ${sorted.at(-1)?.toFixed(1)} ms (40 changes)`,
  );
});
