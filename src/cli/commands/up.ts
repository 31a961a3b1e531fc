/** `up`: everything on one machine. The work is app's; this is its options. */
import { Option, type Command } from 'commander';
import type { SocketAddress } from '../../model/index.ts';
import { addUpstream, parseListenOrNone } from '../address-option.ts';
import { accessLogOption } from '../access-log-option.ts';
import {
  authorizationModes,
  upEngines,
  upModes,
  upPodNetworks,
  type ObjectsPlace,
  type UpOptions,
} from '../io.ts';
import { numberBetween } from '../number-between.ts';
import type { Act, GlobalOptions } from '../session.ts';
import { workersOption } from '../workers-option.ts';

interface UpFlags extends GlobalOptions {
  readonly filename: readonly string[];
  readonly demo?: boolean;
  readonly mode: UpOptions['mode'];
  readonly podNetwork: (typeof upPodNetworks)[number];
  readonly engine: UpOptions['engine'];
  readonly workers: number;
  readonly metrics: SocketAddress | 'none';
  readonly browserPort?: number;
  readonly accessLog: number;
  readonly logFormat: UpOptions['logFormat'];
  readonly authorization: UpOptions['authorization'];
  readonly kubeconfigOut?: string;
  readonly dataDir?: string;
  readonly ephemeral?: boolean;
  readonly replace?: boolean;
  readonly drain?: number;
  readonly dnsUpstream: UpOptions['dnsUpstreams'];
  readonly fromCluster?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

export function addUp(program: Command, act: Act): void {
  const command = program
    .command('up')
    .summary('serve Services on this machine: no cluster, no root')
    .description(
      'Reads Services and Pods from manifests and forwards connections to them on this machine, with no ' +
        'cluster and no root. Reads the manifests again when they change. Runs until Ctrl-C.',
    )
    .addOption(
      new Option('-f, --filename <path>', 'manifest, or folder of manifests; may be repeated')
        .argParser((path: string, before: readonly string[]) => [...before, path])
        .default([], 'none'),
    )
    .option('--demo', 'start three small web servers and a Service in front of them');
  addForwardingOptions(command);
  command.addOption(
    new Option('--log-format <format>', 'how log lines are written to stderr')
      .choices(['text', 'json'])
      .default('text'),
  );
  addClusterSource(command);
  addPlaceOptions(command);
  addLifeOptions(command);
  command
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard up --demo\n  switchyard up -f shop.yaml -f more/ --instance shop',
    )
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<UpFlags>();
      await act(flags, async ({ deps, instance, logLevel }) => ({
        kind: 'ended',
        exitCode: await deps.up({
          files: flags.filename,
          dnsUpstreams: flags.dnsUpstream,
          demo: flags.demo ?? false,
          mode: flags.mode,
          podNetwork: flags.podNetwork,
          engine: flags.engine,
          workers: flags.workers,
          replace: flags.replace ?? false,
          asBefore: false,
          drainSeconds: flags.drain,
          metrics: flags.metrics === 'none' ? undefined : flags.metrics,
          browserPort: flags.browserPort,
          accessLogShare: flags.accessLog / 100,
          instance,
          logLevel,
          logFormat: flags.logFormat,
          ...(flags.kubeconfigOut === undefined ? {} : { kubeconfigOut: flags.kubeconfigOut }),
          output: flags.output,
          authorization: flags.authorization,
          objects: placeOf(flags),
          ...fromCluster(flags),
        }),
      }));
    });
}

/** A demo is to leave nothing behind, and what is of a cluster is there, not here. */
function placeOf({ dataDir, ephemeral, demo, replace, fromCluster }: UpFlags): ObjectsPlace {
  if (dataDir !== undefined) return { kind: 'folder', path: dataDir };
  const isDemo = demo === true && replace !== true;
  const isPassing = isDemo || fromCluster !== undefined;
  return { kind: ephemeral === true || isPassing ? 'memory' : 'default' };
}

/** What carries connections. */
function addForwardingOptions(command: Command): void {
  command
    .addOption(
      new Option(
        '--mode <mode>',
        'how connections are forwarded: by sockets, or by rules in the kernel (needs CAP_NET_ADMIN); auto takes ' +
          'the kernel where it can',
      )
        .choices(upModes)
        .default('userspace'),
    )
    .addOption(
      new Option(
        '--pod-network <network>',
        'where Pods are that are forwarded to in the kernel: each in a network of its own (needs CAP_SYS_ADMIN), or at ' +
          'addresses of this host; auto takes networks where it can',
      )
        .choices(upPodNetworks)
        .default('auto'),
    )
    .addOption(
      new Option(
        '--engine <engine>',
        "what carries TCP in userspace: Node's sockets, or Linux's epoll, which takes about half the " +
          'processor time; auto takes epoll where it can be had',
      )
        .choices(upEngines)
        .default('auto'),
    )
    .addOption(workersOption());
}

function addClusterSource(command: Command): void {
  command
    .addOption(
      new Option(
        '--from-cluster <namespaces>',
        'also serve the Services of these namespaces of a cluster, by commas, over their own Pods: each is reached ' +
          "through the cluster's API, as kubectl port-forward does, and nothing there is changed",
      ).conflicts(['dataDir', 'replace']),
    )
    .option(
      '--kubeconfig <path>',
      'how that cluster is reached (default: KUBECONFIG, or ~/.kube/config)',
    )
    .option('--context <name>', 'the context of the kubeconfig; its current one when not given');
}

function fromCluster({
  fromCluster: text,
  kubeconfig,
  context,
}: UpFlags): Pick<UpOptions, 'fromCluster'> {
  if (text === undefined) return {};
  const namespaces = [...new Set(text.split(',').map((name) => name.trim()))];
  return {
    fromCluster: { namespaces: namespaces.filter((name) => name !== ''), kubeconfig, context },
  };
}

const freeLoopbackPort: SocketAddress = { address: '127.0.0.1', port: 0 };

/** Where what it serves besides is found. */
function addPlaceOptions(command: Command): void {
  command
    .addOption(
      new Option(
        '--data-dir <folder>',
        "where objects are kept, so that a later up goes on with them (default: the instance's folder)",
      ).conflicts('ephemeral'),
    )
    .option('--ephemeral', 'keep objects in memory only; --demo does')
    .option(
      '--kubeconfig-out <path>',
      "also write the kubeconfig of the served Kubernetes API there; it is in the instance's folder in any case",
    )
    .addOption(
      new Option(
        '--authorization <mode>',
        'what those who have a token may ask of the API: everything, or what roles and bindings say (rbac)',
      )
        .choices(authorizationModes)
        .default('always-allow'),
    )
    .addOption(
      new Option('--metrics <address>', 'where Prometheus finds metrics: ADDRESS:PORT, or none')
        .argParser(parseListenOrNone)
        .default(freeLoopbackPort, '127.0.0.1 and a free port'),
    )
    .addOption(
      new Option(
        '--browser-port <port>',
        'where browsers open http://SERVICE.NAMESPACE.localhost:PORT (default: 8880, or another that stays while that is taken)',
      ).argParser(numberBetween(1, 65_535)),
    )
    .addOption(accessLogOption())
    .addOption(
      new Option(
        '--dns-upstream <address>',
        'who is asked for names outside of cluster.local; may be repeated',
      )
        .argParser(addUpstream)
        .default([], "the host's name servers"),
    );
}

/** How it comes into the place of another, and how it ends. */
function addLifeOptions(command: Command): void {
  command
    .option(
      '--replace',
      'take the place of the running instance; no connection is refused meanwhile',
    )
    .option(
      '--drain <seconds>',
      'how long open connections may go on at the end (default: 2, or 30 when replaced)',
      numberBetween(0, 86_400),
    );
}
