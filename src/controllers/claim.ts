/**
 * Takes in objects without a controller that an owner selects, and lets go of those it selects no more: Kubernetes'
 * controllerRef rules. Who is on his way out takes nothing in.
 */
import {
  isConflict,
  isLeaving,
  isNotFound,
  nameOf,
  type Kind,
  type KubeObject,
  type LabelSelectorSpec,
  type ObjectClient,
} from '../kube/index.ts';
import type { Mirror } from './mirror.ts';
import { selects } from './orphans.ts';
import { controllerOf, ownedBy } from './pod-template.ts';

export interface Claim<T extends KubeObject> {
  readonly client: ObjectClient;
  readonly owner: KubeObject & { readonly spec?: { readonly selector?: LabelSelectorSpec } };
  readonly ownerKind: Kind;
  readonly kind: Kind<T>;
  readonly mirror: Mirror<T>;
  readonly owned: readonly T[];
  readonly orphans: readonly T[];
  /** Beyond the selector. */
  readonly takes?: (object: T) => boolean;
}

export async function claim<T extends KubeObject>(options: Claim<T>): Promise<void> {
  const { owner, ownerKind, owned, orphans, takes = () => true } = options;
  const isMine = (object: T): boolean =>
    selects(owner.spec?.selector, object.metadata.labels) && takes(object);
  for (const object of owned) {
    if (isMine(object)) continue;
    const others = (object.metadata.ownerReferences ?? []).filter(
      ({ uid }) => uid !== owner.metadata.uid,
    );
    await refer(object, others.length === 0 ? null : others, options);
  }
  if (isLeaving(owner)) return;
  for (const object of orphans) {
    if (isLeaving(object) || controllerOf(object) !== undefined || !isMine(object)) continue;
    const references = [...(object.metadata.ownerReferences ?? []), ownedBy(ownerKind, owner)];
    await refer(object, references, options);
  }
}

async function refer<T extends KubeObject>(
  object: T,
  ownerReferences: readonly unknown[] | null,
  { client, kind, mirror }: Claim<T>,
): Promise<void> {
  const { resourceVersion } = object.metadata;
  try {
    const metadata = { resourceVersion, ownerReferences };
    mirror.set(await client.patch(kind, nameOf(object), { metadata }));
  } catch (thrown) {
    // It changed or went meanwhile: the change brings its owners back here.
    if (!isConflict(thrown) && !isNotFound(thrown)) throw thrown;
  }
}
