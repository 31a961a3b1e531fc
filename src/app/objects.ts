/**
 * Where an instance's objects live: in a folder, from where the next start has them again, or in memory. The addresses
 * they were given belong to them, so a folder keeps its range as well.
 */
import { randomUUID } from 'node:crypto';
import { isAbsolute, join, resolve } from 'node:path';
import type { CliEnv, ObjectsPlace } from '../cli/index.ts';
import { findInstances, instanceTaken } from '../control/index.ts';
import { formatCidr } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import {
  createMemoryStore,
  openDurableStore,
  type DurableStore,
  type MemoryStoreClient,
} from '../store/index.ts';
import { SysError, systemClock } from '../sys/index.ts';
import type { NetEngine } from '../sys/net/index.ts';
import {
  claimAddressBlock,
  hasIpv6,
  inheritAddressBlock,
  foreignRange,
  reclaimAddressBlock,
  type AddressBlock,
} from './address-block.ts';
import { AppError } from './errors.ts';
import type { Estate } from './estate.ts';
import { claimHostBlock, hostServiceRange, type HostParts } from './host-block.ts';

export interface Objects {
  readonly store: MemoryStoreClient;
  /** Undefined when they are in memory only. */
  readonly folder: string | undefined;
  /** An earlier process had them, and everything it ran has ended. */
  readonly isRevived: boolean;
  /** What was remembered under a name; undefined for nothing. */
  recall(name: SettingName): string | undefined;
  /** Nothing happens in memory. */
  remember(name: SettingName, text: string): Promise<void>;
  copyTo(path: string): Promise<void>;
  /** Lets another process have the folder; changes wait. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /** May be called again. */
  close(): Promise<void>;
  readonly component: Component;
}

export type SettingName = 'serviceRange' | 'manifests' | 'browserPort';

const clock = systemClock;
const own = { clock, newUid: randomUUID };

export interface OpenObjects {
  /** Undefined for memory. */
  readonly folder: string | undefined;
  readonly instance: string;
  readonly folders: CliEnv;
  readonly estate: Estate | undefined;
}

/** Rejects with CONTROL_INSTANCE_TAKEN and the codes of files and databases. */
export async function openObjects(options: OpenObjects): Promise<Objects> {
  const { folder, estate } = options;
  if (folder === undefined) return inMemory(estate);
  try {
    const store = await openDurableStore({ ...own, folder });
    return inFolder(folder, store, estate);
  } catch (thrown) {
    const isLocked = thrown instanceof SysError && thrown.code === 'DATABASE_LOCKED';
    if (!isLocked) throw thrown;
    // Mostly it is the same instance, and that is what people know by name.
    const running = await findInstances(options.folders);
    if (!running.some(({ name }) => name === options.instance)) throw thrown;
    throw instanceTaken(options.instance, thrown);
  }
}

function inMemory(estate: Estate | undefined): Objects {
  const store = createMemoryStore({ ...own, restored: estate?.store });
  return {
    store,
    folder: undefined,
    isRevived: false,
    recall: () => undefined,
    remember: nothing,
    copyTo: nothing,
    suspend: nothing,
    resume: nothing,
    close: nothing,
    component: {
      name: 'objects',
      start: nothing,
      stop: nothing,
      status: () => ({ state: 'ready', detail: 'in memory' }),
    },
  };
}

function inFolder(folder: string, durable: DurableStore, estate: Estate | undefined): Objects {
  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => (closing ??= durable.close());
  const isRevived = estate === undefined && durable.settings['serviceRange'] !== undefined;
  return {
    store: durable.client,
    folder,
    isRevived,
    recall: (name) => durable.settings[name],
    remember: (name, text) => durable.setSetting(name, text),
    copyTo: (path) => durable.copyTo(path),
    suspend: () => durable.suspend(),
    resume: () => durable.resume(),
    close,
    component: {
      name: 'objects',
      start: nothing,
      stop: close,
      status: () => {
        const failure = durable.failure();
        return failure === undefined
          ? { state: 'ready', detail: folder }
          : { state: 'degraded', detail: failure.message };
      },
    },
  };
}

/** The addresses of the objects that are there, or new ones that a folder keeps from now on. */
export async function blockFor(
  engine: NetEngine,
  {
    objects,
    name,
    estate,
    host,
  }: {
    readonly objects: Objects;
    readonly name: string;
    readonly estate: Estate | undefined;
    /** Its driver forwards in the kernel, where no address of 127/8 goes. */
    readonly host: HostParts | undefined;
  },
): Promise<AddressBlock> {
  if (estate !== undefined) {
    const { claim } = estate;
    const at = claim && { ...claim.address, descriptor: claim.descriptor };
    return await inheritAddressBlock(engine, estate.serviceRange, at);
  }
  const serviceRange = objects.recall('serviceRange');
  const folder = objects.folder ?? '';
  if (host !== undefined) {
    const own = formatCidr(hostServiceRange);
    if (serviceRange !== undefined && serviceRange !== own)
      throw foreignRange(serviceRange, folder);
  } else if (serviceRange !== undefined) {
    return await reclaimAddressBlock(engine, { serviceRange, folder });
  }
  const block =
    host === undefined
      ? await claimAddressBlock(engine, name)
      : await claimHostBlock(engine, { ...host, hasIpv6 });
  if (serviceRange !== undefined) return block;
  try {
    await objects.remember('serviceRange', formatCidr(block.serviceRange));
  } catch (thrown) {
    await block.release();
    throw thrown;
  }
  return block;
}

/** Undefined for memory, also where no home says where objects could be kept. */
export function dataFolder(
  place: ObjectsPlace,
  {
    instance,
    folders,
    folder = '',
  }: {
    readonly instance: string;
    readonly folders: CliEnv;
    readonly folder: string | undefined;
  },
): string | undefined {
  if (place.kind === 'memory') return undefined;
  if (place.kind === 'folder') return resolve(folder, place.path);
  const { xdgStateHome, home } = folders;
  if (xdgStateHome !== undefined && isAbsolute(xdgStateHome)) {
    return join(xdgStateHome, 'switchyard', instance, 'data');
  }
  if (home === undefined || !isAbsolute(home)) return undefined;
  return join(home, '.local', 'state', 'switchyard', instance, 'data');
}

/** Objects stay where the running process has them: throws OBJECTS_ELSEWHERE when another place was asked for. */
export function checkSamePlace(
  place: ObjectsPlace,
  {
    instance,
    has,
    folder = '',
  }: {
    readonly instance: string;
    readonly has: string | undefined;
    readonly folder: string | undefined;
  },
): void {
  if (place.kind === 'default') return;
  const wanted = place.kind === 'memory' ? undefined : resolve(folder, place.path);
  if (wanted === has) return;
  throw new AppError(
    'OBJECTS_ELSEWHERE',
    `Cannot take over instance ${instance}: it keeps its objects in ${has ?? 'memory'}, not in ${wanted ?? 'memory'}`,
    {
      remedy:
        'Leave --data-dir and --ephemeral out; or write a backup, stop the instance, and restore it into the other folder',
    },
  );
}

const nothing = async (): Promise<void> => undefined;
