/** `restart`: this program in the place of the running one, started as that was. */
import type { Command } from 'commander';
import type { Act, GlobalOptions } from '../session.ts';

export function addRestart(program: Command, act: Act): void {
  program
    .command('restart')
    .summary('replace the running instance without refusing a connection')
    .description(
      'Starts Switchyard here with the files and options of the running instance, and takes its place: ' +
        'objects, Pods and listening sockets go on, open connections end where they are. ' +
        'The same as up --replace with those options. Linux only.',
    )
    .addHelpText('after', '\nExamples:\n  switchyard restart --instance shop')
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GlobalOptions>();
      await act(flags, async ({ deps, instance, logLevel }) => ({
        kind: 'ended',
        exitCode: await deps.up({
          files: [],
          demo: false,
          mode: 'userspace',
          engine: 'auto',
          dnsUpstreams: [],
          metrics: { address: '127.0.0.1', port: 0 },
          instance,
          logLevel,
          logFormat: 'text',
          output: flags.output,
          objects: { kind: 'default' },
          replace: true,
          asBefore: true,
          drainSeconds: undefined,
        }),
      }));
    });
}
