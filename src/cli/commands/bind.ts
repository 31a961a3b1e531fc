/** `bind KIND/NAME --command|--address`: gives Pods something to be. */
import type { Command } from 'commander';
import { CliError } from '../errors.ts';
import { defaultNamespace } from '../service-name.ts';
import type { Act, GlobalOptions } from '../session.ts';
import { parseWorkloadName } from '../workload-name.ts';

interface BindFlags extends GlobalOptions {
  readonly command?: string;
  readonly address?: string;
  readonly namespace?: string;
}

export function addBind(program: Command, act: Act): void {
  program
    .command('bind')
    .summary('give the Pods of a workload a command or an address')
    .description(
      'Pods have no container here: they are a process of this host, or stand for something that runs ' +
        'already. Changes the Pod template, so the Pods are replaced one by one.',
    )
    .argument('<workload>', 'KIND/NAME, or the NAME of a Deployment')
    .option('-c, --command <line>', 'command line; runs in this folder, with HOST and PORT set')
    .option('-a, --address <address>', 'HOST or HOST:PORT of something that runs already')
    .option('-N, --namespace <name>', 'namespace (default: "default")')
    .addHelpText(
      'after',
      "\nExamples:\n  switchyard bind deployment/web --command 'node server.js'\n" +
        '  switchyard bind deployment/web --address 127.0.0.1:3000',
    )
    .action(async (workload: string, _flags: unknown, self: Command) => {
      const flags = self.optsWithGlobals<BindFlags>();
      await act(flags, async (session) => {
        const named = parseWorkloadName(workload);
        const { command, address, namespace = defaultNamespace } = flags;
        if ((command === undefined) === (address === undefined)) throw oneOf(workload);
        const client = await session.connect();
        const folder = command === undefined ? undefined : session.folder;
        const view = await client.bind({ ...named, namespace, command, address, folder });
        return { kind: 'workload', view };
      });
    });
}

function oneOf(workload: string): CliError {
  return new CliError(
    'CLI_INVALID_VALUE',
    `Cannot bind ${workload}: it takes either --command or --address`,
    { remedy: `Write switchyard bind ${workload} --command 'node server.js'` },
  );
}
