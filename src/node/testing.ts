/** What tests of process Pods share: a node over the given objects, and the Pod `default/web` waited for. */
import assert from 'node:assert/strict';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { eventKind, podKind, type Event, type ObjectClient, type Pod } from '../kube/index.ts';
import type { Cidr } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import { createPortableEngine } from '../sys/net/index.ts';
import { createEmbeddedNode, type EmbeddedNode } from './embedded-node.ts';

export const linuxOnly =
  process.platform === 'linux' ? false : 'a Pod has an address of its own only on Linux';

export const webName = { namespace: 'default', name: 'web' };

export interface NodeWorld {
  readonly client: ObjectClient;
  readonly podRange: Cidr | undefined;
  readonly withdrawn?: () => Promise<void>;
}

export async function startNode(
  t: TestContext,
  { client, podRange, withdrawn = async () => undefined }: NodeWorld,
): Promise<EmbeddedNode> {
  assert.ok(podRange);
  const node = createEmbeddedNode({
    client,
    nodeName: 'embedded',
    podRange,
    engine: createPortableEngine(),
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    withdrawn,
  });
  await node.start(AbortSignal.timeout(5_000));
  t.after(() => node.stop());
  return node;
}

export async function untilPod(
  client: ObjectClient,
  isWanted: (pod: Pod) => boolean,
): Promise<Pod> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = await client.get(podKind, webName);
    if (isWanted(found)) return found;
    assert.ok(Date.now() < deadline, `still ${JSON.stringify(found.status)}`);
    await systemClock.sleep(10);
  }
}

/** Events are written after what they tell of. */
export async function untilEvent(client: ObjectClient, reason: string): Promise<Event> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = (await client.list(eventKind)).items.find((event) => event.reason === reason);
    if (found !== undefined) return found;
    assert.ok(Date.now() < deadline, `no Event ${reason}`);
    await systemClock.sleep(10);
  }
}

export async function untilGone(client: ObjectClient): Promise<void> {
  const deadline = Date.now() + 20_000;
  while ((await client.list(podKind)).items.length > 0) {
    assert.ok(Date.now() < deadline, 'still there');
    await systemClock.sleep(10);
  }
}

export const isReady = (pod: Pod): boolean =>
  pod.status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') === true;
