/**
 * UDP has no end that the kernel sees: while a client goes on sending, its entry stays and its packets go where
 * the first one went, also when nobody is there any more. So entries are held against the Plan after every change:
 * by state and not by event, so that none is missed. TCP is never touched: its clients see for themselves.
 */
import type { ConntrackEntry, EntryScan } from '../../codec/conntrack/index.ts';
import {
  findFrontend,
  formatSocketAddress,
  familyOf,
  serversOf,
  type Delta,
  type IpFamily,
  type Plan,
  type SocketAddress,
  type VirtualServer,
} from '../../model/index.ts';
import type { Conntrack } from './conntrack.ts';

export interface Since {
  readonly before: Plan | undefined;
  /** Undefined when everything may differ. */
  readonly delta: Delta | undefined;
  /** Where an earlier run served UDP, as `address:port`. */
  readonly inherited?: ReadonlySet<string> | undefined;
}

const familyNames = ['IPv4', 'IPv6'] as const satisfies readonly IpFamily[];

/** So many places are asked for one by one; for more of them the kernel shows everything at once. */
const maxQuestions = 8;

/** Forgets what leads astray and returns how many that were. */
export function reconcileUdp(conntrack: Conntrack, plan: Plan, since: Since): number {
  const { before, delta, inherited = new Set<string>() } = since;
  const isWhole = delta === undefined || delta.nodeChanged;
  const changed = changedServers(plan, before, delta).filter(({ ref }) => ref.protocol === 'UDP');
  let forgotten = 0;
  for (const family of familyNames) {
    const places = placesOf([before ?? plan, plan], family, changed);
    if (places.size === 0 && !(isWhole && inherited.size > 0)) continue;
    const astray = new Astray(plan, places, inherited);
    const asked = isWhole || places.size > maxQuestions ? [undefined] : [...places.values()];
    for (const destination of asked) {
      const wanted = destination === undefined ? { family } : { family, destination };
      conntrack.scan({ ...wanted, protocol: 'UDP' }, (entry) => astray.look(entry));
    }
    for (const entry of astray.found) conntrack.forget(entry);
    forgotten += astray.found.length;
  }
  return forgotten;
}

/** Entries that lead elsewhere than the Plan does; where one path leads is found out once. */
class Astray {
  readonly found: ConntrackEntry[] = [];
  private readonly plan: Plan;
  private readonly places: ReadonlyMap<string, SocketAddress>;
  private readonly inherited: ReadonlySet<string>;
  private readonly known = new Map<string, boolean>();

  constructor(
    plan: Plan,
    places: ReadonlyMap<string, SocketAddress>,
    inherited: ReadonlySet<string>,
  ) {
    this.plan = plan;
    this.places = places;
    this.inherited = inherited;
  }

  look(entry: EntryScan): void {
    const path = `${entry.path}${entry.destinationRewritten ? 1 : 0}`;
    let isAstray = this.known.get(path);
    if (isAstray === undefined) {
      isAstray = this.leadsAstray(entry);
      this.known.set(path, isAstray);
    }
    const whole = isAstray ? entry.entry() : undefined;
    if (whole !== undefined) this.found.push(whole);
  }

  private leadsAstray(entry: EntryScan): boolean {
    const [address, port] = [entry.destination(), entry.destinationPort];
    const claim = findFrontend(this.plan, 'UDP', address, port);
    if (claim === undefined) {
      const place = formatSocketAddress({ address, port });
      const wasOurs = this.places.has(place) || this.inherited.has(place);
      return entry.destinationRewritten && wasOurs;
    }
    const answerer = entry.answerer();
    return !claim.server.endpoints.some(
      (endpoint) =>
        (endpoint.serving || endpoint.ready) &&
        endpoint.address === answerer &&
        endpoint.port === entry.answererPort,
    );
  }
}

function changedServers(
  plan: Plan,
  before: Plan | undefined,
  delta: Delta | undefined,
): readonly VirtualServer[] {
  if (delta === undefined || delta.nodeChanged) {
    return [...plan.servers.values(), ...(before?.servers.values() ?? [])];
  }
  return serversOf(delta);
}

/** Where these are reached, and were: what is left of one that has gone. */
function placesOf(
  plans: readonly Plan[],
  family: IpFamily,
  servers: readonly VirtualServer[],
): ReadonlyMap<string, SocketAddress> {
  const all = new Map<string, SocketAddress>();
  const nodeAddresses = new Set(plans.flatMap(({ node }) => node.nodePortAddresses));
  for (const { ref, frontends } of servers) {
    if (ref.family !== family) continue;
    for (const { address, port } of frontends) {
      const own = address === undefined ? nodeAddresses : [address];
      for (const one of own) {
        if (familyOf(one) !== family) continue;
        const place = { address: one, port };
        all.set(formatSocketAddress(place), place);
      }
    }
  }
  return all;
}
