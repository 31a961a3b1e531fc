/**
 * Service + its Pods -> what its Endpoints object should say, for clients older than EndpointSlices. Pure; follows
 * Kubernetes' endpoints controller (pkg/controller/endpoint): one address family, packed into
 * as few subsets as their ports allow, at most 1,000 addresses.
 */
import {
  isLeaving,
  type EndpointAddress,
  type EndpointPort,
  type EndpointSubset,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { addressOf, familiesOf, resolvePorts, type ResolvedPort } from './desired-endpoints.ts';
import { isFinishedPod, isReadyPod } from './pod-state.ts';
import { repackSubsets, type Offer, type PackedSubset } from './repack-subsets.ts';

export interface DesiredSubsets {
  readonly subsets: readonly EndpointSubset[];
  /** Some addresses had no room. */
  readonly truncated: boolean;
}

const maxAddresses = 1_000;

export function desiredSubsets(service: Service, pods: readonly Pod[]): DesiredSubsets {
  const { publishNotReadyAddresses = false, clusterIP, ports: declared = [] } = service.spec ?? {};
  const [family = 'IPv4'] = familiesOf(service);
  const offers: Offer[] = [];
  for (const pod of pods) {
    const ip = addressOf(pod, family);
    if (ip === undefined || isFinishedPod(pod)) continue;
    if (isLeaving(pod) && !publishNotReadyAddresses) continue;
    const ports = resolvePorts(service, pod).map(withoutEmptyName);
    // A headless Service may do without ports; any other one has no endpoints then.
    if (ports.length === 0 && (declared.length > 0 || clusterIP !== 'None')) continue;
    const isReady = publishNotReadyAddresses || isReadyPod(pod);
    offers.push({ address: endpointAddress(service, pod, ip), isReady, ports });
  }
  const packed = repackSubsets(offers);
  const truncated = truncate(packed);
  return { subsets: packed.map(subsetOf), truncated };
}

/** Takes away what is too much, from each subset its share; what is not ready goes first. */
function truncate(subsets: readonly PackedSubset[]): boolean {
  const count = (of: (subset: PackedSubset) => readonly unknown[]): number =>
    subsets.reduce((total, subset) => total + of(subset).length, 0);
  const totalReady = count(({ ready }) => ready);
  const totalNotReady = count(({ notReady }) => notReady);
  if (totalReady + totalNotReady <= maxAddresses) return false;
  const cutsReady = totalReady > maxAddresses;
  const room = cutsReady ? maxAddresses : maxAddresses - totalReady;
  const total = cutsReady ? totalReady : totalNotReady;
  let left = room;
  for (const { ready, notReady } of subsets) {
    const list = cutsReady ? ready : notReady;
    const kept = Math.min(left, Math.ceil((list.length / total) * room));
    list.splice(kept);
    if (cutsReady) notReady.splice(0);
    left -= kept;
  }
  return true;
}

function endpointAddress(service: Service, pod: Pod, ip: string): EndpointAddress {
  const { namespace, name, uid } = pod.metadata;
  const { hostname, subdomain, nodeName } = pod.spec ?? {};
  return {
    ip,
    ...(hostname !== undefined && subdomain === service.metadata.name ? { hostname } : {}),
    ...(nodeName === undefined ? {} : { nodeName }),
    targetRef: {
      kind: 'Pod',
      ...(namespace === undefined ? {} : { namespace }),
      name,
      ...(uid === undefined ? {} : { uid }),
    },
  };
}

function subsetOf({ ports, ready, notReady }: PackedSubset): EndpointSubset {
  return {
    ...(ready.length === 0 ? {} : { addresses: ready }),
    ...(notReady.length === 0 ? {} : { notReadyAddresses: notReady }),
    ...(ports.length === 0 ? {} : { ports }),
  };
}

function withoutEmptyName({ name, port, protocol, appProtocol }: ResolvedPort): EndpointPort {
  return {
    ...(name === '' ? {} : { name }),
    port,
    protocol,
    ...(appProtocol === undefined ? {} : { appProtocol }),
  };
}
