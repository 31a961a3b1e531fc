/**
 * The fewest writes that make EndpointSlices say what they should. Pure; follows Kubernetes'
 * endpointslice reconciler: an endpoint stays in the slice it is in, slices that change anyway are filled first,
 * and a change of one Pod changes one slice.
 *
 * Where the real controller deletes a slice to create another, this one changes it: a slice whose ports nobody has
 * any more, or the last, empty one, is used again.
 */
import {
  apiVersionOf,
  endpointSliceKind,
  jsonEqual,
  type EndpointSlice,
  type OwnerReference,
  type SliceEndpoint,
  type SlicePort,
} from '../kube/index.ts';
import { fnv1a, type IpFamily } from '../model/index.ts';
import { endpointId, portsKey, type EndpointGroup } from './desired-endpoints.ts';

/** Whose slices they are, and what that says on them. */
export interface SliceOwner {
  readonly name: string;
  readonly namespace: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** Undefined: what is on them is left alone. */
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly reference: OwnerReference;
  readonly maxEndpoints: number;
  /** One slice stays where there are no endpoints, so that it is known that there are none. */
  readonly keepsOne: boolean;
}

export interface SliceWrites {
  readonly create: readonly EndpointSlice[];
  readonly update: readonly EndpointSlice[];
  readonly remove: readonly EndpointSlice[];
}

export interface SlicesNow {
  readonly family: IpFamily;
  /** Of this family, made by this controller for this Service. */
  readonly existing: readonly EndpointSlice[];
}

export function planSlices(
  owner: SliceOwner,
  groups: ReadonlyMap<string, EndpointGroup>,
  { family, existing }: SlicesNow,
): SliceWrites {
  const drafts = existing
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1))
    .map((slice): Draft => ({ slice, ports: slice.ports ?? [], endpoints: slice.endpoints ?? [] }));
  const byPorts = Map.groupBy(drafts, ({ ports }) => portsKey(ports));
  const free = [...byPorts].flatMap(([key, stale]) => (groups.has(key) ? [] : stale));
  const kept: Draft[] = [];
  for (const [key, group] of groups) {
    kept.push(...fillGroup(group, owner.maxEndpoints, { own: byPorts.get(key) ?? [], free }));
  }
  if (kept.length === 0 && owner.keepsOne) {
    const last = free.shift() ?? { slice: undefined, ports: [], endpoints: [] };
    kept.push({ ...last, endpoints: [] });
  }
  const taken = new Set(existing.map(({ metadata }) => metadata.name));
  const name = (ports: readonly SlicePort[]): string =>
    freeName(owner.name, `${family} ${portsKey(ports)}`, taken);
  const used = new Set(kept.map(({ slice }) => slice));
  return {
    create: kept
      .filter(({ slice }) => slice === undefined)
      .map((draft) => sliceOf(owner, draft, { name: name(draft.ports), family })),
    update: kept.flatMap(({ slice, ports, endpoints }) =>
      slice === undefined ? [] : updated(owner, slice, { ports, endpoints }),
    ),
    remove: existing.filter((slice) => !used.has(slice)),
  };
}

/** A slice on its way to what it should say; without one when it is to be made. */
interface Draft {
  readonly slice: EndpointSlice | undefined;
  readonly ports: readonly SlicePort[];
  readonly endpoints: readonly SliceEndpoint[];
}

/** The slices of a group; takes from `free` what it can use again. */
function fillGroup(
  group: EndpointGroup,
  max: number,
  { own, free }: { readonly own: readonly Draft[]; readonly free: Draft[] },
): readonly Draft[] {
  const { ports } = group;
  const missing = new Map(group.endpoints);
  const drafts = own.map((draft) => {
    const endpoints = draft.endpoints.flatMap((endpoint) => {
      const id = endpointId(endpoint);
      const wanted = missing.get(id);
      missing.delete(id);
      return wanted === undefined ? [] : [wanted];
    });
    return { ...draft, endpoints, changes: !jsonEqual(endpoints, draft.endpoints) };
  });
  const waiting = [...missing.values()];
  // Those that are written anyway come first, then the fullest that all fit into: one write more.
  for (const draft of drafts.filter(({ changes }) => changes)) place(draft, waiting, max);
  const roomy = drafts
    .filter(({ changes, endpoints }) => !changes && endpoints.length < max)
    .toSorted((a, b) => b.endpoints.length - a.endpoints.length);
  for (const draft of roomy) {
    if (draft.endpoints.length + waiting.length <= max) place(draft, waiting, max);
  }
  const more: Draft[] = [];
  while (waiting.length > 0) {
    const endpoints = waiting.splice(0, max);
    more.push({ slice: free.shift()?.slice, ports, endpoints });
  }
  return [...drafts, ...more]
    .filter(({ endpoints }) => endpoints.length > 0)
    .map(({ slice, endpoints }) => ({ slice, ports, endpoints }));
}

function place(
  draft: { endpoints: readonly SliceEndpoint[] },
  waiting: SliceEndpoint[],
  max: number,
): void {
  const room = max - draft.endpoints.length;
  draft.endpoints = [...draft.endpoints, ...waiting.splice(0, Math.max(0, room))];
}

function updated(
  { labels, annotations }: SliceOwner,
  slice: EndpointSlice,
  { ports, endpoints }: Pick<Draft, 'ports' | 'endpoints'>,
): readonly EndpointSlice[] {
  const isSame =
    jsonEqual(slice.endpoints ?? [], endpoints) &&
    jsonEqual(slice.ports ?? [], ports) &&
    jsonEqual(slice.metadata.labels, labels) &&
    (annotations === undefined || jsonEqual(slice.metadata.annotations ?? {}, annotations));
  const metadata = {
    ...slice.metadata,
    labels,
    ...(annotations === undefined ? {} : { annotations }),
  };
  return isSame ? [] : [{ ...slice, metadata, ports, endpoints }];
}

function sliceOf(
  { namespace, labels, annotations, reference }: SliceOwner,
  { ports, endpoints }: Pick<Draft, 'ports' | 'endpoints'>,
  { name, family }: { readonly name: string; readonly family: IpFamily },
): EndpointSlice {
  return {
    apiVersion: apiVersionOf(endpointSliceKind),
    kind: endpointSliceKind.kind,
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels,
      ...(annotations === undefined ? {} : { annotations }),
      ownerReferences: [reference],
    },
    addressType: family,
    endpoints,
    ports,
  };
}

/** The same name for the same slice at every start. */
function freeName(service: string, what: string, taken: Set<string>): string {
  for (let n = 0; ; n++) {
    const name = `${service}-${fnv1a(`${what} ${n}`).toString(36).padStart(7, '0')}`;
    if (taken.has(name)) continue;
    taken.add(name);
    return name;
  }
}
