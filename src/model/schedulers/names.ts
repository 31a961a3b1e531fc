/** Names of schedulers (IPVS's) and the kinds of affinity. */

export const schedulerNames = ['rr'] as const;

export type SchedulerName = (typeof schedulerNames)[number];

export const defaultScheduler: SchedulerName = 'rr';

export type Affinity =
  | { readonly kind: 'none' }
  /** Sliding: refreshed by each new connection of the client. */
  | { readonly kind: 'clientIP'; readonly timeoutSeconds: number };
