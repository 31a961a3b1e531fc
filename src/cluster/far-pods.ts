/**
 * The Pods of a cluster as addresses of this host: each has one of its own, and who connects to it is connected to the
 * Pod through the API.
 */
import { isNotFound } from '../kube/index.ts';
import {
  addressInRange,
  formatSocketAddress,
  messageOf,
  rangeSize,
  type Cidr,
  type Clock,
  type SocketAddress,
} from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { joinTunnel, type PodDialer } from '../portforward/index.ts';
import { listenStreams, NetError, type ByteStream, type Listener } from '../sys/net/index.ts';
import type { FarPort } from './near-objects.ts';

export interface FarPodsOptions {
  readonly dialer: PodDialer;
  /** Addresses of this host that nobody else takes. */
  readonly range: Cidr;
  readonly clock: Clock;
  readonly log: Logger;
  /** The API says that there is no such Pod, which its Service may not know yet. */
  readonly gone: (pod: { readonly namespace: string; readonly pod: string }) => void;
}

export interface FarPods {
  /** Where the port answers here; undefined when this host has no place for it. */
  reach(far: FarPort): Promise<SocketAddress | undefined>;
  /** Closes what is none of these; connections that stand go on. */
  keepOnly(far: readonly FarPort[]): Promise<void>;
  /** What the last connection that could not be made failed with; undefined since one could. */
  problem(): string | undefined;
  close(): Promise<void>;
}

/** Below it listening takes a privilege. */
const firstFreePort = 1_024;
/** A Pod that refuses a thousand clients a second is told of once in a while. */
const quietMs = 10_000;
const loopback = '127.0.0.1';

export function createFarPods(options: FarPodsOptions): FarPods {
  return new Pods(options);
}

class Pods implements FarPods {
  private readonly options: FarPodsOptions;
  private readonly listeners = new Map<string, Promise<Listener | undefined>>();
  private readonly addresses = new Map<string, string>();
  private readonly streams = new Set<ByteStream>();
  private readonly toldAt = new Map<string, number>();
  private next = 1;
  private last: string | undefined;

  constructor(options: FarPodsOptions) {
    this.options = options;
  }

  async reach(far: FarPort): Promise<SocketAddress | undefined> {
    const key = keyOf(far);
    const listening = this.listeners.get(key) ?? this.listen(far);
    this.listeners.set(key, listening);
    return (await listening)?.address;
  }

  async keepOnly(far: readonly FarPort[]): Promise<void> {
    const kept = new Set(far.map(keyOf));
    const pods = new Set(far.map(podOf));
    for (const [key, listening] of this.listeners) {
      if (kept.has(key)) continue;
      this.listeners.delete(key);
      await (await listening)?.close();
    }
    for (const pod of this.addresses.keys()) if (!pods.has(pod)) this.addresses.delete(pod);
  }

  problem(): string | undefined {
    return this.last;
  }

  async close(): Promise<void> {
    await this.keepOnly([]);
    for (const stream of this.streams) stream.destroy();
    this.options.dialer.close();
  }

  private async listen(far: FarPort): Promise<Listener | undefined> {
    const address = this.addressOf(podOf(far));
    const onStream = (stream: ByteStream): void => void this.carry(far, stream);
    const wanted = far.port < firstFreePort ? 0 : far.port;
    // Where 127.0.0.1 is the only one (macOS), and where somebody has the port, another does as well.
    const places = [
      ...(address === undefined
        ? []
        : [
            { address, port: wanted },
            { address, port: 0 },
          ]),
      { address: loopback, port: 0 },
    ];
    for (const at of places) {
      try {
        return await listenStreams(at, onStream);
      } catch (thrown) {
        if (!(thrown instanceof NetError)) throw thrown;
        this.options.log.debug('Cannot listen for a Pod', {
          at: formatSocketAddress(at),
          error: thrown,
        });
      }
    }
    this.options.log.warn('This host has no place for a Pod of the cluster', { ...far });
    return undefined;
  }

  private addressOf(pod: string): string | undefined {
    const known = this.addresses.get(pod);
    if (known !== undefined) return known;
    const { range } = this.options;
    const last = rangeSize(range) - 2;
    const taken = new Set(this.addresses.values());
    for (let tried = 0; tried < last; tried++) {
      const address = addressInRange(range, this.next);
      this.next = this.next >= last ? 1 : this.next + 1;
      if (taken.has(address)) continue;
      this.addresses.set(pod, address);
      return address;
    }
    return undefined;
  }

  private async carry(far: FarPort, near: ByteStream): Promise<void> {
    const { dialer } = this.options;
    this.streams.add(near);
    try {
      const target = { namespace: far.namespace, name: far.pod, port: far.port };
      const problem = await joinTunnel(near, await dialer.open(target));
      if (problem === undefined) this.last = undefined;
      else this.tell(far, problem);
    } catch (thrown) {
      near.destroy('reset');
      this.tell(far, messageOf(thrown));
      if (isNotFound(thrown)) this.options.gone({ namespace: far.namespace, pod: far.pod });
    } finally {
      this.streams.delete(near);
    }
  }

  private tell(far: FarPort, problem: string): void {
    const { clock, log } = this.options;
    const { namespace, pod, port } = far;
    this.last = `Cannot reach port ${port} of Pod ${namespace}/${pod}: ${problem}`;
    const now = clock.monotonic();
    const key = podOf(far);
    if (now - (this.toldAt.get(key) ?? -quietMs) < quietMs) return;
    if (this.toldAt.size > 1_000) this.toldAt.clear();
    this.toldAt.set(key, now);
    log.warn('Cannot reach a Pod through the API', { namespace, pod, port, problem });
  }
}

function podOf({ namespace, pod }: FarPort): string {
  return `${namespace}/${pod}`;
}

function keyOf(far: FarPort): string {
  return `${podOf(far)}:${far.port}`;
}
