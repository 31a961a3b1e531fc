/** Where objects are in a Kubernetes API. */
import { ApiError, type Kind, type ListOptions, type ObjectName } from '../kube/index.ts';

/** With the selectors of the options and the rest of the query; a part that is undefined is left out. */
export function collectionPath(
  kind: Kind,
  { namespace, labelSelector, fieldSelector }: ListOptions,
  query: Readonly<Record<string, string | undefined>> = {},
): string {
  const all = { labelSelector, fieldSelector, ...query };
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(all)) {
    if (value !== undefined && value !== '') search.set(name, value);
  }
  const text = search.toString();
  return `${base(kind, namespace)}/${kind.plural}${text === '' ? '' : `?${text}`}`;
}

/** Throws BadRequest when the name does not fit the kind. */
export function objectPath(kind: Kind, { namespace, name }: ObjectName): string {
  if (kind.namespaced !== (namespace !== undefined)) {
    const wants = kind.namespaced ? 'is in a namespace' : 'is in no namespace';
    throw new ApiError('BadRequest', `Cannot name ${kind.kind} ${name}: the kind ${wants}`);
  }
  return `${base(kind, namespace)}/${kind.plural}/${encodeURIComponent(name)}`;
}

function base({ group, version }: Kind, namespace: string | undefined): string {
  const root = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  return namespace === undefined ? root : `${root}/namespaces/${encodeURIComponent(namespace)}`;
}
