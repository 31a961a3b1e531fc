/** `proxy`: this node of any cluster, where it takes the place of kube-proxy. */
import { Option, type Command } from 'commander';
import { schedulerNames, type SocketAddress } from '../../model/index.ts';
import { parseListenOrNone } from '../address-option.ts';
import { proxyModes, upEngines, type ProxyRunOptions } from '../io.ts';
import type { Act } from '../session.ts';
import { addClusterOptions, clusterRunOptions, type ClusterFlags } from './cluster-options.ts';

interface ProxyFlags extends ClusterFlags {
  readonly node?: string;
  readonly config?: string;
  readonly mode: ProxyRunOptions['mode'];
  readonly engine: ProxyRunOptions['engine'];
  readonly healthz?: SocketAddress | 'none';
  readonly metrics?: SocketAddress | 'none';
  readonly nodeportAddresses?: string;
  readonly requests?: boolean;
  readonly defaultScheduler?: ProxyRunOptions['defaultScheduler'];
}

export function addProxy(program: Command, act: Act): void {
  const command = program
    .command('proxy')
    .summary('forward the Services of a cluster on this node, as kube-proxy does')
    .description(
      'Follows the Services and EndpointSlices of a cluster and forwards connections to them on this node. Goes on ' +
        'with what it saw last while the API is away. Runs until Ctrl-C.',
    )
    .option('--node <name>', "this node's name in the cluster; the host's name when not given")
    .addOption(
      new Option('--mode <mode>', 'how connections are forwarded; auto takes the best there is')
        .choices(proxyModes)
        .default('auto'),
    )
    .addOption(
      new Option('--engine <engine>', 'what carries TCP in userspace')
        .choices(upEngines)
        .default('auto'),
    )
    .option('--config <path>', 'a KubeProxyConfiguration, as kube-proxy takes it; flags come first')
    .addOption(
      new Option(
        '--healthz <address>',
        'where /healthz and /livez are: ADDRESS:PORT, or none',
      ).argParser(parseListenOrNone),
    )
    .addOption(
      new Option(
        '--metrics <address>',
        'where Prometheus finds metrics: ADDRESS:PORT, or none',
      ).argParser(parseListenOrNone),
    )
    .option(
      '--nodeport-addresses <cidrs>',
      "where NodePorts answer: CIDRs by commas; the Node's own",
    )
    .addOption(
      new Option('--default-scheduler <name>', 'for Services that name none').choices(
        schedulerNames,
      ),
    )
    .option(
      '--requests',
      'balance each request of HTTP where a Service asks for that; reads the Secrets of its keys and certificates',
    )
    .addHelpText(
      'after',
      '\nDefaults are those of kube-proxy: health at 0.0.0.0:10256, metrics at 127.0.0.1:10249.',
    );
  addClusterOptions(command).action(async (_flags: unknown, called: Command) => {
    const flags = called.optsWithGlobals<ProxyFlags>();
    await act(flags, async ({ deps, instance }) => ({
      kind: 'ended',
      exitCode: await deps.proxy({
        ...clusterRunOptions(flags),
        instance,
        node: flags.node,
        config: flags.config,
        mode: flags.mode,
        engine: flags.engine,
        healthz: flags.healthz,
        metrics: flags.metrics,
        nodePortAddresses: flags.nodeportAddresses?.split(','),
        requests: flags.requests ?? false,
        defaultScheduler: flags.defaultScheduler,
      }),
    }));
  });
}
