/** What the workload controllers have seen, which of it belongs to whom, and what that makes dirty. */
import {
  deploymentKind,
  isLeaving,
  kindKey,
  replicaSetKind,
  statefulSetKind,
  type ControllerRevision,
  type Deployment,
  type Kind,
  type KubeObject,
  type Pod,
  type ReplicaSet,
  type StatefulSet,
} from '../kube/index.ts';
import { keyOf, Mirror } from './mirror.ts';
import { Orphans } from './orphans.ts';
import { isActivePod, isAvailablePod, isReadyPod } from './pod-state.ts';
import { controllerOf } from './pod-template.ts';
import type { SetState } from './rollout.ts';

export class WorkloadState {
  /** `KIND NAMESPACE/NAME` of what must be brought in order. */
  readonly dirty = new Set<string>();
  /** Pods whose delete is sent and not yet seen. */
  private readonly going = new Set<string>();
  /** Pods, ReplicaSets and ControllerRevisions without a controller, and who might take them in. */
  private readonly orphanPods = new Orphans();
  private readonly orphanSets = new Orphans();
  private readonly orphanRevisions = new Orphans();
  private readonly podsByOwner = new Map<string, Map<string, Pod>>();
  private readonly setsByOwner = new Map<string, Map<string, ReplicaSet>>();
  private readonly revisionsByOwner = new Map<string, Map<string, ControllerRevision>>();

  readonly deployments = new Mirror<Deployment>((key, now) => {
    this.orphanSets.setOwner(`Deployment ${key}`, namespaceOf(key), now?.spec?.selector);
    this.dirty.add(`Deployment ${key}`);
  });

  readonly statefulSets = new Mirror<StatefulSet>((key, now) => {
    for (const orphans of [this.orphanPods, this.orphanRevisions]) {
      orphans.setOwner(`StatefulSet ${key}`, namespaceOf(key), now?.spec?.selector);
    }
    this.dirty.add(`StatefulSet ${key}`);
  });

  readonly replicaSets = new Mirror<ReplicaSet>((key, now, before) => {
    this.orphanPods.setOwner(`ReplicaSet ${key}`, namespaceOf(key), now?.spec?.selector);
    this.noteOrphan(this.orphanSets, key, now);
    file(this.setsByOwner, key, { now, before });
    this.dirty.add(`ReplicaSet ${key}`);
    for (const set of [now, before]) if (set !== undefined) this.touchOwner(set);
  });

  readonly revisions = new Mirror<ControllerRevision>((key, now, before) => {
    this.noteOrphan(this.orphanRevisions, key, now);
    file(this.revisionsByOwner, key, { now, before });
    for (const revision of [now, before]) if (revision !== undefined) this.touchOwner(revision);
  });

  readonly pods = new Mirror<Pod>((key, now, before) => {
    this.noteOrphan(this.orphanPods, key, now);
    file(this.podsByOwner, key, { now, before });
    if (before !== undefined && (now === undefined || isLeaving(now))) {
      this.going.delete(before.metadata.uid ?? '');
    }
    for (const pod of [now, before]) if (pod !== undefined) this.touchOwner(pod);
  });

  /** Remembers a delete that was sent: until it is seen, the Pod counts as on its way out. */
  sent(pod: Pod): void {
    this.going.add(pod.metadata.uid ?? '');
  }

  /** Whether the Pod counts: neither over nor on its way out. */
  isActive(pod: Pod): boolean {
    return isActivePod(pod) && !this.going.has(pod.metadata.uid ?? '');
  }

  podsOf(owner: KubeObject): readonly Pod[] {
    return [...(this.podsByOwner.get(owner.metadata.uid ?? '')?.values() ?? [])];
  }

  setsOf(owner: Deployment): readonly ReplicaSet[] {
    return [...(this.setsByOwner.get(owner.metadata.uid ?? '')?.values() ?? [])];
  }

  revisionsOf(owner: StatefulSet): readonly ControllerRevision[] {
    return [...(this.revisionsByOwner.get(owner.metadata.uid ?? '')?.values() ?? [])];
  }

  /** Pods without a controller that the owner, `KIND` by name, may want. */
  orphanPodsFor(kind: string, owner: KubeObject): readonly Pod[] {
    const id = `${kind} ${keyOf(owner)}`;
    const keys = this.orphanPods.objectsOf(id, owner.metadata.namespace ?? '');
    return keys.flatMap((key) => this.pods.objects.get(key) ?? []);
  }

  orphanSetsFor(owner: Deployment): readonly ReplicaSet[] {
    const id = `Deployment ${keyOf(owner)}`;
    const keys = this.orphanSets.objectsOf(id, owner.metadata.namespace ?? '');
    return keys.flatMap((key) => this.replicaSets.objects.get(key) ?? []);
  }

  orphanRevisionsFor(owner: StatefulSet): readonly ControllerRevision[] {
    const id = `StatefulSet ${keyOf(owner)}`;
    const keys = this.orphanRevisions.objectsOf(id, owner.metadata.namespace ?? '');
    return keys.flatMap((key) => this.revisions.objects.get(key) ?? []);
  }

  stateOf(set: ReplicaSet, nowMs: number): SetState {
    const pods = this.podsOf(set);
    const active = pods.filter((pod) => this.isActive(pod));
    const { replicas = 1, minReadySeconds = 0 } = set.spec ?? {};
    return {
      set,
      wanted: replicas,
      active: active.length,
      leaving: pods.length - active.length,
      ready: active.filter(isReadyPod).length,
      available: active.filter((pod) => isAvailablePod(pod, minReadySeconds, nowMs)).length,
    };
  }

  /** One that nobody controls is for whoever selects it. */
  private noteOrphan(orphans: Orphans, key: string, now: KubeObject | undefined): void {
    const isOrphan = now !== undefined && controllerOf(now) === undefined && !isLeaving(now);
    const labels = isOrphan ? (now.metadata.labels ?? {}) : undefined;
    orphans.setObject(key, namespaceOf(key), labels);
    if (isOrphan) for (const id of orphans.ownersOf(key, namespaceOf(key))) this.dirty.add(id);
  }

  /** The owner, and the owner's owner: a Deployment counts the Pods of its ReplicaSets. */
  private touchOwner(object: KubeObject): void {
    const owner = controllerOf(object);
    const kind = ownerKinds.find((known) => known.kind === owner?.kind);
    if (owner === undefined || kind === undefined) return;
    const key = `${object.metadata.namespace ?? ''}/${owner.name}`;
    this.dirty.add(`${owner.kind} ${key}`);
    if (kindKey(kind) !== kindKey(replicaSetKind)) return;
    const set = this.replicaSets.objects.get(key);
    const above = set === undefined ? undefined : controllerOf(set);
    if (above?.kind === deploymentKind.kind) {
      this.dirty.add(`${above.kind} ${object.metadata.namespace ?? ''}/${above.name}`);
    }
  }
}

function namespaceOf(key: string): string {
  return key.split('/')[0] ?? '';
}

const ownerKinds: readonly Kind[] = [deploymentKind, replicaSetKind, statefulSetKind];

function file<T extends KubeObject>(
  index: Map<string, Map<string, T>>,
  key: string,
  { now, before }: { readonly now: T | undefined; readonly before: T | undefined },
): void {
  const ownerOf = (object: T | undefined): string | undefined =>
    object === undefined ? undefined : controllerOf(object)?.uid;
  const [owner, previous] = [ownerOf(now), ownerOf(before)];
  if (previous !== undefined && previous !== owner) {
    const siblings = index.get(previous);
    siblings?.delete(key);
    if (siblings?.size === 0) index.delete(previous);
  }
  if (owner === undefined || now === undefined) return;
  const siblings = index.get(owner) ?? new Map<string, T>();
  index.set(owner, siblings.set(key, now));
}
