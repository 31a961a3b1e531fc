/** Where each process Pod is: its address, and the network it is in when it has one of its own. */
import type { Cidr, Random } from '../model/index.ts';
import { PodAddresses } from './pod-addresses.ts';

export interface PodPlace {
  /** One a family, the one out of the Pod range first. */
  readonly addresses: readonly string[];
  /** Runs `work` there, at once and to its end: programs it starts are the Pod's. */
  run<T>(work: () => T): T;
  close(): void;
}

export interface PodNetwork {
  /** A place for the Pod `NAMESPACE/NAME`, which nobody else has that address in. Throws when there can be none. */
  join(pod: string, address: string): PodPlace;
}

export interface PodPlacesOptions {
  readonly podRange: Cidr;
  readonly random: Random;
  /** Undefined: every address is this host's own. */
  readonly network?: PodNetwork | undefined;
}

export class PodPlaces {
  private readonly addresses: PodAddresses;
  private readonly network: PodNetwork;
  private readonly open = new Map<string, PodPlace>();

  constructor({ podRange, random, network = hostNetwork }: PodPlacesOptions) {
    this.addresses = new PodAddresses(podRange, random);
    this.network = network;
  }

  /** The one it has, else a new one. */
  take(uid: string, pod: string): PodPlace {
    const own = this.open.get(uid);
    if (own !== undefined) return own;
    const address = this.addresses.take(uid);
    try {
      const place = this.network.join(pod, address);
      this.open.set(uid, place);
      return place;
    } catch (thrown) {
      this.addresses.release(uid);
      throw thrown;
    }
  }

  /** The address it had in the process before us. */
  keep(uid: string, address: string): void {
    this.addresses.keep(uid, address);
  }

  release(uid: string): void {
    this.open.get(uid)?.close();
    this.open.delete(uid);
    this.addresses.release(uid);
  }
}

const hostNetwork: PodNetwork = {
  join: (_pod, address) => ({
    addresses: [address],
    run: (work) => work(),
    close: () => undefined,
  }),
};
