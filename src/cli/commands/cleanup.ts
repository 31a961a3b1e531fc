/** `cleanup`: the kernel as it was before any instance. The work is app's. */
import type { Command } from 'commander';
import type { Act, GlobalOptions } from '../session.ts';

interface CleanupFlags extends GlobalOptions {
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

export function addCleanup(program: Command, act: Act): void {
  program
    .command('cleanup')
    .summary('take what instances left in the kernel away')
    .description(
      'Removes the tables, routes and addresses that instances made in the kernel, those of killed ones and of ' +
        'other versions too, and says what it removed. Objects in data folders stay. Refused while an instance ' +
        'that forwards in the kernel runs.',
    )
    .option('--force', 'also while one runs: it makes its rules again, but not its routes')
    .option('--dry-run', 'says what it would remove, and removes nothing')
    .action(async (_flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<CleanupFlags>();
      await act(flags, async ({ deps }) => {
        const { force = false, dryRun = false } = flags;
        return { kind: 'cleanup', view: await deps.cleanup({ force, dryRun }) };
      });
    });
}
