/** Objects as they come from a cluster: checked for what every object has, and without what nobody here reads. */
import {
  ApiError,
  apiNames,
  apiVersionOf,
  freezeCopy,
  isJsonObject,
  type JsonObject,
  type Kind,
  type KubeObject,
} from '../kube/index.ts';

/** What to keep of an object; it is called with whole objects and returns a smaller one. */
export type Reduce = (object: KubeObject) => KubeObject;

/** Items of a list do not say what they are, and metadata alone says it is that: both are of the kind asked for. */
export function arrived<T extends KubeObject>(kind: Kind<T>, value: unknown, reduce: Reduce): T {
  const metadata = isJsonObject(value) ? value['metadata'] : undefined;
  if (!isJsonObject(value) || !isJsonObject(metadata) || typeof metadata['name'] !== 'string') {
    throw malformed(kind, 'an object has no metadata with a name');
  }
  if (kind.namespaced && typeof metadata['namespace'] !== 'string') {
    throw malformed(kind, `${metadata['name']} is in no namespace`);
  }
  const whole = { ...value, apiVersion: apiVersionOf(kind), kind: kind.kind, metadata };
  // What was asked for by its kind has that kind's type; the server has checked it.
  return freezeCopy(reduce(whole as unknown as KubeObject)) as T;
}

export function malformed(kind: Kind, why: string): ApiError {
  return new ApiError('InternalError', `Cannot read ${kind.plural} of the cluster: ${why}`, {
    remedy: 'See what answers at the address of the kubeconfig: it may be a proxy',
  });
}

/** The parts of metadata that are read somewhere; annotations only those asked for. */
export function reduceMetadata(
  object: KubeObject,
  isKept: (annotation: string) => boolean,
): KubeObject {
  const { managedFields: _fields, annotations, ...metadata } = object.metadata;
  const kept = Object.entries(annotations ?? {}).filter(([key]) => isKept(key));
  return {
    ...object,
    metadata: {
      ...metadata,
      ...(kept.length === 0 ? {} : { annotations: Object.fromEntries(kept) }),
    },
  };
}

/** Asks for objects without anything but their metadata, and takes them whole from servers that do not know that. */
export const metadataListType = `application/json;as=PartialObjectMetadataList;g=${apiNames.metaGroup};v=v1,application/json`;
export const metadataType = `application/json;as=PartialObjectMetadata;g=${apiNames.metaGroup};v=v1,application/json`;

/** Who owns which field is nobody's business here, and half of many objects. */
export const dropManagedFields: Reduce = (object) => {
  const { managedFields: _fields, ...metadata } = object.metadata;
  return { ...object, metadata };
};

export function versionIn(value: JsonObject): string | undefined {
  const { metadata } = value;
  const version = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
  return typeof version === 'string' && version !== '' ? version : undefined;
}
