/** A store whose objects outlive its process: memory to read from, a journal in a folder to be made from again. */
import type { ObjectClient } from '../kube/index.ts';
import { makePrivateFolder, type SysError } from '../sys/index.ts';
import { openJournal } from './journal-thread.ts';
import { createMemoryStore, type MemoryStoreOptions } from './memory.ts';

export interface DurableStoreOptions extends Pick<
  MemoryStoreOptions,
  'clock' | 'newUid' | 'historySize' | 'bookmarkEvery'
> {
  /** Made, for this user only, when it is missing. */
  readonly folder: string;
  /** Changes kept, so that watches from before a restart can go on; 16,384 when undefined. */
  readonly keepChanges?: number | undefined;
}

export interface DurableStore {
  readonly client: ObjectClient;
  /** What was decided when the folder was made. */
  readonly settings: Readonly<Record<string, string>>;
  setSetting(name: string, value: string): Promise<void>;
  /** Writes all objects as of now to a file that must not exist yet. */
  copyTo(path: string): Promise<void>;
  /** Why nothing can be written any more; undefined while all is well. */
  failure(): SysError | undefined;
  /** What was acknowledged is on disk already; lets go of the folder. */
  close(): Promise<void>;
}

/** Rejects with a SysError: DATABASE_LOCKED, DATABASE_DAMAGED, DATABASE_FULL, DATABASE_NOT_PERMITTED, FILE_*. */
export async function openDurableStore(options: DurableStoreOptions): Promise<DurableStore> {
  const { folder, keepChanges = 16_384, ...memory } = options;
  await makePrivateFolder(folder);
  const journal = await openJournal({ path: `${folder}/objects.db`, keepChanges });
  const client = createMemoryStore({ ...memory, journal, restored: journal.restored });
  return {
    client,
    get settings() {
      return journal.settings;
    },
    setSetting: (name, value) => journal.setSetting(name, value),
    copyTo: (path) => journal.copyTo(path),
    failure: () => journal.failure(),
    close: () => journal.close(),
  };
}
