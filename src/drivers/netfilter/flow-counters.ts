/**
 * What connections carry, by the endpoint that answers them, from the kernel's own table of connections: how many
 * are open when somebody asks, and their bytes. Those of a connection that has ended come with the event of its end,
 * so that none is missed between two questions; the kernel tells the end of those alone that began while somebody
 * listened. Nothing is kept of a connection.
 */
import { conntrackGroups, EntryScan, type ConntrackEntry } from '../../codec/conntrack/index.ts';
import { netlinkProtocols } from '../../codec/netlink/index.ts';
import { endpointKey, type Plan } from '../../model/index.ts';
import type { NetlinkSocket, OpenNetlink } from '../../sys/netlink/index.ts';
import { endpointOf, type Conntrack } from './conntrack.ts';

export interface FlowCounts {
  readonly open: number;
  /** Undefined while no connection has been seen that the kernel counts. */
  readonly bytes: { readonly in: number; readonly out: number } | undefined;
}

interface Tally {
  open: number;
  /** Of connections that have ended, of those that are open, and what was told last: it never goes down. */
  readonly ended: Bytes;
  readonly live: Bytes;
  readonly told: Bytes;
}

interface Bytes {
  in: number;
  out: number;
}

/** So many ends without a count, and none with one: the kernel does not count, and nobody needs to listen. */
const enoughUncounted = 64;

export class FlowCounters {
  private readonly conntrack: Conntrack;
  private readonly listen: () => NetlinkSocket;
  private listener: NetlinkSocket | undefined;
  private readonly entry = new EntryScan();
  private plan: Plan | undefined;
  /** By ServicePort id and endpoint key. */
  private readonly tallies = new Map<string, Map<string, Tally>>();
  /** By path of a connection; undefined for one that is none of ours. */
  private paths = new Map<string, Tally | undefined>();
  private counted = false;
  private uncounted = 0;

  /** `open` opens the socket it listens with. */
  constructor(conntrack: Conntrack, open: OpenNetlink, namespace: string | undefined) {
    this.conntrack = conntrack;
    this.listen = () =>
      open({ protocol: netlinkProtocols.netfilter, groups: conntrackGroups.destroyed, namespace });
  }

  /** To be called with each Plan in force. */
  follow(plan: Plan): void {
    this.plan = plan;
    this.paths = new Map();
    if (this.listener === undefined && this.uncounted === 0) this.startListening();
  }

  /** True when connections were seen, and none of them had been counted. */
  get accountingOff(): boolean {
    return !this.counted && this.uncounted > 0;
  }

  /**
   * By ServicePort id and endpoint key; what is not in there has nothing open and carried nothing. Undefined when the
   * kernel does not show its connections.
   */
  observe(): ReadonlyMap<string, ReadonlyMap<string, FlowCounts>> | undefined {
    for (const own of this.tallies.values()) {
      for (const tally of own.values()) {
        tally.open = 0;
        tally.live.in = 0;
        tally.live.out = 0;
      }
    }
    try {
      for (const family of ['IPv4', 'IPv6'] as const) {
        this.conntrack.scan({ family, rewritten: true }, (entry) => this.addLive(entry));
      }
    } catch {
      return undefined;
    }
    if (this.counted && this.listener === undefined) this.startListening();
    this.forgetGone();
    return new Map(
      [...this.tallies].map(([id, own]) => [
        id,
        new Map([...own].map(([key, tally]) => [key, this.tell(tally)])),
      ]),
    );
  }

  close(): void {
    this.listener?.close();
    this.listener = undefined;
  }

  private startListening(): void {
    try {
      this.listener = this.listen();
    } catch {
      // Forwarding goes on without the bytes of connections that end.
      return;
    }
    this.listener.onMessages(
      (message) => {
        if (this.entry.read(message)) this.addEnded(this.entry);
      },
      // Bytes of those that end meanwhile are missed; the next question listens again.
      () => this.close(),
    );
  }

  private addLive(entry: EntryScan): void {
    const tally = this.tallyOf(entry);
    if (tally === undefined) return;
    if (entry.isOpen) tally.open++;
    if (this.isCounted(entry)) {
      tally.live.in += entry.bytesTo;
      tally.live.out += entry.bytesFrom;
    }
  }

  private addEnded(entry: EntryScan): void {
    const tally = this.tallyOf(entry);
    if (tally === undefined) return;
    if (this.isCounted(entry)) {
      tally.ended.in += entry.bytesTo;
      tally.ended.out += entry.bytesFrom;
    } else if (!this.counted && this.uncounted >= enoughUncounted) this.close();
  }

  private isCounted(entry: EntryScan): boolean {
    if (entry.hasCounters) this.counted = true;
    else this.uncounted++;
    return entry.hasCounters;
  }

  private tallyOf(entry: EntryScan): Tally | undefined {
    if (!entry.destinationRewritten) return undefined;
    const { path } = entry;
    const known = this.paths.get(path);
    if (known !== undefined || this.paths.has(path)) return known;
    const found = this.findTally(entry.entry());
    this.paths.set(path, found);
    return found;
  }

  private findTally(entry: ConntrackEntry | undefined): Tally | undefined {
    const place = this.plan && entry && endpointOf(this.plan, entry);
    if (place === undefined) return undefined;
    const { server, endpoint } = place;
    const own = this.tallies.get(server) ?? new Map<string, Tally>();
    this.tallies.set(server, own);
    const key = endpointKey(endpoint);
    const zero = (): Bytes => ({ in: 0, out: 0 });
    const tally: Tally = own.get(key) ?? {
      open: 0,
      ended: zero(),
      live: zero(),
      told: zero(),
    };
    own.set(key, tally);
    return tally;
  }

  private tell({ open, ended, live, told }: Tally): FlowCounts {
    if (!this.counted) return { open, bytes: undefined };
    // One that ended while the table was read is in neither sum until its event is.
    told.in = Math.max(told.in, ended.in + live.in);
    told.out = Math.max(told.out, ended.out + live.out);
    return { open, bytes: { ...told } };
  }

  /** What nobody can ask for any more. */
  private forgetGone(): void {
    for (const [id, own] of this.tallies) {
      const server = this.plan?.servers.get(id);
      const keys = new Set(server?.endpoints.map(endpointKey));
      for (const key of own.keys()) if (!keys.has(key)) own.delete(key);
      if (own.size === 0) this.tallies.delete(id);
    }
    this.paths = new Map();
  }
}
