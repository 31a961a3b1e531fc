/**
 * The way of a connection's first packet through the hooks, over the rules that were rendered: what becomes of it,
 * whom the backend sees, and which rule did what. Needs no kernel, so that every case can be told from its rules.
 */
import { formatIp, type Flow } from '../../model/index.ts';
import { addressBytes, concatenate, families, tableName, word, type Family } from './family.ts';
import { runChain, type Circumstances, type TracedPacket } from './trace-rules.suite.ts';
import type { TracedTable, TracedTables } from './trace-tables.suite.ts';

export interface TracedFlow {
  readonly flow: Flow;
  /** The interface it comes in through; empty for the node's own. */
  readonly comesThrough: string;
  /** Addresses that are the node's own. */
  readonly ownAddresses: readonly string[];
  /** A mark that somebody else has given the connection. */
  readonly mark?: number;
}

export interface Traced {
  readonly ending: 'forward' | 'reject' | 'drop' | 'pass';
  /** Where it goes. */
  readonly address: string;
  readonly port: number;
  readonly masked: boolean;
  /** What is left of the connection's mark, and of the packet's priority. */
  readonly mark: number;
  readonly steps: readonly string[];
}

type Hook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting';

const protocols = { TCP: 6, UDP: 17, SCTP: 132 } as const;
const stateNew = 8;
const statusDnat = 1 << 5;

/** `around` is what lasts from packet to packet: turns and the time. */
export function tracePacket(
  tables: TracedTables,
  traced: TracedFlow,
  around: Omit<Circumstances, 'steps'>,
): Traced {
  const { flow, ownAddresses } = traced;
  const family = families[flow.destination.includes(':') ? 'IPv6' : 'IPv4'];
  const table = tables.table(family.number, tableName);
  const packet = new Packet(traced, family);
  const steps: string[] = [];
  const run = (hook: Hook): 'drop' | 'reject' | undefined => {
    steps.push(`-- ${hook}`);
    return runHook(hook, packet, { table, around: { ...around, steps } });
  };
  const isLocal = (): boolean => ownAddresses.includes(packet.address);
  const ending =
    run(flow.entry === 'node' ? 'output' : 'prerouting') ??
    (flow.entry === 'node' ? undefined : run(isLocal() ? 'input' : 'forward')) ??
    (flow.entry !== 'node' && isLocal() ? undefined : run('postrouting'));
  const { address, port, masked, mark, isForwarded } = packet;
  return {
    ending: ending ?? (isForwarded ? 'forward' : 'pass'),
    address,
    port,
    masked,
    mark,
    steps,
  };
}

/** All base chains of a hook, the lower priority first. */
function runHook(
  hook: Hook,
  packet: TracedPacket,
  { table, around }: { readonly table: TracedTable; readonly around: Circumstances },
): 'drop' | 'reject' | undefined {
  const chains = [...table.chains.values()]
    .filter(({ base }) => base?.hook === hook)
    .toSorted((a, b) => (a.base?.priority ?? 0) - (b.base?.priority ?? 0));
  for (const { name } of chains) {
    const ending = runChain(name, packet, { table, around });
    if (ending === 'drop' || ending === 'reject') return ending;
  }
  return undefined;
}

class Packet implements TracedPacket {
  masked = false;
  isForwarded = false;
  private readonly flow: Flow;
  private readonly family: Family;
  private readonly comesThrough: string;
  private destination: Uint8Array;
  private destinationPort: Uint8Array;
  private connectionMark: Uint8Array;
  private priority = word(0);

  constructor({ flow, comesThrough, mark = 0 }: TracedFlow, family: Family) {
    this.flow = flow;
    this.family = family;
    this.comesThrough = comesThrough;
    this.destination = addressBytes(flow.destination);
    this.destinationPort = portBytes(flow.destinationPort);
    this.connectionMark = word(mark);
  }

  get address(): string {
    return formatIp(this.destination);
  }

  get port(): number {
    return new DataView(this.destinationPort.buffer).getUint16(0);
  }

  get mark(): number {
    return new DataView(this.connectionMark.buffer).getUint32(0, true);
  }

  payload(base: 'network' | 'transport', offset: number, length: number): Uint8Array {
    const { sourceOffset, destinationOffset } = this.family;
    const header = new Uint8Array(64);
    if (base === 'network') {
      header.set(addressBytes(this.flow.source), sourceOffset);
      header.set(this.destination, destinationOffset);
    } else {
      header.set(concatenate(portBytes(this.flow.sourcePort), this.destinationPort));
    }
    return header.slice(offset, offset + length);
  }

  meta(key: 'mark' | 'iifname' | 'l4proto' | 'priority'): Uint8Array {
    switch (key) {
      case 'mark':
        return word(0);
      case 'priority':
        return this.priority;
      case 'l4proto':
        return Uint8Array.of(protocols[this.flow.protocol]);
      case 'iifname': {
        const name = new Uint8Array(16);
        new TextEncoder().encodeInto(this.comesThrough, name);
        return name;
      }
    }
  }

  ct(key: Parameters<TracedPacket['ct']>[0]): Uint8Array {
    switch (key) {
      case 'state':
        return word(stateNew);
      case 'status':
        return word(this.isForwarded ? statusDnat : 0);
      case 'mark':
        return this.connectionMark;
      case 'protoDst':
        return portBytes(this.flow.destinationPort);
      case 'srcIp':
      case 'srcIp6':
        return addressBytes(this.flow.source);
      case 'dstIp':
      case 'dstIp6':
        return addressBytes(this.flow.destination);
    }
  }

  setPriority(value: Uint8Array): void {
    this.priority = Uint8Array.from(value);
  }

  setMark(value: Uint8Array): void {
    this.connectionMark = Uint8Array.from(value);
  }

  dnat(address: Uint8Array, port: Uint8Array): void {
    this.destination = Uint8Array.from(address);
    this.destinationPort = Uint8Array.from(port);
    this.isForwarded = true;
  }

  masquerade(): void {
    this.masked = true;
  }
}

function portBytes(port: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(port >> 8, port & 0xff);
}
