/** `backup FILE` and `restore FILE`: all objects as of now in a file, and back again. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BackupView } from '../../control/index.ts';
import type { Act, GlobalOptions, Session } from '../session.ts';

export function addBackup(program: Command, act: Act): void {
  program
    .command('backup')
    .summary('write all objects of the running instance to a file')
    .description(
      'Writes all objects of the running instance, as of one moment, to a file for this user only. ' +
        'The file has its name only when it is whole. Nothing stops meanwhile.',
    )
    .argument('<file>', 'the backup; one that is there is replaced')
    .addHelpText('after', '\nExamples:\n  switchyard backup monday.db')
    .action(async (file: string, _flags: unknown, command: Command) => {
      await act(command.optsWithGlobals<GlobalOptions>(), async (session) => {
        const client = await session.connect();
        const asked = { file: resolve(session.folder ?? '', file) };
        const view = await patiently(session, 'Writing the backup', () => client.backup(asked));
        return { kind: 'backup', view };
      });
    });
}

interface RestoreFlags extends GlobalOptions {
  readonly dataDir?: string;
}

export function addRestore(program: Command, act: Act): void {
  program
    .command('restore')
    .summary('bring objects back to what a backup says')
    .description(
      'Makes the objects of the running instance those of a backup, all at once or not at all: what came ' +
        'since goes, what went comes back, and watchers see it as changes. A file that is damaged or no ' +
        'backup is refused before anything changes.',
    )
    .argument('<file>', 'written by switchyard backup')
    .option('--data-dir <folder>', 'into this data folder, which no instance has open')
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard restore monday.db\n  switchyard restore monday.db --data-dir /srv/switchyard',
    )
    .action(async (file: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<RestoreFlags>();
      await act(flags, async (session) => {
        const from = session.folder ?? '';
        const asked = { file: resolve(from, file) };
        const { dataDir } = flags;
        const work = async (): Promise<BackupView> =>
          dataDir === undefined
            ? await (await session.connect()).restore(asked)
            : await session.deps.restore(resolve(from, dataDir), asked.file);
        const view = await patiently(session, 'Restoring', work);
        return { kind: 'backup', view };
      });
    });
}

const patienceMs = 1_000;

/** Says what it is waiting for when that takes long. */
async function patiently<T>(
  { progress, deps }: Session,
  what: string,
  work: () => Promise<T>,
): Promise<T> {
  const done = new AbortController();
  void deps.clock.sleep(patienceMs, done.signal).then(() => {
    if (!done.signal.aborted) progress.update(`${what}...`);
  });
  try {
    return await work();
  } finally {
    done.abort();
    progress.clear();
  }
}
