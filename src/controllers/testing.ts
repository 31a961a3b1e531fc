/** A world for tests of controllers: the real registry over memory, and a node that is only a clockwork. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import {
  isLeaving,
  podKind,
  type ObjectClient,
  type Pod,
  type PodTemplate,
} from '../kube/index.ts';
import { parseCidr, type Clock } from '../model/index.ts';
import { silentLogger, type Component } from '../obs/index.ts';
import { createRegistry } from '../registry/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import type { ControllerOptions } from './mirror.ts';

export interface World {
  readonly client: ObjectClient;
  /** Makes every Pod ready that is not, and takes away those that are to go: one step of a node. */
  readonly step: (isFine?: (pod: Pod) => boolean) => Promise<void>;
  readonly pods: () => Promise<readonly Pod[]>;
  /** By name. */
  readonly names: () => Promise<readonly string[]>;
}

type Create = (options: ControllerOptions) => Component;

export async function startWorld(
  t: TestContext,
  controllers: readonly Create[],
  clock: Clock = systemClock,
): Promise<World> {
  let uid = 0;
  const serviceRange = parseCidr('10.96.0.0/16');
  assert.ok(serviceRange);
  const client = createRegistry({
    store: createMemoryStore({ clock, newUid: () => `uid-${++uid}` }),
    random: Math.random,
    serviceRange,
    allowLoopbackEndpoints: true,
  });
  for (const create of controllers) {
    const component = create({ client, clock, random: Math.random, log: silentLogger });
    await component.start(AbortSignal.timeout(5_000));
    t.after(() => component.stop());
  }
  const pods = async (): Promise<readonly Pod[]> => (await client.list(podKind)).items;
  return {
    client,
    pods,
    names: async () => (await pods()).map((pod) => pod.metadata.name),
    step: async (isFine = () => true) => {
      for (const pod of await pods()) await stepPod(client, pod, { isFine: isFine(pod), clock });
    },
  };
}

async function stepPod(
  client: ObjectClient,
  pod: Pod,
  { isFine, clock }: { readonly isFine: boolean; readonly clock: Clock },
): Promise<void> {
  const { namespace, name } = pod.metadata;
  if (isLeaving(pod)) {
    await client.delete(podKind, { namespace, name }, { gracePeriodSeconds: 0 });
    return;
  }
  if (pod.spec?.nodeName === undefined) {
    await client.patch(podKind, { namespace, name }, { spec: { nodeName: 'n1' } });
  }
  const wanted = isFine ? 'True' : 'False';
  const before = pod.status?.conditions?.find(({ type }) => type === 'Ready');
  if (before?.status === wanted) return;
  const lastTransitionTime = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
  const conditions = [{ type: 'Ready', status: wanted, lastTransitionTime }];
  const status = { phase: 'Running', conditions };
  await client.patch(podKind, { namespace, name }, { status }, { subresource: 'status' });
}

/** Waits until the check holds. */
export async function holds(check: () => Promise<void>): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }
}

export function templateOf(image: string, app = 'web'): PodTemplate {
  return { metadata: { labels: { app } }, spec: { containers: [{ name: 'web', image }] } };
}
