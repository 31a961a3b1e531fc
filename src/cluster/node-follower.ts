/** The node itself as the cluster knows it: its zone, its addresses, the Service ranges, and whether it is leaving. */
import { isDeepStrictEqual } from 'node:util';
import {
  createReflector,
  labels,
  nodeKind,
  nodeTaints,
  serviceCidrKind,
  type Node,
  type ObjectClient,
  type ServiceCidr,
} from '../kube/index.ts';
import {
  canonicalIp,
  cidrContains,
  parseCidr,
  parseIp,
  type Clock,
  type NodeView,
  type Random,
} from '../model/index.ts';
import type { Component, Logger } from '../obs/index.ts';

export interface NodeFollowerOptions {
  readonly client: ObjectClient;
  readonly node: string;
  /** Of this host's interfaces, to begin with. */
  readonly hostAddresses: readonly string[];
  /** `primary`, or CIDRs; empty is `primary`. */
  readonly nodePortAddresses: readonly string[];
  readonly masqueradeAll: boolean;
  /** The driver can tell the node's own Pods from other sources. */
  readonly detectsLocalPods: boolean;
  /** They are told by the Node's own podCIDRs, and not before it has some. */
  readonly byPodRanges: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Called when the view is another than before. */
  readonly changed: (view: NodeView) => void;
}

export interface NodeFollower extends Component {
  view(): NodeView;
  /** The host's interfaces have these now. */
  setHostAddresses(addresses: readonly string[]): void;
  /** False when the node is gone, or about to be taken away: no load balancer shall choose it. */
  isEligible(): boolean;
}

export function createNodeFollower(options: NodeFollowerOptions): NodeFollower {
  const { client, node: name, clock, random, log } = options;
  let node: Node | undefined;
  const ranges = new Map<string, ServiceCidr>();
  let { hostAddresses } = options;
  const look = (): NodeView => viewOf({ ...options, hostAddresses }, node, ranges.values());
  let current = look();
  const update = (): void => {
    const next = look();
    if (isDeepStrictEqual(next, current)) return;
    current = next;
    options.changed(next);
  };
  const common = { client, clock, random, log };
  const parts = [
    createReflector<Node>({
      ...common,
      kind: nodeKind,
      options: { fieldSelector: `metadata.name=${name}` },
      onReplace: (items) => {
        [node] = items;
        update();
      },
      onEvent: ({ type, object }) => {
        node = type === 'DELETED' ? undefined : object;
        update();
      },
    }),
    createReflector<ServiceCidr>({
      ...common,
      kind: serviceCidrKind,
      onReplace: (items) => {
        ranges.clear();
        for (const item of items) ranges.set(item.metadata.name, item);
        update();
      },
      onEvent: ({ type, object }) => {
        if (type === 'DELETED') ranges.delete(object.metadata.name);
        else ranges.set(object.metadata.name, object);
        update();
      },
    }),
  ];
  return {
    name: 'node',
    start: async (signal) => {
      await Promise.all(parts.map((part) => part.start(signal)));
      if (node === undefined) log.warn('There is no Node of this name', { node: name });
    },
    stop: async () => {
      await Promise.all(parts.map((part) => part.stop()));
    },
    status: () =>
      parts.map((part) => part.status()).find(({ state }) => state !== 'ready') ?? {
        state: 'ready',
        detail: node === undefined ? `there is no Node ${name}` : undefined,
      },
    view: () => current,
    setHostAddresses: (addresses) => {
      hostAddresses = addresses;
      update();
    },
    isEligible: () => isEligible(node),
  };
}

/** kube-proxy's rule: deleted, or tainted by the autoscaler. */
function isEligible(node: Node | undefined): boolean {
  if (node === undefined || node.metadata.deletionTimestamp !== undefined) return false;
  return !(node.spec?.taints ?? []).some(({ key }) => key === nodeTaints.toBeDeleted);
}

function viewOf(
  options: NodeFollowerOptions,
  node: Node | undefined,
  ranges: Iterable<ServiceCidr>,
): NodeView {
  const { node: name, hostAddresses, nodePortAddresses, masqueradeAll } = options;
  const own = (node?.status?.addresses ?? []).flatMap(({ type, address }) =>
    type === 'InternalIP' || type === 'ExternalIP' ? (canonicalIp(address) ?? []) : [],
  );
  const addresses = [...new Set([...own, ...hostAddresses])];
  const cidrs = nodePortAddresses.flatMap((text) => parseCidr(text) ?? []);
  const chosen = addresses.filter((address) => {
    const bytes = parseIp(address);
    return bytes !== undefined && cidrs.some((cidr) => cidrContains(cidr, bytes));
  });
  return {
    name,
    zone: node?.metadata.labels?.[labels.zone],
    addresses,
    nodePortAddresses: cidrs.length > 0 ? chosen : own,
    serviceRanges: rangesOf(ranges),
    masqueradeAll,
    ...localPodsOf(options, node),
  };
}

function localPodsOf(
  { detectsLocalPods, byPodRanges }: NodeFollowerOptions,
  node: Node | undefined,
): Pick<NodeView, 'detectsLocalPods' | 'podRanges'> {
  if (!detectsLocalPods || !byPodRanges) return { detectsLocalPods };
  const podRanges = (node?.spec?.podCIDRs ?? []).flatMap((text) => parseCidr(text) ?? []);
  return podRanges.length === 0
    ? { detectsLocalPods: false }
    : { detectsLocalPods: true, podRanges };
}

/** Of those that are ready, or say nothing of it; in an order that does not depend on that of the list. */
function rangesOf(ranges: Iterable<ServiceCidr>): NodeView['serviceRanges'] {
  return [...ranges]
    .filter(({ status }) => {
      const ready = status?.conditions?.find(({ type }) => type === 'Ready');
      return ready === undefined || ready.status === 'True';
    })
    .flatMap(({ spec }) => spec?.cidrs ?? [])
    .toSorted()
    .flatMap((text) => parseCidr(text) ?? []);
}
