/** The drivers that forward in the kernel, by the mode that asks for each; who is taken when nobody says which. */
import {
  cleanupNftables,
  createNftablesDriver,
  type NftablesOptions,
} from '../drivers/nftables/index.ts';
import type { Driver, Missing } from '../model/index.ts';
import { AppError } from './errors.ts';

/** Makes the driver; undefined stands for forwarding with sockets. */
export type KernelDriver = (options: KernelDriverOptions) => Driver;
export type KernelDriverOptions = Pick<
  NftablesOptions,
  'clock' | 'random' | 'log' | 'atStop' | 'localPods'
>;

const kernelDrivers = { nftables: createNftablesDriver } as const satisfies Readonly<
  Record<string, KernelDriver>
>;

/** What each leaves behind when it is killed, taken away; by the driver's own name. */
export const kernelCleanups = { nftables: cleanupNftables } as const;

type KernelMode = keyof typeof kernelDrivers;
/** Best first. */
export const kernelModes: readonly KernelMode[] = ['nftables'];
export type ForwardMode = KernelMode | 'userspace' | 'auto';

/**
 * The driver the mode asks for, once the host has been asked whether it can do it; `auto` takes the best it can.
 * Rejects with MODE_UNAVAILABLE.
 */
export async function kernelDriverFor(
  mode: ForwardMode,
  { log, ...options }: Pick<KernelDriverOptions, 'clock' | 'random' | 'log'>,
): Promise<KernelDriver | undefined> {
  if (mode === 'userspace') return undefined;
  const names = mode === 'auto' ? kernelModes : [mode];
  for (const name of names) {
    const missing = await missingFor(name, { ...options, log });
    if (missing === undefined) return kernelDrivers[name];
    if (mode !== 'auto') throw unavailable(name, missing);
    log.info('Not forwarding in the kernel', {
      mode: name,
      lacks: missing.what,
      remedy: missing.remedy,
    });
  }
  return undefined;
}

/** The first thing this host lacks for it; asking changes nothing. */
export async function missingFor(
  mode: KernelMode,
  options: Pick<KernelDriverOptions, 'clock' | 'random' | 'log'>,
): Promise<Missing | undefined> {
  const driver = kernelDrivers[mode]({ ...options, atStop: 'leave' });
  try {
    return (await driver.probe())[0];
  } finally {
    await driver.stop(AbortSignal.abort());
  }
}

function unavailable(mode: string, { what, costs, remedy }: Missing): AppError {
  return new AppError(
    'MODE_UNAVAILABLE',
    `Cannot forward with --mode ${mode}: this host lacks ${what}. ${costs}`,
    { remedy: `${remedy}; or start with --mode userspace` },
  );
}
