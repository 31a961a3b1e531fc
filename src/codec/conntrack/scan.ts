/**
 * Reads entries of a dump where they lie: a table has a hundred thousand of them and more, and a question about all
 * must not make ten objects of each. Fields hold until the next `read`.
 */
import { formatIp } from '../../model/index.ts';
import type { NetlinkMessage } from '../netlink/index.ts';
import { readEntry, type ConntrackEntry } from './entry.ts';
import {
  counters,
  destinationNat,
  entry,
  headerBytes,
  ip,
  openStates,
  protocolInfo,
  protocolPart,
  tuple,
} from './numbers.ts';

export class EntryScan {
  protocol = 0;
  /** Of the original direction: what the client asked for. */
  destinationPort = 0;
  /** Of the reply: who really answers. */
  answererPort = 0;
  destinationRewritten = false;
  /** False when its ends have parted and the kernel only remembers it; UDP has no end that could be seen. */
  isOpen = true;
  /** To the endpoint and back; 0 and `hasCounters` false where the kernel did not count. */
  bytesTo = 0;
  bytesFrom = 0;
  hasCounters = false;
  private message: NetlinkMessage | undefined;
  private body: Buffer = Buffer.alloc(0);
  private destinationAt = 0;
  private answererAt = 0;
  private addressBytes = 0;

  /** False when it is none with ports: the fields then say nothing. */
  read(message: NetlinkMessage): boolean {
    const { body } = message;
    this.message = message;
    this.body = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.reset();
    let parts = 0;
    let at = headerBytes;
    const end = this.body.length;
    while (at + 4 <= end) {
      const length = this.body.readUInt16LE(at);
      if (length < 4 || at + length > end) return false;
      const type = this.body.readUInt16LE(at + 2) & 0x3fff;
      if (type === entry.original || type === entry.reply) {
        if (!this.readTuple(at + 4, at + length, type === entry.original)) return false;
        parts++;
      } else this.readField(type, at + 4, length - 4);
      at += (length + 3) & ~3;
    }
    return parts === 2;
  }

  /** The same for all connections from anybody through one frontend address to one endpoint. */
  get path(): string {
    const { body, destinationAt, answererAt, addressBytes } = this;
    return (
      body.toString('latin1', destinationAt, destinationAt + addressBytes) +
      body.toString('latin1', answererAt, answererAt + addressBytes) +
      String.fromCharCode(this.protocol, this.destinationPort, this.answererPort)
    );
  }

  /** The whole of it, to keep. */
  entry(): ConntrackEntry | undefined {
    return this.message && readEntry(this.message);
  }

  destination(): string {
    return this.addressAt(this.destinationAt);
  }

  answerer(): string {
    return this.addressAt(this.answererAt);
  }

  private addressAt(at: number): string {
    return formatIp(Uint8Array.from(this.body.subarray(at, at + this.addressBytes)));
  }

  private reset(): void {
    this.destinationRewritten = false;
    this.hasCounters = false;
    this.isOpen = true;
    this.bytesTo = 0;
    this.bytesFrom = 0;
  }

  private readField(type: number, at: number, length: number): void {
    if (type === entry.status && length >= 4) {
      this.destinationRewritten = (this.body.readUInt32BE(at) & destinationNat) !== 0;
    } else if (type === entry.protocolInfo) {
      this.isOpen = this.stateIsOpen(at, at + length);
    } else if (type === entry.countersOriginal || type === entry.countersReply) {
      const bytes = this.counterAt(at, at + length);
      if (bytes === undefined) return;
      this.hasCounters = true;
      if (type === entry.countersOriginal) this.bytesTo = bytes;
      else this.bytesFrom = bytes;
    }
  }

  private stateIsOpen(from: number, end: number): boolean {
    for (const protocol of ['tcp', 'sctp'] as const) {
      const info = this.find(from, end, protocolInfo[protocol]);
      const at = info === undefined ? undefined : this.find(info, end, protocolInfo.state);
      if (at === undefined) continue;
      const state = this.body[at] ?? 0;
      return state >= openStates[protocol].first && state <= openStates[protocol].last;
    }
    return true;
  }

  private counterAt(from: number, end: number): number | undefined {
    const at = this.find(from, end, counters.bytes);
    if (at === undefined || at + 8 > end) return undefined;
    return this.body.readUInt32BE(at) * 2 ** 32 + this.body.readUInt32BE(at + 4);
  }

  private readTuple(from: number, end: number, isOriginal: boolean): boolean {
    const addresses = this.find(from, end, tuple.ip);
    const ports = this.find(from, end, tuple.protocol);
    if (addresses === undefined || ports === undefined) return false;
    const addressEnd = addresses - 4 + this.body.readUInt16LE(addresses - 4);
    const portsEnd = ports - 4 + this.body.readUInt16LE(ports - 4);
    const [four, six] = isOriginal ? [ip.destination4, ip.destination6] : [ip.source4, ip.source6];
    const fourAt = this.find(addresses, addressEnd, four);
    const address = fourAt ?? this.find(addresses, addressEnd, six);
    const number = this.find(ports, portsEnd, protocolPart.number);
    const port = this.find(
      ports,
      portsEnd,
      isOriginal ? protocolPart.destinationPort : protocolPart.sourcePort,
    );
    this.addressBytes = fourAt === undefined ? 16 : 4;
    if (address === undefined || number === undefined || port === undefined) return false;
    if (address + this.addressBytes > addressEnd || port + 2 > portsEnd) return false;
    if (number + 1 > portsEnd) return false;
    this.protocol = this.body[number] ?? 0;
    if (isOriginal) {
      this.destinationAt = address;
      this.destinationPort = this.body.readUInt16BE(port);
    } else {
      this.answererAt = address;
      this.answererPort = this.body.readUInt16BE(port);
    }
    return true;
  }

  /** Where the value of an attribute begins. */
  private find(from: number, end: number, wanted: number): number | undefined {
    let at = from;
    while (at + 4 <= end) {
      const length = this.body.readUInt16LE(at);
      if (length < 4 || at + length > end) return undefined;
      if ((this.body.readUInt16LE(at + 2) & 0x3fff) === wanted) return at + 4;
      at += (length + 3) & ~3;
    }
    return undefined;
  }
}
