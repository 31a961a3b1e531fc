/** Whether a pool has outgrown the bounded table of its scheduler, and what that costs; said to people, not to drivers. */
import type { Endpoint } from '../service-port.ts';
import { maglevIsBounded } from './maglev.ts';
import type { SchedulerName } from './names.ts';
import { ringIsScaled } from './ring.ts';

/** `scaled-weights`: shares are close to the weights, not exact. `large-maglev`: shares differ by more than 1 %. */
export type Outgrown = 'scaled-weights' | 'large-maglev';

export function outgrown(
  scheduler: SchedulerName,
  pool: readonly Endpoint[],
): Outgrown | undefined {
  const weights = pool.map(({ weight }) => weight);
  switch (scheduler) {
    case 'mh':
      return maglevIsBounded(weights.filter((w) => w > 0).length) ? 'large-maglev' : undefined;
    case 'wrr':
    case 'random':
    case 'sh':
    case 'dh':
      return ringIsScaled(weights) ? 'scaled-weights' : undefined;
    case 'rr':
    case 'lc':
    case 'wlc':
    case 'sed':
    case 'nq':
    case 'p2c':
    case 'p2c-latency':
    case 'lblc':
    case 'lblcr':
    case 'fo':
    case 'ovf':
    case 'twos':
      return undefined;
  }
}
