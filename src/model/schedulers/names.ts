/** Schedulers by IPVS's names, and the kinds of affinity. */

/** What a scheduler needs to know to choose; a driver that cannot know it uses the stand-in. */
export type SchedulerNeed =
  | 'weights'
  | 'open-connections'
  | 'latency'
  | 'source-hash'
  | 'destination-hash';

export interface SchedulerFacts {
  /** One line for people: how it chooses. */
  readonly means: string;
  readonly needs: readonly SchedulerNeed[];
  /** What takes its place in a driver that cannot do it, best first; every driver can do the last, `rr`. */
  readonly standIns: readonly string[];
  /** Only kernel IPVS has it. */
  readonly ipvsOnly: boolean;
}

/** Every scheduler of the specification. */
export const schedulerFacts = {
  rr: { means: 'each endpoint in turn', needs: [], standIns: [], ipvsOnly: false },
  wrr: {
    means: 'in turn, as often as its weight says, evenly mixed',
    needs: ['weights'],
    standIns: ['rr'],
    ipvsOnly: false,
  },
  random: {
    means: 'any endpoint, as likely as its weight says',
    needs: ['weights'],
    standIns: ['rr'],
    ipvsOnly: false,
  },
  lc: {
    means: 'the fewest open connections',
    needs: ['open-connections'],
    standIns: ['rr'],
    ipvsOnly: false,
  },
  wlc: {
    means: 'the fewest open connections for its weight',
    needs: ['open-connections', 'weights'],
    standIns: ['wrr', 'rr'],
    ipvsOnly: false,
  },
  sed: {
    means: 'the shortest expected delay: open connections and this one, for its weight',
    needs: ['open-connections', 'weights'],
    standIns: ['wlc', 'wrr', 'rr'],
    ipvsOnly: false,
  },
  nq: {
    means: 'an idle endpoint at once, else the shortest expected delay',
    needs: ['open-connections', 'weights'],
    standIns: ['sed', 'wlc', 'wrr', 'rr'],
    ipvsOnly: false,
  },
  sh: {
    means: 'by hash of the source address',
    needs: ['source-hash', 'weights'],
    standIns: ['mh', 'rr'],
    ipvsOnly: false,
  },
  dh: {
    means: 'by hash of the destination address',
    needs: ['destination-hash', 'weights'],
    standIns: ['rr'],
    ipvsOnly: false,
  },
  mh: {
    means: 'Maglev: by hash of the source address, moving few clients when endpoints change',
    needs: ['source-hash', 'weights'],
    standIns: ['sh', 'rr'],
    ipvsOnly: false,
  },
  p2c: {
    means: 'of two drawn by chance the one with fewer open connections for its weight',
    needs: ['open-connections', 'weights'],
    standIns: ['twos', 'random', 'rr'],
    ipvsOnly: false,
  },
  'p2c-latency': {
    means: 'of two drawn by chance the one that answers sooner (peak EWMA of latency)',
    needs: ['open-connections', 'latency', 'weights'],
    standIns: ['p2c', 'twos', 'random', 'rr'],
    ipvsOnly: false,
  },
  lblc: {
    means: 'locality-based least connections',
    needs: ['open-connections'],
    standIns: ['wlc', 'wrr', 'rr'],
    ipvsOnly: true,
  },
  lblcr: {
    means: 'locality-based least connections with replication',
    needs: ['open-connections'],
    standIns: ['wlc', 'wrr', 'rr'],
    ipvsOnly: true,
  },
  fo: {
    means: 'the available endpoint with the highest weight',
    needs: ['weights'],
    standIns: ['wrr', 'rr'],
    ipvsOnly: true,
  },
  ovf: {
    means: 'the highest weight until it has as many connections as its weight',
    needs: ['open-connections', 'weights'],
    standIns: ['wlc', 'wrr', 'rr'],
    ipvsOnly: true,
  },
  twos: {
    means: 'of two drawn by chance the one with fewer connections (kernel)',
    needs: ['open-connections'],
    standIns: ['p2c', 'random', 'rr'],
    ipvsOnly: true,
  },
} as const satisfies Record<string, SchedulerFacts>;

export type SchedulerName = keyof typeof schedulerFacts;

/** Those `pick` itself can do; the others are the kernel's own. */
export type PickableScheduler = Exclude<SchedulerName, 'lblc' | 'lblcr' | 'fo' | 'ovf' | 'twos'>;

export const defaultScheduler = 'rr' satisfies SchedulerName;

export const schedulerNames: readonly SchedulerName[] =
  Object.keys(schedulerFacts).filter(isSchedulerName);

/** Those `pick` can do. */
export const pickableSchedulers: readonly PickableScheduler[] = schedulerNames.filter(isPickable);

function isPickable(name: SchedulerName): name is PickableScheduler {
  return !schedulerFacts[name].ipvsOnly;
}

export function isSchedulerName(text: string): text is SchedulerName {
  return Object.hasOwn(schedulerFacts, text);
}

export type Affinity =
  | { readonly kind: 'none' }
  /** Sliding: refreshed by each new connection of the client. */
  | { readonly kind: 'clientIP'; readonly timeoutSeconds: number };
