/** `dns`: the names of any cluster, answered by this process alone. */
import { Option, type Command } from 'commander';
import type { SocketAddress } from '../../model/index.ts';
import { addUpstream, parseListen, parseListenOrNone } from '../address-option.ts';
import { numberBetween } from '../number-between.ts';
import type { Act } from '../session.ts';
import { addClusterOptions, clusterRunOptions, type ClusterFlags } from './cluster-options.ts';

interface DnsFlags extends ClusterFlags {
  readonly listen: SocketAddress;
  readonly zone: string;
  readonly upstream: readonly SocketAddress[];
  readonly metrics: SocketAddress | 'none';
  readonly lameduck: number;
}

export function addDns(program: Command, act: Act): void {
  const command = program
    .command('dns')
    .summary('answer the names of a cluster')
    .description(
      'Follows the Services, EndpointSlices, Namespaces and Pods of a cluster and answers their names over UDP and ' +
        'TCP; asks others for everything outside of the zone. Writes nothing to the cluster. Runs until Ctrl-C.',
    )
    .addOption(
      new Option('--listen <address>', 'where names are answered: ADDRESS:PORT')
        .argParser(parseListen)
        .default(loopback, '127.0.0.1:5353'),
    )
    .option('--zone <name>', 'the domain of the cluster', 'cluster.local')
    .addOption(
      new Option('--upstream <address>', 'who is asked for other names; may be repeated')
        .argParser(addUpstream)
        .default([], "the host's name servers"),
    )
    .addOption(
      new Option(
        '--metrics <address>',
        'where /metrics, /health and /ready are: ADDRESS:PORT, or none',
      )
        .argParser(parseListenOrNone)
        .default('none'),
    )
    .addOption(
      new Option('--lameduck <seconds>', 'how long it still answers after it is told to end')
        .argParser(numberBetween(0, 300))
        .default(0),
    );
  addClusterOptions(command).action(async (_flags: unknown, called: Command) => {
    const flags = called.optsWithGlobals<DnsFlags>();
    await act(flags, async ({ deps }) => ({
      kind: 'ended',
      exitCode: await deps.dns({
        ...clusterRunOptions(flags),
        listen: flags.listen,
        zone: flags.zone,
        upstreams: flags.upstream,
        pages: flags.metrics === 'none' ? undefined : flags.metrics,
        lameduckMs: flags.lameduck * 1_000,
      }),
    }));
  });
}

const loopback: SocketAddress = { address: '127.0.0.1', port: 5_353 };
