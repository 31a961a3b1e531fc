/** Brings a Deployment in order: a ReplicaSet for its template, the old ones scaled down as the new one comes up. */
import {
  apiVersionOf,
  deploymentKind,
  isAlreadyExists,
  isLeaving,
  jsonEqual,
  labels as wellKnown,
  nameOf,
  replicaSetKind,
  wellKnownAnnotations,
  type Deployment,
  type ReplicaSet,
} from '../kube/index.ts';
import { claim } from './claim.ts';
import { deploymentStatus, isWaitingForDeadline } from './deployment-status.ts';
import { keyOf } from './mirror.ts';
import { ownedBy, sameTemplate, templateHash } from './pod-template.ts';
import { isScaled, scaledProportionally, scaleNotes } from './proportional.ts';
import { nextScalings, revisionOf, type Scaling, type SetState } from './rollout.ts';
import type { SyncContext, SyncResult } from './sync-context.ts';

export async function syncDeployment(
  deployment: Deployment,
  context: SyncContext,
): Promise<SyncResult> {
  if (isLeaving(deployment)) return 'done';
  const { state, client, clock } = context;
  await claim({
    client,
    owner: deployment,
    ownerKind: deploymentKind,
    kind: replicaSetKind,
    mirror: state.replicaSets,
    owned: state.setsOf(deployment),
    orphans: state.orphanSetsFor(deployment),
  });
  const { paused = false } = deployment.spec ?? {};
  const found = currentSet(deployment, state.setsOf(deployment));
  const set = found ?? (paused ? undefined : await createSet(deployment, context));
  if (set === undefined && !paused) return 'done';
  const marked = set === undefined ? undefined : await withRevision(deployment, set, context);
  const current = marked === undefined ? undefined : state.stateOf(marked, clock.now());
  const old = state
    .setsOf(deployment)
    .filter((other) => other.metadata.uid !== set?.metadata.uid && !isLeaving(other))
    .map((other) => state.stateOf(other, clock.now()));
  for (const scaling of scalingsOf(deployment, current, old)) {
    await scale(deployment, scaling, context);
  }
  await dropOldSets(deployment, old, context);
  return await writeStatus({ deployment, current, old, isNew: found === undefined }, context);
}

/** One that is paused, or was scaled, only changes its size: the rollout goes on after that. */
function scalingsOf(
  deployment: Deployment,
  current: SetState | undefined,
  old: readonly SetState[],
): readonly Scaling[] {
  const all = [...(current === undefined ? [] : [current]), ...old];
  const onlySize = deployment.spec?.paused === true || isScaled(deployment, all);
  return onlySize || current === undefined
    ? scaledProportionally(deployment, current, old)
    : nextScalings(deployment, current, old);
}

/** The oldest whose template is the Deployment's. */
function currentSet({ spec }: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  return sets
    .filter((set) => !isLeaving(set))
    .toSorted((a, b) => revisionOf(a) - revisionOf(b))
    .find((set) => sameTemplate(set.spec?.template, spec?.template, wellKnown.podTemplateHash));
}

/** Undefined when another ReplicaSet has the name; the next attempt then takes another one. */
async function createSet(
  deployment: Deployment,
  context: SyncContext,
): Promise<ReplicaSet | undefined> {
  const { client, state } = context;
  const { collisionCount = 0 } = deployment.status ?? {};
  try {
    const set = await client.create(replicaSetKind, newSet(deployment, collisionCount));
    state.replicaSets.set(set);
    return set;
  } catch (thrown) {
    if (!isAlreadyExists(thrown)) throw thrown;
    const status = { collisionCount: collisionCount + 1 };
    const options = { subresource: 'status' } as const;
    state.deployments.set(
      await client.patch(deploymentKind, nameOf(deployment), { status }, options),
    );
    return undefined;
  }
}

function newSet(deployment: Deployment, collisionCount: number): ReplicaSet {
  const { name, namespace = 'default' } = deployment.metadata;
  const { selector, template, minReadySeconds } = deployment.spec ?? {};
  const hash = templateHash(template, collisionCount);
  const hashed = { [wellKnown.podTemplateHash]: hash };
  const labels = { ...template?.metadata?.labels, ...hashed };
  return {
    apiVersion: apiVersionOf(replicaSetKind),
    kind: replicaSetKind.kind,
    metadata: {
      name: `${name}-${hash}`,
      namespace,
      labels,
      annotations: scaleNotes(deployment),
      ownerReferences: [ownedBy(deploymentKind, deployment)],
    },
    spec: {
      // It grows from nothing, by what the others leave it.
      replicas: 0,
      ...(minReadySeconds === undefined ? {} : { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, ...hashed } },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}

/** The current ReplicaSet has the highest revision, and the Deployment says which that is. */
async function withRevision(
  deployment: Deployment,
  set: ReplicaSet,
  { client, state }: SyncContext,
): Promise<ReplicaSet> {
  const others = state.setsOf(deployment).filter((other) => other !== set);
  const highest = Math.max(0, ...others.map(revisionOf));
  const own = revisionOf(set);
  const revision = own > highest ? own : highest + 1;
  const metadata = { annotations: { [wellKnownAnnotations.revision]: String(revision) } };
  const isMarked =
    deployment.metadata.annotations?.[wellKnownAnnotations.revision] === String(revision);
  let marked = set;
  const { minReadySeconds = 0 } = deployment.spec ?? {};
  const waitsAlike = (set.spec?.minReadySeconds ?? 0) === minReadySeconds;
  if (own !== revision || !waitsAlike) {
    const patch = { metadata, ...(waitsAlike ? {} : { spec: { minReadySeconds } }) };
    marked = await client.patch(replicaSetKind, nameOf(set), patch);
    state.replicaSets.set(marked);
  }
  if (!isMarked) {
    state.deployments.set(await client.patch(deploymentKind, nameOf(deployment), { metadata }));
  }
  return marked;
}

async function scale(
  deployment: Deployment,
  { set, from, to }: Scaling,
  { client, state, events }: SyncContext,
): Promise<void> {
  const notes = scaleNotes(deployment);
  const isNoted = Object.entries(notes).every(
    ([key, value]) => set.metadata.annotations?.[key] === value,
  );
  if (from === to && isNoted) return;
  const patch = {
    metadata: { annotations: notes },
    ...(from === to ? {} : { spec: { replicas: to } }),
  };
  state.replicaSets.set(await client.patch(replicaSetKind, nameOf(set), patch));
  if (from === to) return;
  const way = to > from ? 'up' : 'down';
  const message = `Scaled ${way} replica set ${set.metadata.name} from ${from} to ${to}`;
  events.record(deployment, { type: 'Normal', reason: 'ScalingReplicaSet', message });
}

async function dropOldSets(
  deployment: Deployment,
  old: readonly SetState[],
  { client }: SyncContext,
): Promise<void> {
  const { revisionHistoryLimit = 10 } = deployment.spec ?? {};
  const empty = old.filter(({ wanted, active, leaving }) => wanted + active + leaving === 0);
  const excess = Math.max(0, empty.length - revisionHistoryLimit);
  const oldestFirst = empty.toSorted((a, b) => revisionOf(a.set) - revisionOf(b.set));
  for (const { set } of oldestFirst.slice(0, excess)) {
    await client.delete(replicaSetKind, nameOf(set), { preconditions: { uid: set.metadata.uid } });
  }
}

interface Rollout {
  readonly deployment: Deployment;
  readonly current: SetState | undefined;
  readonly old: readonly SetState[];
  readonly isNew: boolean;
}

async function writeStatus(rollout: Rollout, context: SyncContext): Promise<SyncResult> {
  const { client, state, clock } = context;
  const { deployment } = rollout;
  const newest = state.deployments.objects.get(keyOf(deployment)) ?? deployment;
  // Scalings of this very run count already.
  const fresh = ({ set }: SetState): SetState =>
    state.stateOf(state.replicaSets.objects.get(keyOf(set)) ?? set, clock.now());
  const status = deploymentStatus({
    deployment: newest,
    current: rollout.current === undefined ? undefined : fresh(rollout.current),
    old: rollout.old.map(fresh),
    isNew: rollout.isNew,
    nowMs: clock.now(),
  });
  if (!jsonEqual({ ...newest.status, ...status }, newest.status)) {
    const options = { subresource: 'status' } as const;
    state.deployments.set(
      await client.patch(deploymentKind, nameOf(deployment), { status }, options),
    );
  }
  return isWaitingForDeadline(status) ? 'wait' : 'done';
}
