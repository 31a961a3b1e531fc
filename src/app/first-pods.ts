/** When an instance may call itself ready: its first Pods have had their time to start. */
import { nameOf, objectKey, podKind, serviceKind } from '../kube/index.ts';
import { systemClock } from '../sys/index.ts';
import type { Instance } from './instance.ts';

/** How long Pods may take to start before `up` calls itself ready without them. */
const firstPodsMs = 10_000;
const podPollMs = 20;
const systemNamespace = 'kube-system';

/** Waits while Pods are starting, and until the driver forwards to those that have; or until `signal` aborts. */
export async function firstPods(
  { client, gateway, planner }: Pick<Instance, 'client' | 'gateway' | 'planner'>,
  stop: AbortSignal,
): Promise<void> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(firstPodsMs)]);
  while (!signal.aborted) {
    const { items } = await client.list(podKind);
    const servers = [...planner.applied().plan.servers.values()];
    const endpoints = servers.flatMap((s) => s.endpoints);
    const forwarded = new Set(endpoints.flatMap(({ pod, ready }) => (ready ? [pod] : [])));
    const selected = new Set(endpoints.map(({ pod }) => pod));
    const starting = items.some((pod) => {
      const key = objectKey(nameOf(pod));
      const condition = pod.status?.conditions?.find(({ type }) => type === 'Ready');
      if (condition?.status === 'True') return selected.has(key) && !forwarded.has(key);
      return condition === undefined || condition.reason === 'ContainersNotReady';
    });
    // The Service for names is made last, after everything else is planned.
    const system = await client.list(serviceKind, { namespace: systemNamespace });
    const planned = new Set(servers.map(({ ref }) => `${ref.namespace}/${ref.name}`));
    const isBehind = system.items.some((service) => !planned.has(objectKey(nameOf(service))));
    if (!starting && !isBehind && gateway.isSettled(planner.applied().plan)) return;
    await systemClock.sleep(podPollMs, signal);
  }
}
