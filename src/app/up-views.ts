/** What a running instance tells about itself: where it is reached, and what the control socket answers from. */
import type { ApiServer } from '../apiserver/index.ts';
import {
  createPlanSource,
  type ControlSource,
  type InstanceView,
  type WorkloadSource,
} from '../control/index.ts';
import { formatSocketAddress, type SocketAddress } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import type { NetEngine } from '../sys/net/index.ts';
import type { Instance } from './instance.ts';
import { createRequestSource } from './request-source.ts';
import { version } from './version.ts';
import { gatherWorld } from './world.ts';

export interface Ways {
  readonly dns: SocketAddress | undefined;
  /** Where names are answered besides. */
  readonly alsoDns: readonly SocketAddress[];
  readonly door: SocketAddress | undefined;
  /** Where `http://SERVICE.NAMESPACE.localhost` answers. */
  readonly gateway: SocketAddress | undefined;
  readonly metrics: SocketAddress | undefined;
  /** The file with which kubectl finds the API. */
  readonly kubeconfig: string;
  /** The folder objects are kept in; undefined: in memory. */
  readonly objects: string | undefined;
}

interface Viewed {
  readonly name: string;
  readonly pid: number;
  readonly instance: Instance;
  readonly components: readonly Component[];
  readonly startedAt: string;
}

export function viewOf({
  name,
  pid,
  instance,
  components,
  startedAt,
}: Viewed): ControlSource['instance'] {
  return () => ({
    instance: name,
    pid,
    version,
    startedAt,
    driver: instance.driver.name,
    planRevision: instance.planner.applied().plan.revision,
    names: namesView(instance),
    components: components.map((component) => ({ name: component.name, ...component.status() })),
  });
}

export function waysOf(
  { names, door, browsers, metrics, objects }: Instance,
  { kubeconfig }: ApiServer,
): Ways {
  const [dns, ...alsoDns] = names.dns.addresses();
  return {
    dns,
    alsoDns,
    door: door.address(),
    gateway: browsers.address(),
    metrics: metrics.address(),
    kubeconfig,
    objects: objects.folder,
  };
}

function namesView({ names, door }: Instance): InstanceView['names'] {
  const at = door.address();
  return {
    dns: names.dns.addresses().map(formatSocketAddress),
    door: at === undefined ? undefined : formatSocketAddress(at),
  };
}

export function sourceOf(
  {
    client,
    planner,
    driver,
    names,
    gateway,
    metrics,
    workloads,
  }: Instance & { readonly workloads: WorkloadSource },
  engine: NetEngine,
  instance: ControlSource['instance'],
): ControlSource {
  return createPlanSource({
    instance,
    plan: () => planner.applied().plan,
    report: () => planner.applied().report,
    driver,
    engine,
    clock: systemClock,
    world: () => gatherWorld({ client, driver, gateway, applied: planner.applied }),
    metrics: async () => {
      const at = metrics.address();
      return { address: at && formatSocketAddress(at), text: await metrics.text() };
    },
    workloads,
    names,
    requests: createRequestSource({ gateway, applied: planner.applied, clock: systemClock }),
  });
}
