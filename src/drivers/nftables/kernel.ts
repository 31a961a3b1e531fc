/** Our tables in the kernel: one commit, whether they are still ours, what they have counted. */
import {
  elementsQuery,
  NftBatch,
  readCounts,
  readElements,
  readTable,
  someElementsQuery,
  tableQuery,
  type ElementCount,
  type TableElement,
  type TableInfo,
} from '../../codec/nftables/index.ts';
import { formatIp, formatSocketAddress, type IpFamily } from '../../model/index.ts';
import { isNotFound, type NetlinkSocket } from '../../sys/netlink/index.ts';
import { NftablesError } from './errors.ts';
import { concatenate, families, readPlaceKey, tableName } from './family.ts';
import type { Refusals } from './refusals.ts';

/** By this comment a table of our name is known to be ours, whichever version made it. */
export const tableComment = 'made by Switchyard, which makes it anew when it is changed';
const commentStart = 'made by Switchyard';

const familyNames = ['IPv4', 'IPv6'] as const satisfies readonly IpFamily[];
/** Of keys of four bytes; far below what fits. */
const keysAtOnce = 1_000;

export class Kernel {
  private readonly socket: NetlinkSocket;
  private readonly refusals: Refusals;

  constructor(socket: NetlinkSocket, refusals: Refusals) {
    this.socket = socket;
    this.refusals = refusals;
  }

  /** All of it or nothing: throws what the kernel said. */
  commit(batch: NftBatch): void {
    if (batch.isEmpty) return;
    const bytes = batch.finish();
    try {
      this.socket.request('commit rules', bytes);
    } catch (error) {
      throw this.refusals.refused(bytes, error);
    }
  }

  private table(family: IpFamily): TableInfo | undefined {
    return tableOf(this.socket, family);
  }

  /** What changes whenever one of the tables is taken away or made anew. */
  identity(): string {
    return familyNames.map((family) => String(this.table(family)?.handle)).join(' ');
  }

  /** Those of our name that are there: `table ip switchyard`. */
  tables(): readonly string[] {
    return familyNames
      .filter((family) => this.table(family) !== undefined)
      .map((family) => `table ${family === 'IPv4' ? 'ip' : 'ip6'} ${tableName}`);
  }

  /** Throws NFTABLES_TABLE_FOREIGN when somebody else has a table of our name. */
  refuseForeign(): void {
    refuseForeign(this.socket);
  }

  /** Connections by slot: all, or those of these slots. */
  counts(family: IpFamily, slots?: readonly Uint8Array[]): readonly ElementCount[] {
    const ref = refOf(family);
    if (slots === undefined) {
      return this.ask(elementsQuery(ref, 'slots'));
    }
    const found: ElementCount[] = [];
    for (let i = 0; i < slots.length; i += keysAtOnce) {
      const some = slots.slice(i, i + keysAtOnce);
      found.push(...this.ask(someElementsQuery(ref, 'slots', some)));
    }
    return found;
  }

  /**
   * Where the tables that are there now serve UDP, as `address:port`, whoever of us made them. NodePorts of an earlier
   * run are at the addresses the tables say.
   */
  servedUdp(): ReadonlySet<string> {
    const served = new Set<string>();
    for (const name of familyNames) {
      const family = families[name];
      const ports: number[] = [];
      for (const { key } of this.elements(name, 'services')) {
        const place = readPlaceKey(key, family);
        if (place?.protocol === 'UDP') served.add(formatSocketAddress(place));
      }
      for (const { key } of this.elements(name, 'node-ports')) {
        const place = readPlaceKey(concatenate(new Uint8Array(family.addressBytes), key), family);
        if (place?.protocol === 'UDP') ports.push(place.port);
      }
      if (ports.length === 0) continue;
      for (const { key } of this.elements(name, 'node-port-ips')) {
        const address = formatIp(key);
        for (const port of ports) served.add(formatSocketAddress({ address, port }));
      }
    }
    return served;
  }

  remove(): void {
    const batch = new NftBatch();
    for (const family of familyNames) {
      batch.in(refOf(family));
      batch.addTable();
      batch.deleteTable();
    }
    this.commit(batch);
  }

  /** Empty when there is no such set or map: another version may have had another layout. */
  elements(family: IpFamily, set: string): readonly TableElement[] {
    try {
      return this.socket
        .request('read elements', elementsQuery(refOf(family), set))
        .flatMap(readElements);
    } catch (error) {
      if (isNotFound(error)) return [];
      throw error;
    }
  }

  private ask(query: Uint8Array): readonly ElementCount[] {
    return this.socket.request('read counters', query).flatMap(readCounts);
  }
}

/** As the method, without a Kernel. */
export function refuseForeign(socket: NetlinkSocket): void {
  for (const family of familyNames) {
    const found = tableOf(socket, family);
    if (found === undefined || found.comment?.startsWith(commentStart) === true) continue;
    const nft = family === 'IPv4' ? 'ip' : 'ip6';
    throw new NftablesError(
      'NFTABLES_TABLE_FOREIGN',
      `Cannot make the table ${nft} ${tableName}: there is one that Switchyard did not make`,
      { remedy: `Look at it, and when nobody needs it: nft delete table ${nft} ${tableName}` },
    );
  }
}

/** Whether there is a table of our name, in either family. */
export function hasOwnTable(socket: NetlinkSocket): boolean {
  return familyNames.some((family) => tableOf(socket, family) !== undefined);
}

function tableOf(socket: NetlinkSocket, family: IpFamily): TableInfo | undefined {
  try {
    const [answer] = socket.request('look up a table', tableQuery(refOf(family)));
    return answer && readTable(answer);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

function refOf(family: IpFamily): { readonly family: number; readonly name: string } {
  return { family: families[family].number, name: tableName };
}
