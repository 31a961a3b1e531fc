/** From a template to a Pod, and from a template to the short word that tells it from others. Pure. */
import {
  apiVersionOf,
  isJsonArray,
  isJsonObject,
  jsonEqual,
  podKind,
  type Kind,
  type KubeObject,
  type OwnerReference,
  type Pod,
  type PodTemplate,
} from '../kube/index.ts';
import { fnv1a } from '../model/index.ts';

/** No vowels and no look-alikes, as Kubernetes' SafeEncodeString. */
const alphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Ten letters at most; the same for the same template, another one for another `salt`. */
export function templateHash(template: PodTemplate | undefined, salt: number): string {
  const sum = fnv1a(`${JSON.stringify(canonical(template ?? {}))} ${salt}`) >>> 0;
  return Array.from(String(sum), (digit) => alphabet[Number(digit)]).join('');
}

/** Equal but for the label that a ReplicaSet adds. */
export function sameTemplate(
  a: PodTemplate | undefined,
  b: PodTemplate | undefined,
  ignoredLabel: string,
): boolean {
  return sameMeaning(without(a, ignoredLabel), without(b, ignoredLabel));
}

/** Equal, however two clients write it. */
export function sameMeaning(a: unknown, b: unknown): boolean {
  return jsonEqual(canonical(a), canonical(b));
}

/** In one order, and without nulls and empty parts: clients differ in these and mean the same. */
function canonical(value: unknown): unknown {
  if (isJsonArray(value)) return value.map((item) => canonical(item));
  if (!isJsonObject(value)) return value;
  const parts = Object.keys(value)
    .toSorted()
    .map((key) => [key, canonical(value[key])] as const);
  return Object.fromEntries(parts.filter(([, part]) => !isEmpty(part)));
}

function isEmpty(part: unknown): boolean {
  return part === null || (typeof part === 'object' && Object.keys(part).length === 0);
}

function without(template: PodTemplate | undefined, label: string): unknown {
  const { [label]: _ignored, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels } };
}

export interface PodNaming {
  /** A whole name, or `PREFIX-` for one the API makes up. */
  readonly name?: string;
  readonly generateName?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly hostname?: string;
  readonly subdomain?: string;
}

/** A Pod of this template, owned by `owner`. */
export function podFromTemplate(
  owner: KubeObject,
  { kind, template }: { readonly kind: Kind; readonly template: PodTemplate | undefined },
  naming: PodNaming,
): Pod {
  const { name = '', generateName, labels, hostname, subdomain } = naming;
  const { metadata, spec } = template ?? {};
  return {
    apiVersion: apiVersionOf(podKind),
    kind: podKind.kind,
    metadata: {
      name,
      ...(generateName === undefined ? {} : { generateName }),
      namespace: owner.metadata.namespace ?? 'default',
      labels: { ...metadata?.labels, ...labels },
      ...(metadata?.annotations === undefined ? {} : { annotations: metadata.annotations }),
      ownerReferences: [ownedBy(kind, owner)],
    },
    spec: {
      ...spec,
      ...(hostname === undefined ? {} : { hostname }),
      ...(subdomain === undefined ? {} : { subdomain }),
    },
  };
}

export function ownedBy(kind: Kind, owner: KubeObject): OwnerReference {
  const { name, uid = '' } = owner.metadata;
  return {
    apiVersion: apiVersionOf(kind),
    kind: kind.kind,
    name,
    uid,
    controller: true,
    blockOwnerDeletion: true,
  };
}

/** The reference to the controller that made the object; undefined when none did. */
export function controllerOf({ metadata }: KubeObject): OwnerReference | undefined {
  return metadata.ownerReferences?.find((owner) => owner.controller === true);
}
