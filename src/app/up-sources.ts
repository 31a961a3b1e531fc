/** Whoever brings objects when an instance starts: the demo, a workload to run, manifests. */
import type { RunRequest, WorkloadSource } from '../control/index.ts';
import { createManifestSource } from '../manifests/index.ts';
import type { Component, ComponentStatus } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import type { AddressBlock } from './address-block.ts';
import { createDemo } from './demo.ts';
import { createFromCluster } from './from-cluster.ts';
import type { Instance } from './instance.ts';
import type { Objects } from './objects.ts';
import type { UpOptions } from './up-options.ts';

/** In the order of their start. */
export function sourcesOf({
  options,
  instance,
  workloads,
  objects,
  block,
  isNew,
}: {
  readonly options: UpOptions;
  readonly instance: Instance;
  readonly workloads: WorkloadSource;
  readonly objects: Objects;
  readonly block: AddressBlock;
  readonly isNew: boolean;
}): readonly Component[] {
  const { demo, runtime, run, files: paths, fromCluster, log } = options;
  const { client } = instance;
  const memory = {
    recalled: objects.recall('manifests'),
    remember: (text: string) => objects.remember('manifests', text),
  };
  const manifests = { paths, client, clock: systemClock, memory };
  return [
    ...(demo && isNew ? [demoComponent(instance, runtime)] : []),
    ...(run === undefined ? [] : [runComponent(workloads, run)]),
    ...(paths.length > 0
      ? [createManifestSource({ ...manifests, log: log.child({ component: 'manifests' }) })]
      : []),
    // After the others: what this machine has of the same name comes first.
    ...(fromCluster === undefined
      ? []
      : [createFromCluster({ ...fromCluster, client, env: options.folders, block, log })]),
  ];
}

function demoComponent({ client }: Instance, runtime: string): Component {
  return {
    name: 'demo',
    start: () => createDemo(client, runtime),
    stop: noWork,
    status: ready,
  };
}

function runComponent(workloads: WorkloadSource, request: RunRequest): Component {
  return {
    name: 'run',
    start: async () => {
      await workloads.run(request);
    },
    stop: noWork,
    status: ready,
  };
}

const noWork = async (): Promise<void> => undefined;
const ready = (): ComponentStatus => ({ state: 'ready', detail: undefined });
