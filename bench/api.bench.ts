/**
 * The embedded API through TLS: Service and EndpointSlice pairs a second from 24 writers, with validation, ownership of
 * fields and controllers, what that holds in memory, and how long a change takes to 1, 100 and 1,000 watchers. The server
 * is a process of its own, as it is in life, on the same processors as its clients.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { createInterface } from 'node:readline';
import { startApi } from '../test/support/api.ts';

const writers = 24;
const defaultPairs = 5_000;
const rounds = 40;
/** What kube-apiserver with etcd takes of the same objects on a machine like the one it was measured on. */
const peer = { pairsPerSecond: 94, megabytes: 650 };

interface Served {
  readonly url: string;
  readonly token: string;
  readonly ca: string;
}

export async function run([mode]: readonly string[]): Promise<void> {
  if (mode === 'serve') return await serve();
  // Another number of pairs, for a quick look.
  const pairs = Number(mode ?? defaultPairs);
  const child = spawn(process.execPath, ['bench/run.ts', 'api', 'serve'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface(child.stdout);
  const line = async (): Promise<unknown> => JSON.parse(String((await once(lines, 'line'))[0]));
  try {
    const served = (await line()) as Served;
    const rate = await measureWrites(served, pairs);
    child.stdin.write('memory\n');
    const megabytes = Number(await line());
    console.log(
      `${pairs} pairs from ${writers} writers: ${rate.toFixed(0)} pairs/s, ${megabytes.toFixed(0)} MB resident`,
    );
    const latencies: number[] = [];
    for (const watchers of [1, 100, 1_000]) {
      const { p50, p99 } = await measureWatches(served, watchers);
      latencies.push(p50);
      console.log(
        `${String(watchers).padStart(5)} watchers: a change is there after p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms`,
      );
    }
    const [one = 1, , thousand = 1] = latencies;
    console.log(
      `ratios: pairs/s ${(rate / peer.pairsPerSecond).toFixed(1)} of kube-apiserver's, ` +
        `memory ${(megabytes / peer.megabytes).toFixed(2)}, 1,000 watchers ${(thousand / one).toFixed(1)} times one`,
    );
  } finally {
    child.stdin.end();
  }
}

/** Until its standard input ends. */
async function serve(): Promise<void> {
  const api = await startApi({ controllers: true });
  console.log(JSON.stringify({ url: api.url, token: api.token, ca: api.ca }));
  for await (const _asked of createInterface(process.stdin)) {
    console.log(process.memoryUsage().rss / 1e6);
  }
  await api.stop();
}

class Client {
  private readonly session: ClientHttp2Session;
  private readonly token: string;

  constructor({ url, ca, token }: Served) {
    this.session = connect(url, { ca });
    this.token = token;
  }

  async post(path: string, body: object): Promise<void> {
    const stream = this.session.request({
      ':method': 'POST',
      ':path': path,
      authorization: `Bearer ${this.token}`,
      'content-type': 'application/json',
    });
    stream.end(JSON.stringify(body));
    const [head] = await once(stream, 'response');
    stream.resume();
    await once(stream, 'end');
    if (head[':status'] !== 201) throw new Error(`${path}: ${head[':status']}`);
  }

  /** Calls `seen` with the name of each object that is added. */
  async watch(path: string, seen: (name: string) => void): Promise<void> {
    const stream = this.session.request({ ':path': path, authorization: `Bearer ${this.token}` });
    await once(stream, 'response');
    let rest = '';
    stream.setEncoding('utf8');
    stream.on('data', (text: string) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) seen(/"name":"([^"]*)"/.exec(line)?.[1] ?? '');
    });
  }

  close(): void {
    this.session.destroy();
  }
}

async function measureWrites(served: Served, pairs: number): Promise<number> {
  const clients = Array.from({ length: 4 }, () => new Client(served));
  let next = 0;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const client = clients[writer % clients.length];
      while (next < pairs) {
        const name = `s${next++}`;
        await client?.post('/api/v1/namespaces/default/services', {
          metadata: { name, labels: { app: name } },
          spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
        });
        await client?.post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', {
          metadata: { name, labels: { 'kubernetes.io/service-name': name } },
          addressType: 'IPv4',
          ports: [{ name: 'http', port: 8080 }],
          endpoints: Array.from({ length: 10 }, (__, i) => ({
            addresses: [`10.1.${next % 250}.${i + 1}`],
            conditions: { ready: true },
          })),
        });
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  for (const client of clients) client.close();
  return pairs / seconds;
}

async function measureWatches(
  served: Served,
  watchers: number,
): Promise<{ readonly p50: number; readonly p99: number }> {
  const each = 200;
  const clients = Array.from({ length: Math.ceil(watchers / each) }, () => new Client(served));
  const sent = new Map<string, number>();
  const took: number[] = [];
  let arrived = 0;
  let all = Promise.withResolvers<void>();
  const seen = (name: string): void => {
    const at = sent.get(name);
    if (at === undefined) return;
    took.push(performance.now() - at);
    arrived++;
    if (arrived === watchers) all.resolve();
  };
  const path = '/api/v1/namespaces/default/configmaps';
  for (let i = 0; i < watchers; i++) {
    await clients[Math.floor(i / each)]?.watch(`${path}?watch=1`, seen);
  }
  const writer = new Client(served);
  for (let round = 0; round < rounds; round++) {
    arrived = 0;
    all = Promise.withResolvers<void>();
    const name = `w${watchers}-${round}`;
    sent.set(name, performance.now());
    await Promise.all([writer.post(path, { metadata: { name }, data: { a: 'b' } }), all.promise]);
    sent.delete(name);
  }
  for (const client of [...clients, writer]) client.close();
  const sorted = took.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
