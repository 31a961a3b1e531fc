/** `audit`: what is in the kernel against what should be, for the running instance. */
import type { Command } from 'commander';
import type { Act, GlobalOptions } from '../session.ts';

export function addAudit(program: Command, act: Act): void {
  program
    .command('audit')
    .summary('compare what is in the kernel with what should be')
    .description(
      'Reads back what the running instance keeps in the kernel and names each difference from its Plan: which ' +
        'Service, which rule or element, what is there and what should be. Says nothing when all is well. ' +
        'Changes nothing.',
    )
    .addHelpText('after', '\nExamples:\n  switchyard audit || switchyard audit -o json')
    .action(async (_flags: unknown, command: Command) => {
      await act(command.optsWithGlobals<GlobalOptions>(), async (session) => {
        const client = await session.connect();
        return { kind: 'audit', view: await client.audit() };
      });
    });
}
