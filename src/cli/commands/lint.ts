/** `lint FILE|DIR...`: what in a set of manifests will not do what it says; nothing has to run for it. */
import type { Command } from 'commander';
import type { Act, GlobalOptions } from '../session.ts';

interface LintFlags extends GlobalOptions {
  readonly strict?: boolean;
}

export function addLint(program: Command, act: Act): void {
  program
    .command('lint')
    .summary('say what in a set of manifests will not do what it says')
    .description(
      'Reads manifests and says what in them is broken, what leads nowhere, and what does nothing: with the file, ' +
        'the line, the field and what to change. Nothing has to run for it. Exit code 1: there are errors.',
    )
    .argument('<paths...>', 'manifests, or folders of manifests: one set')
    .option('--strict', 'warnings count as errors')
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard lint shop.yaml\n  switchyard lint deploy/ --strict -o json',
    )
    .action(async (paths: readonly string[], _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<LintFlags>();
      await act(flags, async () => {
        const { lintManifests } = await import('../../lint/index.ts');
        const report = await lintManifests(paths);
        return { kind: 'lint', report, strict: flags.strict ?? false };
      });
    });
}
