/** Gives each process Pod an address of its own out of the instance's Pod range. */
import { addressInRange, rangeSize, type Cidr, type Random } from '../model/index.ts';
import { NodeError } from './errors.ts';

export class PodAddresses {
  private readonly range: Cidr;
  private readonly taken = new Map<string, string>();
  private next: number;

  /** Starts at a random place: a process left behind by a killed instance may still hold its old address. */
  constructor(range: Cidr, random: Random) {
    this.range = range;
    this.next = 1 + Math.floor(random() * (rangeSize(range) - 2));
  }

  /** The Pod's address: the one it has, else the next free one; freed addresses are reused last. */
  take(podUid: string): string {
    const own = this.taken.get(podUid);
    if (own !== undefined) return own;
    const used = new Set(this.taken.values());
    const last = rangeSize(this.range) - 2;
    for (let tried = 0; tried < last; tried++) {
      const address = addressInRange(this.range, this.next);
      this.next = this.next >= last ? 1 : this.next + 1;
      if (used.has(address)) continue;
      this.taken.set(podUid, address);
      return address;
    }
    throw new NodeError(
      'POD_ADDRESSES_EXHAUSTED',
      'Cannot give the Pod an address: all are taken',
      {
        remedy: 'Delete Pods that are no longer needed',
      },
    );
  }

  /** The address it had in the process before us. */
  keep(podUid: string, address: string): void {
    this.taken.set(podUid, address);
  }

  release(podUid: string): void {
    this.taken.delete(podUid);
  }
}
