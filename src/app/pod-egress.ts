/**
 * Pods with networks of their own ask the world as this host: a table a family, with one rule that masquerades what leaves
 * the ranges of Services and Pods. It is no part of the driver's, which a `proxy` has as well, without such Pods.
 */
import { netlinkProtocols } from '../codec/netlink/index.ts';
import { NftBatch, readTable, tableQuery, type Expression } from '../codec/nftables/index.ts';
import type { Cidr, IpFamily } from '../model/index.ts';
import { isNotFound, type NetlinkSocket, type OpenNetlink } from '../sys/netlink/index.ts';
import { AppError } from './errors.ts';

export interface Egress {
  /** Of Pods. */
  readonly from: Cidr;
  /** What is reached as oneself: Services, Pods and this host. */
  readonly within: Cidr;
}

const name = 'switchyard-pods';
const comment = 'made by Switchyard for its Pods';
const families = {
  IPv4: { number: 2, nft: 'ip', source: 12, destination: 16 },
  IPv6: { number: 10, nft: 'ip6', source: 8, destination: 24 },
} as const;
const names = ['IPv4', 'IPv6'] as const;
/** As `srcnat`. */
const priority = 100;

export class PodEgress {
  private readonly socket: NetlinkSocket;

  constructor(open: OpenNetlink) {
    this.socket = open({ protocol: netlinkProtocols.netfilter, groups: 0 });
  }

  /** In the place of what was there before; all of it or nothing. Throws POD_NETWORK_UNAVAILABLE when that is not ours. */
  set(all: readonly Egress[]): void {
    const batch = new NftBatch();
    this.takeOut(batch);
    for (const { from, within } of all) {
      if (this.whose(from.family) === 'foreign') throw foreign(families[from.family].nft);
      batch.in({ family: families[from.family].number, name });
      batch.addTable(comment);
      const base = { type: 'nat', hook: 'postrouting', priority } as const;
      batch.addChain('postrouting', { base });
      const { source, destination } = families[from.family];
      const expressions: readonly Expression[] = [
        ...inRange(from, source, 'eq'),
        ...inRange(within, destination, 'neq'),
        { kind: 'masquerade' },
      ];
      batch.addRule({ chain: 'postrouting', expressions });
    }
    this.commit(batch);
  }

  /** What was removed, as people name it. */
  remove(): readonly string[] {
    const removed = this.tables();
    const batch = new NftBatch();
    this.takeOut(batch);
    this.commit(batch);
    return removed;
  }

  /** Ours, as people name them. */
  tables(): readonly string[] {
    return this.there().map((family) => `table ${families[family].nft} ${name}`);
  }

  close(): void {
    this.socket.close();
  }

  private commit(batch: NftBatch): void {
    if (!batch.isEmpty) this.socket.request('commit the rules of Pods', batch.finish());
  }

  private takeOut(batch: NftBatch): void {
    for (const family of this.there()) {
      batch.in({ family: families[family].number, name });
      batch.deleteTable();
    }
  }

  private there(): readonly IpFamily[] {
    return names.filter((family) => this.whose(family) === 'ours');
  }

  private whose(family: IpFamily): 'ours' | 'foreign' | 'none' {
    try {
      const query = tableQuery({ family: families[family].number, name });
      const [answer] = this.socket.request('look up a table', query);
      if (answer === undefined) return 'none';
      return readTable(answer).comment === comment ? 'ours' : 'foreign';
    } catch (error) {
      if (isNotFound(error)) return 'none';
      throw error;
    }
  }
}

function foreign(nft: string): AppError {
  const table = `${nft} ${name}`;
  return new AppError(
    'POD_NETWORK_UNAVAILABLE',
    `Cannot make the table ${table}: there is one that Switchyard did not make`,
    {
      remedy: `Look at it, and when nobody needs it: nft delete table ${table}; or start with --pod-network host`,
    },
  );
}

function inRange(range: Cidr, offset: number, op: 'eq' | 'neq'): readonly Expression[] {
  const { bytes, prefix } = range;
  const mask = bytes.map((_, i) => (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))) & 0xff);
  const value = bytes.map((byte, i) => byte & (mask[i] ?? 0));
  const xor = new Uint8Array(bytes.length);
  return [
    { kind: 'payload', base: 'network', offset, length: bytes.length, to: 0 },
    { kind: 'bitwise', from: 0, to: 0, mask, xor },
    { kind: 'cmp', op, from: 0, value },
  ];
}
