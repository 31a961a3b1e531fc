/** What `doctor` says of each driver that forwards in the kernel: whether it could, by the driver's own word. */
import type { Check } from '../doctor/index.ts';
import { silentLogger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import { kernelModes, missingFor } from './kernel-drivers.ts';

/** Without the privilege nothing can be said, which a check of its own says. */
const privilege = 'CAP_NET_ADMIN';

export function driverChecks(): readonly Check[] {
  return kernelModes.map((mode) => ({
    id: `mode-${mode}`,
    title: `--mode ${mode}`,
    platforms: ['linux'],
    look: async () => {
      const parts = { clock: systemClock, random: Math.random, log: silentLogger };
      const missing = await missingFor(mode, parts);
      if (missing === undefined) return { state: 'fine', found: 'this kernel can do all of it' };
      const { what, costs, remedy } = missing;
      return what === privilege ? undefined : { state: 'worse', found: what, costs, remedy };
    },
  }));
}
