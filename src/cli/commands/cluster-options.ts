/** The options of every command that runs against a cluster. */
import { Option, type Command } from 'commander';
import type { ClusterRunOptions } from '../io.ts';
import type { GlobalOptions } from '../session.ts';

export interface ClusterFlags extends GlobalOptions {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly stateDir?: string;
  readonly logFormat: ClusterRunOptions['logFormat'];
}

export function addClusterOptions(command: Command): Command {
  return command
    .option(
      '--kubeconfig <path>',
      'how the cluster is reached; in a Pod its service account when not given',
    )
    .option('--context <name>', 'the context of the kubeconfig; its current one when not given')
    .option(
      '--state-dir <folder>',
      'where what was seen last is kept, to start from when the API is away; nowhere when not given',
    )
    .addOption(
      new Option('--log-format <format>', 'how log lines are written to stderr')
        .choices(['text', 'json'])
        .default('text'),
    );
}

export function clusterRunOptions(flags: ClusterFlags): ClusterRunOptions {
  const { kubeconfig, context, stateDir: stateFolder, logLevel, logFormat, output } = flags;
  return { kubeconfig, context, stateFolder, logLevel, logFormat, output };
}
