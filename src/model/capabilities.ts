/**
 * What a driver can do, as data: everything it cannot is replaced by a named stand-in or told as a named
 * difference, never silently. Rooms above drivers ask here and never for a driver's name.
 */
import { schedulerFacts, type SchedulerName } from './schedulers/names.ts';
import type { Protocol } from './service-port.ts';

/** Ways a driver may differ from `decide`, one word each; conformance skips and `explain` name them. */
export const differenceMeanings = {
  'client-address':
    'The backend sees the node as the client, also where the specification keeps the client',
  'drop-is-reset': 'What the specification drops silently is refused at once',
  'reject-is-refused': 'REJECT shows as a closed port, not as an ICMP message of ours',
  'unallocated-address': 'Addresses of the Service range that no Service has are left to the host',
  'entry-unknown': 'Local Pods cannot be told from other sources by where they enter',
  'affinity-per-frontend': 'ClientIP affinity is kept for each frontend apart',
  'affinity-per-netns':
    'ClientIP affinity of local sockets is kept by network namespace, not by address',
} as const;

export type DifferenceCode = keyof typeof differenceMeanings;

export interface Difference {
  readonly code: DifferenceCode;
  /** Why this driver cannot do otherwise. */
  readonly why: string;
}

export interface DriverCapabilities<S extends SchedulerName = SchedulerName> {
  readonly schedulers: readonly S[];
  readonly protocols: readonly Protocol[];
  readonly differences: readonly Difference[];
}

/** The scheduler a driver uses where `wanted` is asked for, and whether it only stands in. */
export interface EffectiveScheduler<S extends SchedulerName = SchedulerName> {
  readonly scheduler: S;
  readonly standsIn: boolean;
}

/**
 * `wanted` itself when the driver can do it, else the first of its stand-ins the driver can do, else the first
 * the driver has at all. Throws RangeError for capabilities without any scheduler, which is a mistake of ours.
 */
export function effectiveScheduler<S extends SchedulerName>(
  wanted: SchedulerName,
  supported: readonly S[],
): EffectiveScheduler<S> {
  for (const name of [wanted, ...schedulerFacts[wanted].standIns, 'rr']) {
    const scheduler = supported.find((own) => own === name);
    if (scheduler !== undefined) return { scheduler, standsIn: name !== wanted };
  }
  const [first] = supported;
  if (first === undefined) throw new RangeError('Cannot choose a scheduler: the driver has none');
  return { scheduler: first, standsIn: true };
}
