/** `switchyard cleanup`: what instances left in the kernel, taken away, whether one still runs or not. */
import type { CleanupOptions, CliDeps, CliEnv } from '../cli/index.ts';
import { findInstances } from '../control/index.ts';
import { createLogger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import { AppError } from './errors.ts';
import { openHostBelongings } from './host-belongings.ts';
import { isHostBlockClaimed } from './host-block.ts';
import { kernelCleanups } from './kernel-drivers.ts';

/** Rejects with KERNEL_IN_USE while an instance forwards in the kernel, unless it is forced. */
export async function runCleanup(
  { force, dryRun }: CleanupOptions,
  { env, write }: { readonly env: CliEnv; readonly write: (line: string) => void },
): ReturnType<CliDeps['cleanup']> {
  const by = force || dryRun ? undefined : await usedBy(env);
  if (by !== undefined) {
    throw new AppError('KERNEL_IN_USE', `Cannot clean up: ${by} forwards in the kernel`, {
      remedy: 'Stop it first; or take its rules from under it with --force',
    });
  }
  const clock = systemClock;
  const log = createLogger({ level: 'warn', format: 'text', clock, write });
  const found: string[] = [];
  for (const cleanup of Object.values(kernelCleanups)) {
    found.push(...(await cleanup({ clock, log, dryRun })));
  }
  const belongings = await openHostBelongings();
  try {
    const what = { sparesPods: await isHostBlockClaimed() };
    found.push(...(dryRun ? belongings.find(what) : belongings.remove(what)));
  } finally {
    belongings.close();
  }
  return dryRun ? { wouldRemove: found } : { removed: found };
}

/** Of this user's instances by name; of those of others only that there is one. */
async function usedBy(env: CliEnv): Promise<string | undefined> {
  const running = await findInstances(env);
  const own = running.find(({ view }) => Object.hasOwn(kernelCleanups, view.driver));
  if (own !== undefined) return `instance ${own.name}`;
  return (await isHostBlockClaimed())
    ? 'an instance of another user, or with another home,'
    : undefined;
}
