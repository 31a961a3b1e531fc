/** Writes all objects of an instance to a file, and brings them back: while it runs, or into a data folder. */
import { join } from 'node:path';
import type { BackupSource, BackupView } from '../control/index.ts';
import {
  isOfKind,
  labels,
  leaseKind,
  namespaceKind,
  nodeKind,
  podKind,
  serviceCidrKind,
  type Kind,
  type KubeObject,
} from '../kube/index.ts';
import { formatCidr } from '../model/index.ts';
import type { ObjectRegistry } from '../registry/index.ts';
import {
  changesBetween,
  objectsFile,
  openDurableStore,
  placeBackup,
  readBackup,
  writeBackup,
  writeObjects,
  type Backup,
  type MemoryStoreClient,
} from '../store/index.ts';
import {
  kindOf,
  makePrivateFolder,
  placeFile,
  remove,
  SysError,
  systemClock,
} from '../sys/index.ts';
import type { AddressBlock } from './address-block.ts';
import { AppError } from './errors.ts';
import type { Objects } from './objects.ts';
import { withoutPastRun } from './past-runs.ts';

export interface BackupParts {
  readonly objects: Objects;
  readonly client: ObjectRegistry;
  readonly block: AddressBlock;
  /** For copies that are read. */
  readonly folder: string;
}

export function createBackupSource({ objects, client, block, folder }: BackupParts): BackupSource {
  const serviceRange = formatCidr(block.serviceRange);
  return {
    backup: async ({ file }) => {
      const { store } = objects;
      const restored = store.snapshot();
      await writeBackup(file, (path) =>
        objects.folder === undefined
          ? writeObjects(path, { restored, settings: { serviceRange } })
          : objects.copyTo(path),
      );
      const count = restored.revisions.length;
      return { ...nothingChanged, did: 'backup', file, objects: count };
    },
    restore: async ({ file }) => {
      const backup = await readBackup(file, folder);
      checkRange(file, backup, serviceRange);
      const changed = await client.replaceStored(() => replace(objects.store, backup));
      return { ...nothingChanged, did: 'restore', file, objects: backup.objects.length, changed };
    },
  };
}

const nothingChanged = { changed: undefined, dataFolder: undefined };

/** Into the folder of an instance that does not run. What was there is as the backup says, in newer versions. */
export async function restoreInto(dataFolder: string, file: string): Promise<BackupView> {
  await makePrivateFolder(dataFolder);
  const target = join(dataFolder, objectsFile);
  const backup = await readBackup(file, dataFolder);
  const view = { did: 'restore', file, objects: backup.objects.length, dataFolder } as const;
  const isThere = (await kindOf(target)) !== 'missing';
  const changed = isThere ? await restoreOver(dataFolder, { file, backup }) : undefined;
  if (changed !== undefined) return { ...view, changed };
  if (isThere) {
    // Nothing else can be done with it but to look at it.
    await placeFile(target, `${target}.damaged`);
    for (const part of ['-wal', '-shm']) await remove(`${target}${part}`);
  }
  await placeBackup(file, target);
  return { ...view, changed: backup.objects.length };
}

/** Undefined when what is there is damaged. */
async function restoreOver(
  folder: string,
  { file, backup }: { readonly file: string; readonly backup: Backup },
): Promise<number | undefined> {
  try {
    const durable = await openDurableStore({ folder, clock: systemClock, newUid: () => '' });
    try {
      const { serviceRange } = durable.settings;
      if (serviceRange !== undefined) checkRange(file, backup, serviceRange);
      return await replace(durable.client, backup);
    } finally {
      await durable.close();
    }
  } catch (thrown) {
    if (thrown instanceof SysError && thrown.code === 'DATABASE_DAMAGED') return undefined;
    throw thrown;
  }
}

/** How many objects were made, changed or taken away. */
async function replace(store: MemoryStoreClient, backup: Backup): Promise<number> {
  const now = store.snapshot().revisions;
  const running = new Map(
    now.flatMap(({ object }) => (isOfKind(podKind, object) ? [[object.metadata.uid, object]] : [])),
  );
  const wanted = backup.objects.map((revision) => {
    const { object } = revision;
    if (!isOfKind(podKind, object)) return revision;
    // What a Pod is doing is not a matter of the past.
    const same = running.get(object.metadata.uid);
    const status = same !== undefined && 'status' in same ? same.status : undefined;
    const next = same === undefined ? withoutPastRun(object, systemClock) : { ...object, status };
    return { ...revision, object: next };
  });
  const changes = changesBetween({ now, wanted, isKept });
  await store.writeTogether(changes);
  return changes.length;
}

function checkRange(file: string, { settings }: Backup, serviceRange: string): void {
  const found = settings['serviceRange'];
  if (found === undefined || found === serviceRange) return;
  throw new AppError(
    'DATA_RANGE_FOREIGN',
    `Cannot restore ${file}: its Services have addresses of ${found}, those here are of ${serviceRange}`,
    {
      remedy: 'Restore it into an empty folder with --data-dir, and start an instance with that',
    },
  );
}

const always: readonly Kind[] = [nodeKind, leaseKind, serviceCidrKind];
const ownServices = ['kube-system/kube-dns', 'default/kubernetes'];

/** What Switchyard says of itself: where it listens now, and not when the backup was made. */
function isKept(object: KubeObject): boolean {
  if (always.some((kind) => isOfKind(kind, object))) return true;
  const { name, namespace = '' } = object.metadata;
  if (isOfKind(namespaceKind, object)) return name === 'default' || name === 'kube-system';
  const service = object.metadata.labels?.[labels.serviceName] ?? name;
  const isNetwork = ['Service', 'Endpoints', 'EndpointSlice'].includes(object.kind);
  return isNetwork && ownServices.includes(`${namespace}/${service}`);
}
