/**
 * UDP has no end that the kernel sees: while a client goes on sending, its entry stays and its packets go where
 * the first one went, also when nobody is there any more. So entries are held against the Plan after every change:
 * by state and not by event, so that none is missed. TCP is never touched: its clients see for themselves.
 */
import type { ConntrackEntry } from '../../codec/conntrack/index.ts';
import {
  findFrontend,
  formatSocketAddress,
  type Delta,
  type IpFamily,
  type Plan,
  type VirtualServer,
} from '../../model/index.ts';
import type { Conntrack } from './conntrack.ts';

/** Forgets what leads astray and returns how many that were. `delta` is undefined when everything may differ. */
export function reconcileUdp(
  conntrack: Conntrack,
  plan: Plan,
  { before, delta }: { readonly before: Plan | undefined; readonly delta: Delta | undefined },
): number {
  const changed = changedServers(plan, before, delta);
  let forgotten = 0;
  for (const family of ['IPv4', 'IPv6'] as const satisfies readonly IpFamily[]) {
    const own = changed.filter(({ ref }) => ref.protocol === 'UDP' && ref.family === family);
    if (own.length === 0) continue;
    const former = places(before ?? plan, own);
    for (const entry of conntrack.list(family, 'UDP')) {
      if (!leadsAstray(plan, former, entry)) continue;
      conntrack.forget(entry);
      forgotten++;
    }
  }
  return forgotten;
}

function changedServers(
  plan: Plan,
  before: Plan | undefined,
  delta: Delta | undefined,
): readonly VirtualServer[] {
  if (delta === undefined || delta.nodeChanged) {
    return [...plan.servers.values(), ...(before?.servers.values() ?? [])];
  }
  return [
    ...delta.added,
    ...delta.removed,
    ...delta.updated.flatMap((update) => [update.before, update.after]),
  ];
}

/** Where these were reached: what is left of one that has gone. */
function places(plan: Plan, servers: readonly VirtualServer[]): ReadonlySet<string> {
  const all = new Set<string>();
  for (const { frontends } of servers) {
    for (const { address, port } of frontends) {
      for (const own of address === undefined ? plan.node.nodePortAddresses : [address]) {
        all.add(formatSocketAddress({ address: own, port }));
      }
    }
  }
  return all;
}

function leadsAstray(
  plan: Plan,
  former: ReadonlySet<string>,
  { original, reply, destinationRewritten }: ConntrackEntry,
): boolean {
  const { destination: address, destinationPort: port } = original;
  const claim = findFrontend(plan, 'UDP', address, port);
  if (claim === undefined) {
    return destinationRewritten && former.has(formatSocketAddress({ address, port }));
  }
  return !claim.server.endpoints.some(
    (endpoint) =>
      (endpoint.serving || endpoint.ready) &&
      endpoint.address === reply.source &&
      endpoint.port === reply.sourcePort,
  );
}
