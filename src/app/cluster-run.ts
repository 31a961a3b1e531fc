/** What every command against a cluster begins with: the way in, the mirror of its objects, a log, and progress. */
import type { CliIo, ClusterRunOptions } from '../cli/index.ts';
import {
  createClusterClient,
  createKeptState,
  createMirror,
  openAccess,
  type ClusterClient,
  type Followings,
  type InCluster,
  type Mirror,
} from '../cluster/index.ts';
import { apiNames } from '../kube/index.ts';
import type { Random } from '../model/index.ts';
import { createLogger, type Component, type Logger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import { startAll, stopAll } from './running.ts';
import { version } from './version.ts';

export interface ClusterRun {
  readonly cluster: ClusterClient;
  readonly mirror: Mirror;
  /** Whole objects, asked for one by one. */
  readonly whole: ClusterClient;
  readonly random: Random;
  readonly log: Logger;
}

export interface ClusterRunParts {
  readonly options: ClusterRunOptions;
  readonly io: CliIo;
  readonly followings: Followings;
  /** For whom it is kept: the name of the node; empty when it is nobody's in particular. */
  readonly node: string;
}

/** Rejects with what is wrong with the way in; the cluster itself is not asked yet. */
export async function openCluster(parts: ClusterRunParts): Promise<ClusterRun> {
  const { options, io, followings, node } = parts;
  const clock = systemClock;
  const random = Math.random;
  const log = createLogger({
    level: options.logLevel,
    format: options.logFormat,
    clock,
    write: (line) => io.stderr.write(line),
  });
  const { kubeconfig, context, stateFolder } = options;
  const access = await openAccess({ kubeconfig, context, inCluster: inClusterOf(io), clock });
  const clusterLog = log.child({ component: 'cluster' });
  const common = { access, clock, random, userAgent: `switchyard/${version}` };
  const whole = createClusterClient(common);
  const cluster = createClusterClient({
    ...common,
    readings: followings.readings,
    onPage: createListProgress(clusterLog),
  });
  const following = followings.following.map(({ kind, options: selected }) =>
    JSON.stringify([kind.plural, selected ?? {}]),
  );
  const kept =
    stateFolder === undefined
      ? undefined
      : createKeptState(stateFolder, { server: cluster.server, node, following });
  const mirror = createMirror({
    cluster,
    following: followings.following,
    kept,
    clock,
    random,
    log: clusterLog,
  });
  return { cluster, mirror, whole, random, log };
}

function inClusterOf({ env }: CliIo): InCluster | undefined {
  const { kubernetesHost: host, kubernetesPort: port = '443' } = env;
  return host === undefined ? undefined : { host, port, folder: apiNames.serviceAccountFolder };
}

const progressMs = 1_000;

/** A line a second while a first list takes longer than that. */
export function createListProgress(log: Logger): (kind: { plural: string }, count: number) => void {
  let toldAt = systemClock.monotonic();
  return ({ plural }, count) => {
    const now = systemClock.monotonic();
    if (now - toldAt < progressMs) return;
    toldAt = now;
    log.info('Listing', { kind: plural, count });
  };
}

/** Runs until the signal. `ready` is called once everything serves; resolves with the exit code. */
export async function runUntil(
  signal: AbortSignal,
  run: {
    readonly components: readonly Component[];
    readonly log: Logger;
    readonly ready: () => void;
  },
): Promise<number> {
  const { components, log, ready } = run;
  try {
    await startAll(components, signal, log);
  } catch (thrown) {
    // Stopped while it was starting: that is what was asked for.
    if (signal.aborted) return 0;
    throw thrown;
  }
  try {
    ready();
    await aborted(signal);
  } finally {
    await stopAll(components, log);
  }
  return 0;
}

/** Several as one, started at once: each of them needs what the others do. */
export function together(name: string, parts: readonly Component[]): Component {
  const stop = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part.stop();
  };
  return {
    name,
    start: async (signal) => {
      try {
        await Promise.all(parts.map((part) => part.start(signal)));
      } catch (thrown) {
        await stop();
        throw thrown;
      }
    },
    stop,
    status: () =>
      parts.map((part) => part.status()).find(({ state }) => state !== 'ready') ?? {
        state: 'ready',
        detail: undefined,
      },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
