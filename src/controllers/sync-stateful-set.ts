/**
 * Brings a StatefulSet in order: Pods with an ordinal and a name that stays, made upwards and taken down
 * downwards, one at a time and ready first unless it is `Parallel`. Those below the partition stay what they were, also
 * when they are made anew.
 */
import {
  isLeaving,
  jsonEqual,
  labels as wellKnown,
  nameOf,
  podKind,
  statefulSetKind,
  type Pod,
  type StatefulSet,
} from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { claim } from './claim.ts';
import { isAvailablePod, isFinishedPod, isReadyPod } from './pod-state.ts';
import { podFromTemplate } from './pod-template.ts';
import { countOf } from './rollout.ts';
import {
  keptTemplate,
  revisionNameOf,
  syncRevisions,
  truncateHistory,
  type SetRevisions,
} from './stateful-history.ts';
import type { SyncContext, SyncResult } from './sync-context.ts';

export async function syncStatefulSet(set: StatefulSet, context: SyncContext): Promise<SyncResult> {
  if (isLeaving(set)) return 'done';
  const { client, state } = context;
  await claim({
    client,
    owner: set,
    ownerKind: statefulSetKind,
    kind: podKind,
    mirror: state.pods,
    owned: state.podsOf(set),
    orphans: state.orphanPodsFor('StatefulSet', set),
    takes: (pod) => ordinalOf(set, pod) !== undefined,
  });
  const walk = new Walk(set, { context, revisions: await syncRevisions(set, context) });
  if ((await walk.fill()) && (await walk.shrink())) await walk.update();
  return await walk.writeStatus();
}

class Walk {
  private readonly set: StatefulSet;
  private readonly context: SyncContext;
  private readonly revisions: SetRevisions;
  /** The name of the template as it is now. */
  private readonly revision: string;
  private readonly rolls: boolean;
  private readonly ordered: boolean;
  private readonly first: number;
  private readonly count: number;

  constructor(
    set: StatefulSet,
    { context, revisions }: { readonly context: SyncContext; readonly revisions: SetRevisions },
  ) {
    this.set = set;
    this.context = context;
    const { podManagementPolicy, updateStrategy, ordinals, replicas = 1 } = set.spec ?? {};
    this.revisions = revisions;
    this.revision = revisions.update.metadata.name;
    this.rolls = updateStrategy?.type !== 'OnDelete';
    this.ordered = podManagementPolicy !== 'Parallel';
    this.first = ordinals?.start ?? 0;
    this.count = replicas;
  }

  /** Makes what is missing; false when it must wait for a Pod. */
  async fill(): Promise<boolean> {
    const byOrdinal = this.pods();
    for (let i = this.first; i < this.first + this.count; i++) {
      const pod = byOrdinal.get(i);
      if (pod === undefined) {
        await this.create(i);
        if (this.ordered) return false;
      } else if (isFinishedPod(pod) && this.isActiveOrFinished(pod)) {
        await this.remove(pod);
        if (this.ordered) return false;
      } else if (this.ordered && !this.isHealthy(pod)) return false;
    }
    return true;
  }

  /** Takes down what is too much, the highest first; false when it must wait. */
  async shrink(): Promise<boolean> {
    const surplus = [...this.pods()]
      .filter(([ordinal]) => ordinal < this.first || ordinal >= this.first + this.count)
      .toSorted(([a], [b]) => b - a);
    for (const [, pod] of surplus) {
      if (this.isActiveOrFinished(pod)) await this.remove(pod);
      if (this.ordered) return false;
    }
    return surplus.length === 0;
  }

  /** Replaces Pods of another template, the highest first, as long as few enough are not available. */
  async update(): Promise<void> {
    if (!this.rolls) return;
    const { maxUnavailable = 1 } = this.set.spec?.updateStrategy?.rollingUpdate ?? {};
    const fromTop = [...this.pods()].toSorted(([a], [b]) => b - a);
    const isStale = (pod: Pod): boolean =>
      revisionNameOf(pod) !== this.revision && this.isActiveOrFinished(pod);
    // Those that are stale may be replaced whether they are available or not.
    const missing = fromTop.filter(([, pod]) => !isStale(pod) && !this.isHealthy(pod)).length;
    let budget = Math.max(1, countOf(maxUnavailable, this.count, Math.ceil)) - missing;
    for (const [ordinal, pod] of fromTop) {
      if (this.isKept(ordinal) || budget <= 0) return;
      if (!isStale(pod)) continue;
      await this.remove(pod);
      budget--;
    }
  }

  async writeStatus(): Promise<SyncResult> {
    const { client, state, clock } = this.context;
    const all = [...this.pods().values()];
    const pods = all.filter((pod) => state.isActive(pod));
    const { minReadySeconds = 0 } = this.set.spec ?? {};
    const ready = pods.filter(isReadyPod).length;
    const available = pods.filter((pod) =>
      isAvailablePod(pod, minReadySeconds, clock.now()),
    ).length;
    const updated = pods.filter((pod) => revisionNameOf(pod) === this.revision).length;
    const isRolledOut =
      this.rolls && updated === pods.length && pods.length === this.count && ready === pods.length;
    const currentRevision = isRolledOut ? this.revision : this.revisions.current.metadata.name;
    const { generation: observedGeneration } = this.set.metadata;
    const status = {
      ...(observedGeneration === undefined ? {} : { observedGeneration }),
      replicas: pods.length,
      readyReplicas: ready,
      availableReplicas: available,
      currentReplicas: pods.filter((pod) => revisionNameOf(pod) === currentRevision).length,
      updatedReplicas: updated,
      currentRevision,
      updateRevision: this.revision,
      collisionCount: this.revisions.collisionCount,
    };
    if (!jsonEqual({ ...this.set.status, ...status }, this.set.status)) {
      const options = { subresource: 'status' } as const;
      const name = nameOf(this.set);
      state.statefulSets.set(await client.patch(statefulSetKind, name, { status }, options));
    }
    await truncateHistory({ ...this.set, status }, all, this.context);
    return available < ready ? 'wait' : 'done';
  }

  private pods(): ReadonlyMap<number, Pod> {
    return new Map(
      this.context.state.podsOf(this.set).flatMap((pod) => {
        const ordinal = ordinalOf(this.set, pod);
        return ordinal === undefined ? [] : [[ordinal, pod] as const];
      }),
    );
  }

  /** Below the partition: it is not updated. */
  private isKept(ordinal: number): boolean {
    const { partition = 0 } = this.set.spec?.updateStrategy?.rollingUpdate ?? {};
    return this.rolls && ordinal < this.first + partition;
  }

  private isHealthy(pod: Pod): boolean {
    const { state, clock } = this.context;
    const { minReadySeconds = 0 } = this.set.spec ?? {};
    return state.isActive(pod) && isAvailablePod(pod, minReadySeconds, clock.now());
  }

  /** Nobody has asked for its end yet. */
  private isActiveOrFinished(pod: Pod): boolean {
    return this.context.state.isActive(pod) || (isFinishedPod(pod) && !isLeaving(pod));
  }

  private async create(ordinal: number): Promise<void> {
    const { client, state, events } = this.context;
    const { serviceName = '' } = this.set.spec ?? {};
    const { current, update } = this.revisions;
    const old = this.isKept(ordinal) ? keptTemplate(current) : undefined;
    const template = old ?? this.set.spec?.template;
    const name = `${this.set.metadata.name}-${ordinal}`;
    const pod = podFromTemplate(
      this.set,
      { kind: statefulSetKind, template },
      {
        name,
        hostname: name,
        ...(serviceName === '' ? {} : { subdomain: serviceName }),
        labels: {
          [wellKnown.statefulSetPodName]: name,
          [wellKnown.podIndex]: String(ordinal),
          [wellKnown.controllerRevisionHash]: (old === undefined ? update : current).metadata.name,
        },
      },
    );
    const what = `Pod ${name} in StatefulSet ${this.set.metadata.name}`;
    try {
      state.pods.set(await client.create(podKind, pod));
      const message = `create ${what} successful`;
      events.record(this.set, { type: 'Normal', reason: 'SuccessfulCreate', message });
    } catch (thrown) {
      const message = `create ${what} failed error: ${messageOf(thrown)}`;
      events.record(this.set, { type: 'Warning', reason: 'FailedCreate', message });
      throw thrown;
    }
  }

  private async remove(pod: Pod): Promise<void> {
    const { client, state, events } = this.context;
    const { uid } = pod.metadata;
    await client.delete(podKind, nameOf(pod), { preconditions: { uid } });
    state.sent(pod);
    const message = `delete Pod ${pod.metadata.name} in StatefulSet ${this.set.metadata.name} successful`;
    events.record(this.set, { type: 'Normal', reason: 'SuccessfulDelete', message });
  }
}

/** Undefined for a Pod whose name is not one that the set gives. */
function ordinalOf(set: StatefulSet, { metadata }: Pod): number | undefined {
  const prefix = `${set.metadata.name}-`;
  const ordinal = metadata.name.slice(prefix.length);
  const isOwn = metadata.name.startsWith(prefix) && /^(0|[1-9][0-9]{0,8})$/.test(ordinal);
  return isOwn ? Number(ordinal) : undefined;
}
