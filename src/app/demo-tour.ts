/** Shows the demo's Services one by one: what each is there for, where it answers, and how it spreads. */
import { paintFor, type CliIo } from '../cli/index.ts';
import type { ControlSource, FrontendView } from '../control/index.ts';
import { countKept } from './demo-client.ts';
import { countByName, type NameClient } from './demo-names.ts';
import { demoNamespace, demoServices, type DemoService } from './demo.ts';

const firstSpread = 30;
const widestBar = 30;
const atOnce = 6;
/** The frontend each kind of Service is there to show. */
const shownFirst = ['nodePort', 'clusterIP'];

export async function showDemo(client: NameClient, io: CliIo, signal: AbortSignal): Promise<void> {
  const { source } = client;
  const paint = paintFor(io.stdout, io.env);
  const nameWidth = Math.max(...demoServices.map(({ name }) => name.length));
  const shown = demoServices.map((service) => ({ service, shows: showsOf(source, service) }));
  const showsWidth = Math.max(...shown.map(({ shows }) => shows.length));
  for (const { service, shows } of shown) {
    if (signal.aborted) return;
    const at = reachableAt(source, service);
    const line = `${service.name.padEnd(nameWidth)}   ${shows.padEnd(showsWidth)}   ${at ?? ''}`;
    io.stdout.write(`${paint('bold', line.trimEnd())}\n`);
    const counts = await countFor(client, service, { at, signal });
    for (const bar of barsOf(counts)) io.stdout.write(`${' '.repeat(nameWidth + 3)}${bar}\n`);
  }
}

/** What it is there for, and what the driver does instead where it cannot do that. */
function showsOf(source: ControlSource, { name, shows }: DemoService): string {
  const [view] = source.services({ namespace: demoNamespace, name });
  return view?.standIn === undefined ? shows : `${shows}; here ${view.standIn} stands in`;
}

interface Counting {
  /** Where it is reached; undefined: by its name only. */
  readonly at: string | undefined;
  readonly signal: AbortSignal;
}

async function countFor(
  client: NameClient,
  { name, spreads, namePort: port }: DemoService,
  { at, signal }: Counting,
): Promise<Counts> {
  if (spreads === 'name') {
    const host = `${name}.${demoNamespace}.svc.cluster.local`;
    return port === undefined
      ? new Map()
      : await countByName(client, { host, port, requests: firstSpread });
  }
  if (at === undefined) return new Map();
  if (spreads === 'keep-alive' || spreads === 'session') {
    return await countKept({ at, requests: firstSpread, keepsCookies: spreads === 'session' });
  }
  return spreads === 'connections'
    ? await countConnections(client.source, name, signal)
    : await countRequests(at);
}

function reachableAt(source: ControlSource, { name }: DemoService): string | undefined {
  const views = source.services({ namespace: demoNamespace, name });
  const frontends = views.flatMap((view) => view.frontends);
  const byKind = (kind: string): readonly FrontendView[] =>
    frontends.filter((frontend) => frontend.kind === kind);
  const ordered = shownFirst.flatMap(byKind);
  return ordered.flatMap((frontend) => frontend.reachable)[0];
}

/** How many each Pod got. */
type Counts = ReadonlyMap<string, number>;

async function countConnections(
  source: ControlSource,
  service: string,
  signal: AbortSignal,
): Promise<Counts> {
  const { shares } = await source.spread(
    {
      namespace: demoNamespace,
      service,
      port: undefined,
      connections: firstSpread,
      concurrency: atOnce,
    },
    { onProgress: () => undefined, signal },
  );
  const names = shares.map(({ pod, endpoint }) => pod?.split('/')[1] ?? endpoint);
  return new Map(names.map((name, i) => [name, shares[i]?.connections ?? 0]));
}

/** Whole requests, each on a connection of its own: a slow backend keeps its connections, and that counts. */
async function countRequests(at: string): Promise<Counts> {
  const counts = new Map<string, number>();
  let left = firstSpread;
  const client = async (): Promise<void> => {
    while (left-- > 0) {
      const answer = await fetch(`http://${at}/`, { headers: { connection: 'close' } });
      const pod = /^Hello from (\S+)/.exec(await answer.text())?.[1] ?? '?';
      counts.set(pod, (counts.get(pod) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function barsOf(counts: Counts): readonly string[] {
  const width = Math.max(0, ...[...counts.keys()].map((name) => name.length));
  return [...counts].map(([name, count]) => {
    const bar = '█'.repeat(Math.round((count / firstSpread) * widestBar));
    return `${name.padEnd(width)} ${String(count).padStart(3)} ${bar}`.trimEnd();
  });
}
