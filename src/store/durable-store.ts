/** A store whose objects outlive its process: memory to read from, a journal in a folder to be made from again. */
import { makePrivateFolder, type SysError } from '../sys/index.ts';
import { createMemoryStore, type MemoryStoreClient, type MemoryStoreOptions } from './memory.ts';
import { MovableJournal } from './movable-journal.ts';

export interface DurableStoreOptions extends Pick<
  MemoryStoreOptions,
  'clock' | 'newUid' | 'historySize' | 'bookmarkEvery'
> {
  /** Made, for this user only, when it is missing. */
  readonly folder: string;
  /** Changes kept, so that watches from before a restart can go on; 16,384 when undefined. */
  readonly keepChanges?: number | undefined;
}

/** The file of objects in a data folder. */
export const objectsFile = 'objects.db';

export interface DurableStore {
  readonly client: MemoryStoreClient;
  /** What was decided when the folder was made. */
  readonly settings: Readonly<Record<string, string>>;
  setSetting(name: string, value: string): Promise<void>;
  /** Writes all objects as of now to a file that must not exist yet. */
  copyTo(path: string): Promise<void>;
  /** Why nothing can be written any more; undefined while all is well. */
  failure(): SysError | undefined;
  /** Lets go of the folder; changes wait, until `resume` or `close`. */
  suspend(): Promise<void>;
  /** What somebody else wrote into the folder meanwhile is here then. Rejects with a SysError. */
  resume(): Promise<void>;
  /** What was acknowledged is on disk already; lets go of the folder, and refuses what waits. */
  close(): Promise<void>;
}

/** Rejects with a SysError: DATABASE_LOCKED, DATABASE_DAMAGED, DATABASE_FOREIGN, DATABASE_NEWER, DATABASE_FULL, DATABASE_NOT_PERMITTED, FILE_*. */
export async function openDurableStore(options: DurableStoreOptions): Promise<DurableStore> {
  const { folder, keepChanges = 16_384, ...memory } = options;
  await makePrivateFolder(folder);
  const { journal, restored } = await MovableJournal.open({
    path: `${folder}/${objectsFile}`,
    keepChanges,
    clock: options.clock,
  });
  const client = createMemoryStore({ ...memory, journal, restored });
  return {
    client,
    get settings() {
      return journal.settings;
    },
    setSetting: (name, value) => journal.setSetting(name, value),
    copyTo: (path) => journal.copyTo(path),
    failure: () => journal.failure(),
    suspend: () => journal.suspend(),
    resume: () => journal.resume((newer) => client.catchUp(newer)),
    close: () => journal.close(),
  };
}
