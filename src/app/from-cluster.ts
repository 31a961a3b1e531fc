/** `up --from-cluster`: the Services of a cluster served here, their Pods reached through its API. */
import { join } from 'node:path';
import type { CliEnv, FromCluster } from '../cli/index.ts';
import {
  ClusterError,
  createClusterClient,
  createClusterDialer,
  createFarPods,
  createMirror,
  createNearCopy,
  nearFollowings,
  openAccess,
  type ClusterAccess,
  type ClusterDialer,
  type Mirror,
  type NearCopy,
} from '../cluster/index.ts';
import { endpointSliceKind, serviceKind, type ObjectClient } from '../kube/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import type { AddressBlock } from './address-block.ts';
import { createListProgress } from './cluster-run.ts';
import { version } from './version.ts';

export interface FromClusterOptions extends FromCluster {
  /** Of this instance. */
  readonly client: ObjectClient;
  readonly env: CliEnv;
  readonly block: AddressBlock;
  readonly log: Logger;
}

const common = {
  clock: systemClock,
  random: Math.random,
  userAgent: `switchyard/${version}`,
} as const;

/** `start` rejects with what is wrong with the way there, or CLUSTER_FORBIDDEN. */
export function createFromCluster(options: FromClusterOptions): Component {
  const log = options.log.child({ component: 'from-cluster' });
  let copy: NearCopy | undefined;
  return {
    name: 'from-cluster',
    start: async (signal) => {
      const access = await openAccess({
        kubeconfig: kubeconfigOf(options),
        context: options.context,
        inCluster: undefined,
        clock: systemClock,
      });
      const dialer = createClusterDialer({ access, ...common });
      for (const namespace of options.namespaces) await check(namespace, { access, dialer, log });
      copy = copyOf(options, { access, dialer, log });
      await copy.start(signal);
    },
    stop: async () => copy?.stop(),
    status: () => copy?.status() ?? { state: 'starting', detail: undefined },
  };
}

function kubeconfigOf({ kubeconfig, env }: FromClusterOptions): string | undefined {
  const [first] = env.kubeconfig?.split(':') ?? [];
  const home = env.home === undefined ? undefined : join(env.home, '.kube', 'config');
  return kubeconfig ?? first ?? home;
}

interface Way {
  readonly access: ClusterAccess;
  readonly dialer: ClusterDialer;
  readonly log: Logger;
}

/** What is forbidden is told now and once, not by connections that fail. */
async function check(namespace: string, { access, dialer, log }: Way): Promise<void> {
  const client = createClusterClient({ access, ...common });
  try {
    const [services] = await Promise.all([
      client.list(serviceKind, { namespace }),
      client.list(endpointSliceKind, { namespace }),
    ]);
    if (services.items.length === 0) {
      log.warn('There is no Service in the namespace', { namespace, cluster: access.server });
    }
  } finally {
    client.close();
  }
  if (await dialer.mayForward(namespace)) return;
  throw new ClusterError(
    'CLUSTER_FORBIDDEN',
    `Cannot reach Pods in namespace ${namespace} of ${access.server}: this user may not create pods/portforward there`,
    { remedy: 'Give this user the Role in deploy/from-cluster.yaml' },
  );
}

function copyOf({ namespaces, client, block }: FromClusterOptions, way: Way): NearCopy {
  const { access, dialer, log } = way;
  const mirrors = namespaces.map((namespace): Mirror => {
    const { following, readings } = nearFollowings(namespace);
    const onPage = createListProgress(log);
    const cluster = createClusterClient({ access, ...common, readings, onPage });
    return createMirror({ ...common, cluster, following, kept: undefined, log });
  });
  const pods = createFarPods({
    dialer,
    range: block.farPodRange,
    clock: systemClock,
    log,
    gone: (pod) => copy.gone(pod),
  });
  const copy: NearCopy = createNearCopy({ ...common, mirrors, pods, client, log });
  return copy;
}
