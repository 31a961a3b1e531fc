/** What `up` says when it serves: where things answer, what to try, and for the demo a first spread of each. */
import { paintFor, printResult, type CliIo, type OutputFormat } from '../cli/index.ts';
import type { ControlSource, ServicePortView } from '../control/index.ts';
import { formatSocketAddress } from '../model/index.ts';
import { showDemo } from './demo-tour.ts';
import type { Ways } from './up-views.ts';
import type { Up } from './up.ts';
import { programName, version } from './version.ts';

export interface AnnounceOptions {
  readonly io: CliIo;
  readonly output: OutputFormat;
  readonly demo: boolean;
  readonly signal: AbortSignal;
}

const nameService = { namespace: 'kube-system', name: 'kube-dns' } as const;
const everything = { namespace: undefined, name: undefined };

/** The last line begins with `Ready`: whoever reads our output knows by it that everything serves. */
export async function announce(
  { instance, source, ways, lookup }: Up,
  options: AnnounceOptions,
): Promise<void> {
  const { io, output, demo, signal } = options;
  const services = source.services(everything);
  if (output === 'json') {
    io.stdout.write(
      `${JSON.stringify({ ...source.instance(), ...formatWays(ways), services }, undefined, 2)}\n`,
    );
    return;
  }
  const bold = (text: string): string => paintFor(io.stdout, io.env)('bold', text);
  const { driver } = source.instance();
  io.stdout.write(`${bold(`Switchyard ${version}`)}, instance ${instance}, ${driver} driver\n\n`);
  if (demo) await showDemo({ source, lookup }, io, signal);
  else showServices(source, io);
  io.stdout.write(`\n${waysText(ways, source)}`);
  const tries = suggestions(source, ways, demo ? 'web' : undefined);
  if (tries.length > 0) io.stdout.write(`\n${bold('Try')}\n${tries.join('')}`);
  io.stdout.write('\nReady. Ctrl-C stops everything.\n');
}

function showServices(source: ControlSource, io: CliIo): void {
  const services = ownServices(source);
  if (services.length === 0) io.stdout.write('No Service is forwarded yet.\n');
  else printResult({ kind: 'services', items: services, asked: everything }, 'text', io);
}

/** What the user brought: our own parts are not news. */
function ownServices(source: ControlSource): readonly ServicePortView[] {
  return source.services(everything).filter(({ namespace }) => namespace !== nameService.namespace);
}

/** `127.0.0.1:PORT` of each; undefined for what is not there. */
function formatWays({ dns, door, gateway, metrics, kubeconfig, objects }: Ways): {
  readonly dns: string | undefined;
  readonly door: string | undefined;
  readonly gateway: string | undefined;
  readonly metrics: string | undefined;
  readonly kubeconfig: string;
  readonly objects: string | undefined;
} {
  return {
    dns: dns === undefined ? undefined : formatSocketAddress(dns),
    door: door === undefined ? undefined : formatSocketAddress(door),
    gateway: gateway === undefined ? undefined : formatSocketAddress(gateway),
    metrics: metrics === undefined ? undefined : formatSocketAddress(metrics),
    kubeconfig,
    objects,
  };
}

function waysText(ways: Ways, source: ControlSource): string {
  const { dns, door, gateway, metrics, kubeconfig } = formatWays(ways);
  const own = source.services(nameService).flatMap(({ frontends }) => frontends);
  const besides = new Set([
    ...ways.alsoDns.map(formatSocketAddress),
    ...own.flatMap(({ reachable }) => reachable),
  ]);
  const lines = [
    ...(dns === undefined ? [] : [`Names of cluster.local are answered at ${dns}\n`]),
    ...(besides.size === 0 ? [] : [`  and at ${[...besides].join(' and ')}\n`]),
    ...(door === undefined ? [] : [`Clients reach them by name through socks5h://${door}\n`]),
    ...(gateway === undefined
      ? []
      : [`Browsers open http://SERVICE.NAMESPACE.localhost:${portOf(gateway)}\n`]),
    ...(metrics === undefined ? [] : [`Prometheus finds metrics at http://${metrics}/metrics\n`]),
    ways.objects === undefined
      ? 'Objects are in memory and end with this instance\n'
      : `Objects are kept in ${ways.objects}\n`,
    `The Kubernetes API is served: kubectl --kubeconfig ${kubeconfig} get services\n`,
  ];
  return lines.join('');
}

/** Commands for a Service that answers, the named one first, ready to be copied. */
function suggestions(
  source: ControlSource,
  { door }: Ways,
  preferred: string | undefined,
): readonly string[] {
  const answering = ownServices(source).filter(({ frontends }) =>
    frontends.some((f) => f.reachable.length > 0),
  );
  const service = answering.find(({ name }) => name === preferred) ?? answering[0];
  const target = service === undefined ? undefined : firstReachable(service);
  if (service === undefined || target === undefined) return [];
  const name =
    service.namespace === 'default' ? service.name : `${service.namespace}/${service.name}`;
  const lines = [
    [`curl http://${target}`, 'again and again: each call reaches the next backend'],
    [
      `${programName} spread service ${name} -n 300`,
      'opens 300 connections and counts who got them',
    ],
    ...byName(service, door),
    [`${programName} get endpoints`, 'what is behind each Service, with live counts'],
    [`${programName} --help`, 'everything else'],
  ] as const;
  const width = Math.max(...lines.map(([command]) => command.length));
  return lines.map(([command, what]) => `  ${command.padEnd(width)}   ${what}\n`);
}

function firstReachable({ frontends }: ServicePortView): string | undefined {
  return frontends.flatMap((frontend) => frontend.reachable)[0];
}

/** The same Service by its name, for a client that comes in through the door. */
function byName(
  { namespace, name, frontends }: ServicePortView,
  door: Ways['door'],
): readonly (readonly [string, string])[] {
  const port = frontends
    .find(({ kind }) => kind === 'clusterIP')
    ?.declared.split(':')
    .at(-1);
  if (door === undefined || port === undefined) return [];
  const url = `http://${name}.${namespace}.svc.cluster.local${port === '80' ? '' : `:${port}`}`;
  const proxy = `-x socks5h://${formatSocketAddress(door)}`;
  return [[`curl ${proxy} ${url}`, 'the same by its name, without touching this host']];
}

function portOf(address: string): string {
  return address.slice(address.lastIndexOf(':') + 1);
}
