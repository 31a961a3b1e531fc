/** Gathers what explanations look at: the objects, the Plan, the last report, and how the driver chooses. */
import type { SchedulerUse, World } from '../explain/index.ts';
import {
  endpointSliceKind,
  namespaceKind,
  podKind,
  serviceKind,
  type ObjectClient,
} from '../kube/index.ts';
import type { ServiceGateway } from '../gateway/index.ts';
import { effectiveScheduler, schedulerFacts, type Driver } from '../model/index.ts';
import type { Applied } from '../plan/index.ts';

export interface WorldOptions {
  readonly client: ObjectClient;
  readonly driver: Pick<Driver, 'capabilities'>;
  readonly applied: () => Applied;
  /** What balances requests here; nothing when undefined. */
  readonly gateway?: Pick<ServiceGateway, 'lackOf'> | undefined;
}

export async function gatherWorld({
  client,
  driver,
  applied,
  gateway,
}: WorldOptions): Promise<World> {
  const [namespaces, services, slices, pods] = await Promise.all([
    client.list(namespaceKind),
    client.list(serviceKind),
    client.list(endpointSliceKind),
    client.list(podKind),
  ]);
  const { plan, report } = applied();
  return {
    namespaces: namespaces.items,
    services: services.items,
    slices: slices.items,
    pods: pods.items,
    plan,
    report,
    gatewayLacks: new Map(
      [...plan.servers].flatMap(([id]) => {
        const lack = gateway?.lackOf(id);
        return lack === undefined ? [] : [[id, lack]];
      }),
    ),
    schedulers: new Map(
      [...plan.servers.values()].map(({ id, scheduler }) => [id, useOf(scheduler, driver)]),
    ),
  };
}

function useOf(
  wanted: Parameters<typeof effectiveScheduler>[0],
  { capabilities }: WorldOptions['driver'],
): SchedulerUse {
  const { scheduler, standsIn } = effectiveScheduler(wanted, capabilities.schedulers);
  return { wanted, effective: scheduler, standsIn, means: schedulerFacts[scheduler].means };
}
