/** The sockets this driver listens on, the binds that were refused, and nothing about why they are wanted. */
import { isDeepStrictEqual } from 'node:util';
import type { FrontendFailure, SocketAddress, StandIn } from '../../model/index.ts';
import type { Descriptors, ListenAt } from '../../sys/net/index.ts';
import { bind, bindFailures, type Binding, type Bound } from './bind.ts';
import type { HandedSocket } from './hand-over.ts';
import { placeKey, type CarriedProtocol, type WantedListener } from './render.ts';

/** How many binds are under way at once. */
const bindsAtOnce = 64;

interface OpenListener {
  readonly listener: Bound;
  readonly standIn: SocketAddress | undefined;
  /** Key of the place it is really at. */
  readonly boundKey: string;
}

interface Refusal {
  readonly inUse: boolean;
  readonly failures: readonly FrontendFailure[];
}

export interface ListenersOptions {
  /** By protocol: listens at `at` for clients that mean to go to `declared`. */
  readonly open: Readonly<
    Record<CarriedProtocol, (declared: SocketAddress, at: ListenAt) => Promise<Bound>>
  >;
  /** Sockets of the process before us, by key; what is taken is taken out. */
  readonly inherited?: Map<string, HandedSocket> | undefined;
}

export class Listeners {
  private readonly options: ListenersOptions;
  private readonly wanted = new Map<string, WantedListener>();
  private readonly open = new Map<string, OpenListener>();
  private readonly refused = new Map<string, Refusal>();
  /** By the place bound: which wanted listener stands in there. */
  private readonly standInsAt = new Map<string, string>();

  constructor(options: ListenersOptions) {
    this.options = options;
  }

  /** Open, or refused and to be tried again. */
  has(key: string): boolean {
    return this.wanted.has(key);
  }

  isOpen(key: string): boolean {
    return this.open.has(key);
  }

  /** Wanted and refused so far. */
  waiting(): readonly WantedListener[] {
    return this.valuesOf(this.refused.keys());
  }

  /** Says what an open listener is for now; its socket stays. Returns whether a stand-in reads differently. */
  retarget(wanted: WantedListener): boolean {
    const before = this.wanted.get(wanted.key);
    if (before === undefined) return false;
    this.wanted.set(wanted.key, wanted);
    return (
      this.open.get(wanted.key)?.standIn !== undefined &&
      (before.server.id !== wanted.server.id ||
        !isDeepStrictEqual(before.frontends, wanted.frontends))
    );
  }

  /** Binds what is not open; real places first, so that no stand-in takes one. Returns how many it opened. */
  async openAll(all: readonly WantedListener[]): Promise<number> {
    const before = this.open.size;
    await inParallel(
      all.filter((w) => w.at.port >= 1024),
      (wanted) => this.openOne(wanted),
    );
    await inParallel(
      all.filter((w) => w.at.port < 1024),
      (wanted) => this.openOne(wanted),
    );
    return this.open.size - before;
  }

  /** Closes and forgets. Returns how many sockets it closed. */
  async closeAll(keys: Iterable<string>): Promise<number> {
    const closing: Promise<void>[] = [];
    for (const key of keys) {
      this.wanted.delete(key);
      this.refused.delete(key);
      const found = this.open.get(key);
      if (found === undefined) continue;
      this.open.delete(key);
      if (found.standIn !== undefined) this.standInsAt.delete(found.boundKey);
      closing.push(found.listener.close());
    }
    await Promise.all(closing);
    return closing.length;
  }

  /**
   * Tries again what lost its place to a socket of our own: one that is closed by now, or a stand-in, which
   * then moves on. Returns how many sockets it opened and closed.
   */
  async resolveCollisions(candidates: readonly WantedListener[]): Promise<number> {
    const blocked = candidates.filter((w) => this.refused.get(w.key)?.inUse === true);
    const movers = this.valuesOf(
      blocked.flatMap((w) => {
        const key = this.standInsAt.get(w.key);
        return key === undefined ? [] : [key];
      }),
    );
    const closed = await this.closeAll(movers.map((w) => w.key));
    return closed + (await this.openAll(blocked)) + (await this.openAll(movers));
  }

  /** Closes those of one protocol. */
  async closeSome(protocol: CarriedProtocol): Promise<void> {
    const all = [...this.wanted.values()].filter((wanted) => wanted.protocol === protocol);
    await this.closeAll(all.map(({ key }) => key));
  }

  /** Closes everything. */
  async close(): Promise<void> {
    await this.closeAll([...this.wanted.keys()]);
  }

  /** Stops taking from all of them; throws when one cannot be handed on, and then some are to be resumed. */
  suspend(by: Descriptors): readonly HandedSocket[] {
    return [...this.open].map(([key, { listener }]) => ({
      key,
      address: listener.address,
      descriptor: listener.suspend(by),
    }));
  }

  async resume(): Promise<void> {
    await Promise.all([...this.open.values()].map(({ listener }) => listener.resume()));
  }

  failures(): readonly FrontendFailure[] {
    return [...this.refused.values()].flatMap((refusal) => refusal.failures);
  }

  standIns(): readonly StandIn[] {
    return this.valuesOf(this.standInsAt.values()).flatMap((wanted) => {
      const address = this.open.get(wanted.key)?.standIn;
      return address === undefined
        ? []
        : wanted.frontends.map((frontend) => ({ server: wanted.server.id, frontend, address }));
    });
  }

  private async openOne(wanted: WantedListener): Promise<void> {
    const { key, at, protocol } = wanted;
    const open = this.options.open[protocol];
    const binding = (await this.inherit(wanted)) ?? (await bind(at, (place) => open(at, place)));
    this.wanted.set(key, wanted);
    if (binding.kind === 'refused') {
      const inUse = binding.error.code === 'NET_ADDRESS_IN_USE';
      const failures = bindFailures(wanted, binding.error, binding.at);
      this.refused.set(key, { inUse, failures });
      return;
    }
    const { listener, standIn } = binding;
    this.refused.delete(key);
    const boundKey = placeKey(protocol, listener.address);
    this.open.set(key, { listener, standIn, boundKey });
    if (standIn !== undefined) this.standInsAt.set(boundKey, key);
  }

  /** Takes over the socket another process bound for this; undefined when there is none. */
  private async inherit({ key, at, protocol }: WantedListener): Promise<Binding | undefined> {
    const { inherited, open } = this.options;
    const handed = inherited?.get(key);
    if (handed === undefined) return undefined;
    inherited?.delete(key);
    const { address, descriptor } = handed;
    const listener = await open[protocol](at, { ...address, descriptor });
    const isWanted = address.port === at.port && address.address === at.address;
    return { kind: 'bound', listener, standIn: isWanted ? undefined : listener.address };
  }

  private valuesOf(keys: Iterable<string>): readonly WantedListener[] {
    const found: WantedListener[] = [];
    for (const key of keys) {
      const wanted = this.wanted.get(key);
      if (wanted !== undefined) found.push(wanted);
    }
    return found;
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (): Promise<void> => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: Math.min(bindsAtOnce, items.length) }, lane));
}
