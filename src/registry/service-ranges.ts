/**
 * Keeps the ServiceCIDRs true, as the real controller does: each says that it is ready, Services are given addresses
 * of all that are, and one that is deleted stays, by its finalizer, while addresses are given out that no other has.
 */
import {
  finalizers,
  ipAddressKind,
  isAlreadyExists,
  isLeaving,
  isNotFound,
  jsonEqual,
  nameOf,
  serviceCidrKind,
  type Condition,
  type ObjectClient,
  type ServiceCidr,
} from '../kube/index.ts';
import { cidrContains, parseCidr, parseIp, type Cidr } from '../model/index.ts';
import type { AddressRanges } from './address-ranges.ts';
import { ownServiceCidr, rangeInUse, rangeReady } from './service-cidr.ts';

export class ServiceRanges {
  private readonly store: ObjectClient;
  private readonly ranges: AddressRanges;
  private last: Promise<void> = Promise.resolve();
  private leaving = false;

  constructor(store: ObjectClient, ranges: AddressRanges) {
    this.store = store;
    this.ranges = ranges;
  }

  /** Whether one that is deleted waits for addresses to be given back. */
  get isWaiting(): boolean {
    return this.leaving;
  }

  /** The ServiceCIDR of this instance is there and says what is given out. */
  async keepOwn(): Promise<void> {
    const cidrs = this.ranges.ownTexts;
    const own = ownServiceCidr(cidrs);
    try {
      await this.store.create(serviceCidrKind, own);
    } catch (thrown) {
      if (!isAlreadyExists(thrown)) throw thrown;
      const stored = await this.store.get(serviceCidrKind, nameOf(own));
      if (jsonEqual(stored.spec?.cidrs, cidrs)) return;
      await this.store.patch(serviceCidrKind, nameOf(own), { spec: { cidrs } });
    }
  }

  /** Takes the ServiceCIDRs as they are stored now; one call after another, so that the newest is what counts. */
  async follow(): Promise<void> {
    const next = this.last.then(() => this.read());
    this.last = next.catch(() => undefined);
    await next;
  }

  private async read(): Promise<void> {
    const { items } = await this.store.list(serviceCidrKind);
    const own = ownServiceCidr([]).metadata.name;
    const live = items.filter((range) => !isLeaving(range));
    const others = live.filter(({ metadata }) => metadata.name !== own);
    this.ranges.setMore(others.flatMap(cidrsOf));
    for (const range of others) await this.welcome(range);
    const leaving = items.filter(isLeaving);
    const held = leaving.length === 0 ? [] : await this.held(live);
    this.leaving = false;
    for (const range of leaving) {
      const cidrs = cidrsOf(range);
      const isHeld = held.some((bytes) => cidrs.some((cidr) => cidrContains(cidr, bytes)));
      if (range.metadata.name === own || isHeld) await this.say(range, rangeInUse);
      else await this.letGo(range);
      if (range.metadata.name !== own && isHeld) this.leaving = true;
    }
  }

  /** The addresses given out that no range but one on its way out has. */
  private async held(live: readonly ServiceCidr[]): Promise<readonly Uint8Array[]> {
    const { items } = await this.store.list(ipAddressKind);
    const kept = live.flatMap(cidrsOf);
    return items.flatMap(({ metadata }) => {
      const bytes = parseIp(metadata.name);
      const isKept = bytes !== undefined && kept.some((cidr) => cidrContains(cidr, bytes));
      return bytes === undefined || isKept ? [] : [bytes];
    });
  }

  private async welcome(range: ServiceCidr): Promise<void> {
    const { finalizers: given = [] } = range.metadata;
    if (!given.includes(finalizers.serviceCidr)) {
      const metadata = { finalizers: [...given, finalizers.serviceCidr] };
      await this.unlessGone(this.store.patch(serviceCidrKind, nameOf(range), { metadata }));
    }
    await this.say(range, rangeReady);
  }

  private async say(range: ServiceCidr, condition: Condition): Promise<void> {
    const said = range.status?.conditions?.find(({ type }) => type === condition.type);
    const { status, reason = '', message } = condition;
    if (said?.status === status && (said.reason ?? '') === reason && said.message === message) {
      return;
    }
    const patch = { status: { conditions: [condition] } };
    const options = { subresource: 'status' } as const;
    await this.unlessGone(this.store.patch(serviceCidrKind, nameOf(range), patch, options));
  }

  private async letGo(range: ServiceCidr): Promise<void> {
    const left = (range.metadata.finalizers ?? []).filter(
      (each) => each !== finalizers.serviceCidr,
    );
    const metadata = { finalizers: left };
    await this.unlessGone(this.store.patch(serviceCidrKind, nameOf(range), { metadata }));
  }

  /** Somebody took the last finalizer off meanwhile. */
  private async unlessGone(write: Promise<unknown>): Promise<void> {
    try {
      await write;
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
    }
  }
}

function cidrsOf({ spec }: ServiceCidr): readonly Cidr[] {
  return (spec?.cidrs ?? []).flatMap((text) => parseCidr(text) ?? []);
}
