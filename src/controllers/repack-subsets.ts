/**
 * Addresses with their ports -> subsets as Kubernetes packs them (endpoints.RepackSubsets): hosts that offer a port are
 * one set, and ports of the same set are one subset. So each port stands in one subset only, wherever it can. Pure.
 */
import type { EndpointAddress, EndpointPort } from '../kube/index.ts';
import { portsKey } from './desired-endpoints.ts';

/** One address, and what it offers. */
export interface Offer {
  readonly address: EndpointAddress;
  readonly isReady: boolean;
  readonly ports: readonly EndpointPort[];
}

export interface PackedSubset {
  /** By name. */
  readonly ports: readonly EndpointPort[];
  /** By address, then by the uid of what is there. */
  readonly ready: EndpointAddress[];
  readonly notReady: EndpointAddress[];
}

/** Those who offer one port, by who they are. */
interface Offered {
  readonly port: EndpointPort | undefined;
  readonly hosts: Map<string, Host>;
}

interface Host {
  readonly address: EndpointAddress;
  isReady: boolean;
}

/** In the order of their ports; Kubernetes' own order is that of a hash, which nobody relies on. */
export function repackSubsets(offers: readonly Offer[]): readonly PackedSubset[] {
  const packed = new Map<
    string,
    { readonly hosts: readonly Host[]; readonly ports: EndpointPort[] }
  >();
  for (const [, { port, hosts }] of [...byPort(offers)].toSorted(byKey)) {
    const sorted = [...hosts].toSorted(byKey);
    const key = JSON.stringify(sorted.map(([host, { isReady }]) => [host, isReady]));
    const subset = packed.get(key) ?? { hosts: sorted.map(([, host]) => host), ports: [] };
    packed.set(key, subset);
    if (port !== undefined) subset.ports.push(port);
  }
  return [...packed.values()].map(({ hosts, ports }) => ({
    ports,
    ready: hosts.filter(({ isReady }) => isReady).map(({ address }) => address),
    notReady: hosts.filter(({ isReady }) => !isReady).map(({ address }) => address),
  }));
}

/** A port is what it is altogether; addresses that offer none are in a set of their own. */
function byPort(offers: readonly Offer[]): ReadonlyMap<string, Offered> {
  const offered = new Map<string, Offered>();
  for (const { address, isReady, ports } of offers) {
    const host = `${address.ip} ${address.targetRef?.uid ?? ''}`;
    for (const port of ports.length === 0 ? [undefined] : ports) {
      const key = port === undefined ? '' : portsKey([port]);
      const found: Offered = offered.get(key) ?? { port, hosts: new Map<string, Host>() };
      offered.set(key, found);
      const known = found.hosts.get(host);
      if (known === undefined) found.hosts.set(host, { address, isReady });
      // Said twice of one port: that it is not ready counts.
      else known.isReady &&= isReady;
    }
  }
  return offered;
}

function byKey([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
