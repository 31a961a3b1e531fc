/** `gateway`: the requests of any cluster, balanced by this process alone. */
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { SocketAddress } from '../../model/index.ts';
import { accessLogOption } from '../access-log-option.ts';
import { parseListen, parseListenOrNone } from '../address-option.ts';
import { upEngines, type GatewayRunOptions, type ServedPlace } from '../io.ts';
import { numberBetween } from '../number-between.ts';
import type { Act } from '../session.ts';
import { workersOption } from '../workers-option.ts';
import { addClusterOptions, clusterRunOptions, type ClusterFlags } from './cluster-options.ts';

interface GatewayFlags extends ClusterFlags {
  readonly listen: SocketAddress | 'none';
  readonly listenTls: SocketAddress | 'none';
  readonly serve: readonly ServedPlace[];
  readonly node?: string;
  readonly engine: GatewayRunOptions['engine'];
  readonly workers: number;
  readonly metrics: SocketAddress | 'none';
  readonly lameduck: number;
  readonly drain: number;
  readonly accessLog: number;
  readonly acceptProxyProtocol?: boolean;
}

export function addGateway(program: Command, act: Act): void {
  const command = program
    .command('gateway')
    .summary('balance the requests of a cluster')
    .description(
      'Follows the Services of a cluster that ask for cookie affinity, a balance of requests or a hash, and carries ' +
        'their HTTP: by name at one port for all, or each at a port of its own. Several gateways share the key of ' +
        'their cookies: a session goes on at each. Runs until Ctrl-C.',
    );
  addPlaces(command);
  command
    .option(
      '--node <name>',
      'the node it runs on: its endpoints are those of Local traffic policies',
    )
    .addOption(
      new Option('--engine <engine>', 'what carries TCP').choices(upEngines).default('auto'),
    )
    .addOption(workersOption())
    .addOption(
      new Option(
        '--metrics <address>',
        'where /metrics, /health and /ready are: ADDRESS:PORT, or none',
      )
        .argParser(parseListenOrNone)
        .default('none'),
    )
    .option(
      '--accept-proxy-protocol',
      'clients are proxies in front of it that say first whom they speak for (v1 or v2); all others are cut off',
    )
    .addOption(accessLogOption())
    .addOption(
      new Option(
        '--lameduck <seconds>',
        'how long it goes on after it is told to end, not ready any more',
      )
        .argParser(numberBetween(0, 300))
        .default(0),
    )
    .addOption(
      new Option('--drain <seconds>', 'how long requests under way may then take')
        .argParser(numberBetween(0, 86_400))
        .default(30),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard gateway --kubeconfig ~/.kube/config\n  curl -H "Host: web.default" http://127.0.0.1:8080/\n' +
        '  switchyard gateway --serve default/web:http=0.0.0.0:80 --listen none',
    );
  addClusterOptions(command).action(async (_flags: unknown, called: Command) => {
    const flags = called.optsWithGlobals<GatewayFlags>();
    await act(flags, async ({ deps, instance }) => ({
      kind: 'ended',
      exitCode: await deps.gateway({
        ...clusterRunOptions(flags),
        instance,
        node: flags.node,
        listen: given(flags.listen),
        listenTls: given(flags.listenTls),
        serve: flags.serve,
        engine: flags.engine,
        workers: flags.workers,
        pages: given(flags.metrics),
        lameduckMs: flags.lameduck * 1_000,
        drainMs: flags.drain * 1_000,
        accessLogShare: flags.accessLog / 100,
        acceptProxyProtocol: flags.acceptProxyProtocol ?? false,
      }),
    }));
  });
}

/** Where clients come in. */
function addPlaces(command: Command): void {
  command
    .addOption(
      new Option(
        '--listen <address>',
        'where all of them answer, by name: SERVICE.NAMESPACE, with .svc and what follows, or .localhost; or none',
      )
        .argParser(parseListenOrNone)
        .default(loopback, '127.0.0.1:8080'),
    )
    .addOption(
      new Option(
        '--listen-tls <address>',
        'the same over TLS, with the certificates of the Services by the name that is asked for; or none',
      )
        .argParser(parseListenOrNone)
        .default('none'),
    )
    .addOption(
      new Option(
        '--serve <place>',
        'a port of one Service, whatever name is asked for: NAMESPACE/SERVICE[:PORT]=ADDRESS:PORT; may be repeated',
      )
        .argParser(addPlace)
        .default([], 'none'),
    );
}

const loopback: SocketAddress = { address: '127.0.0.1', port: 8_080 };

function given(at: SocketAddress | 'none'): SocketAddress | undefined {
  return at === 'none' ? undefined : at;
}

const placePattern = /^([a-z0-9-]{1,63})\/([a-z0-9-]{1,63})(?::([a-z0-9-]{1,63}))?=(.+)$/;

function addPlace(text: string, before: readonly ServedPlace[]): readonly ServedPlace[] {
  const [, namespace, service, port, at] = placePattern.exec(text) ?? [];
  if (namespace === undefined || service === undefined || at === undefined) {
    throw new InvalidArgumentError(
      'It must be NAMESPACE/SERVICE=ADDRESS:PORT or NAMESPACE/SERVICE:PORT=ADDRESS:PORT.',
    );
  }
  return [...before, { namespace, service, port, at: parseListen(at) }];
}
