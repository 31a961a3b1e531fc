/** `logs POD`: what a Pod wrote. */
import type { Command } from 'commander';
import { numberBetween } from '../number-between.ts';
import { defaultNamespace } from '../service-name.ts';
import type { Act, GlobalOptions } from '../session.ts';

interface LogsFlags extends GlobalOptions {
  readonly follow?: boolean;
  readonly namespace?: string;
  readonly previous?: boolean;
  readonly tail?: number;
}

export function addLogs(program: Command, act: Act): void {
  program
    .command('logs')
    .summary('show what a Pod wrote')
    .description(
      'Shows the last lines a Pod wrote to stdout and stderr, the process before included.',
    )
    .argument('<pod>', 'name of the Pod')
    .option('-f, --follow', 'go on with what it writes, until it is gone')
    .option('-p, --previous', 'what the process before the present one wrote')
    .option('--tail <lines>', 'only so many of the last lines', numberBetween(0, 100_000))
    .option('-N, --namespace <name>', 'namespace (default: "default")')
    .addHelpText('after', '\nExamples:\n  switchyard logs web-0 -f')
    .action(async (pod: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<LogsFlags>();
      await act(flags, async (session) => {
        const client = await session.connect();
        const { follow = false, previous = false, tail, output } = flags;
        const { namespace = defaultNamespace } = flags;
        const onLine = (line: { readonly text: string }): void =>
          session.print(output === 'json' ? `${JSON.stringify(line)}\n` : `${line.text}\n`);
        const name = pod.replace(/^pods?\//, '');
        await client.logs({ namespace, pod: name, follow, previous, tail }, onLine);
        return { kind: 'ended', exitCode: 0 };
      });
    });
}
