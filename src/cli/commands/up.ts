/** `up`: everything on one machine. The work is app's; this is its options. */
import { Option, type Command } from 'commander';
import { upEngines, upModes, type UpOptions } from '../io.ts';
import { numberBetween } from '../number-between.ts';
import type { Act, GlobalOptions } from '../session.ts';

interface UpFlags extends GlobalOptions {
  readonly filename: readonly string[];
  readonly demo?: boolean;
  readonly mode: UpOptions['mode'];
  readonly engine: UpOptions['engine'];
  readonly logFormat: UpOptions['logFormat'];
  readonly replace?: boolean;
  readonly drain?: number;
}

export function addUp(program: Command, act: Act): void {
  program
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
    .option('--demo', 'start three small web servers and a Service in front of them')
    .addOption(
      new Option('--mode <mode>', 'how connections are forwarded')
        .choices(upModes)
        .default('userspace'),
    )
    .addOption(
      new Option(
        '--engine <engine>',
        "what carries TCP in userspace: Node's sockets, or Linux's epoll, which takes about half the " +
          'processor time; auto takes epoll where it can be had',
      )
        .choices(upEngines)
        .default('portable'),
    )
    .addOption(
      new Option('--log-format <format>', 'how log lines are written to stderr')
        .choices(['text', 'json'])
        .default('text'),
    )
    .option(
      '--replace',
      'take the place of the running instance; no connection is refused meanwhile',
    )
    .option(
      '--drain <seconds>',
      'how long open connections may go on at the end (default: 2, or 30 when replaced)',
      numberBetween(0, 86_400),
    )
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
          demo: flags.demo ?? false,
          mode: flags.mode,
          engine: flags.engine,
          replace: flags.replace ?? false,
          asBefore: false,
          drainSeconds: flags.drain,
          instance,
          logLevel,
          logFormat: flags.logFormat,
          output: flags.output,
        }),
      }));
    });
}
