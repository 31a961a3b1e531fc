/** The clients of `api.bench.ts`: HTTP/2 with several requests at a time on a connection, as client-go does it. */
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';

const writers = 24;
const connections = 4;
const changes = 40;
const watchersEach = 200;

export interface Served {
  readonly url: string;
  readonly token: string;
  readonly ca: string;
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

/** A Service without a selector and its EndpointSlice of ten addresses. */
export function pair(i: number): { readonly service: object; readonly slice: object } {
  const name = `s${i}`;
  return {
    service: {
      metadata: { name, labels: { app: name } },
      spec: { ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
    },
    slice: {
      metadata: { name, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080 }],
      endpoints: Array.from({ length: 10 }, (_, k) => ({
        addresses: [`10.1.${i % 250}.${k + 1}`],
        conditions: { ready: true },
      })),
    },
  };
}

/** Pairs a second. */
export async function measureWrites(
  served: Served,
  { from, count }: { readonly from: number; readonly count: number },
): Promise<number> {
  const clients = Array.from({ length: connections }, () => new Client(served));
  let next = from;
  const started = performance.now();
  await Promise.all(
    Array.from({ length: writers }, async (_, writer) => {
      const client = clients[writer % connections];
      while (next < from + count) {
        const { service, slice } = pair(next++);
        await client?.post('/api/v1/namespaces/default/services', service);
        await client?.post('/apis/discovery.k8s.io/v1/namespaces/default/endpointslices', slice);
      }
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  for (const client of clients) client.close();
  return count / seconds;
}

/** Milliseconds from a write's start to each watcher's line of it, of a middling and of a slow one. */
export async function measureWatches(
  served: Served,
  watchers: number,
): Promise<{ readonly p50: number; readonly p99: number }> {
  const clients = Array.from(
    { length: Math.ceil(watchers / watchersEach) },
    () => new Client(served),
  );
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
    await clients[Math.floor(i / watchersEach)]?.watch(`${path}?watch=1`, seen);
  }
  const writer = new Client(served);
  for (let round = 0; round < changes; round++) {
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
