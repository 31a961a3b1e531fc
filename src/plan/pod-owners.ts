/**
 * Which Services have a Pod among their endpoints, so that a changed weight touches only those. By namespace, then
 * by Pod: the names are the slices' own strings, so a hundred thousand endpoints cost a hundred thousand entries.
 */
import type { EndpointSlice } from '../kube/index.ts';
import { podOf } from './endpoints.ts';

/** Service key -> in how many endpoints of its slices; one owner that has the Pod once is just its key. */
type Owners = string | Map<string, number>;

export class PodOwners {
  private readonly byNamespace = new Map<string, Map<string, Owners>>();

  /** Keys of the Services that have the Pod. */
  of(namespace: string, pod: string): Iterable<string> {
    const owners = this.byNamespace.get(namespace)?.get(pod);
    if (owners === undefined) return [];
    return typeof owners === 'string' ? [owners] : owners.keys();
  }

  /** A slice of `owner` was replaced; undefined stands for none. */
  replace(
    owner: string,
    before: EndpointSlice | undefined,
    after: EndpointSlice | undefined,
  ): void {
    this.add(owner, after, 1);
    this.add(owner, before, -1);
  }

  private add(owner: string, slice: EndpointSlice | undefined, by: 1 | -1): void {
    const namespaceOfSlice = slice?.metadata.namespace ?? '';
    for (const endpoint of slice?.endpoints ?? []) {
      const pod = podOf(endpoint, namespaceOfSlice);
      if (pod !== undefined) this.count(pod, owner, by);
    }
  }

  private count(
    { namespace, name }: { readonly namespace: string; readonly name: string },
    owner: string,
    by: 1 | -1,
  ): void {
    const pods = this.byNamespace.get(namespace) ?? new Map<string, Owners>();
    const owners = counted(pods.get(name), owner, by);
    if (owners === undefined) pods.delete(name);
    else pods.set(name, owners);
    if (pods.size === 0) this.byNamespace.delete(namespace);
    else this.byNamespace.set(namespace, pods);
  }
}

function counted(owners: Owners | undefined, owner: string, by: 1 | -1): Owners | undefined {
  if (owners === undefined) return by > 0 ? owner : undefined;
  if (owners === owner && by < 0) return undefined;
  const counts = typeof owners === 'string' ? new Map([[owners, 1]]) : owners;
  const count = (counts.get(owner) ?? 0) + by;
  if (count > 0) counts.set(owner, count);
  else counts.delete(owner);
  const [only, ...others] = counts;
  if (only === undefined) return undefined;
  return others.length === 0 && only[1] === 1 ? only[0] : counts;
}
