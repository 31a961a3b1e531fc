/**
 * Clients of a UDP frontend, for measuring: each a socket of its own, since a driver balances flows and knows them by
 * where they come from. Their ports are held until the end: one that comes again would be the same flow.
 */
import { randomBytes } from 'node:crypto';
import type { SocketAddress } from '../model/index.ts';
import { NetError, openDatagrams, sourceTowards, type Datagrams } from '../sys/net/index.ts';

/** Held at once; a port given back may come again. */
const maxHeld = 4_000;

export class UdpClients {
  private readonly target: SocketAddress;
  /** Of all of them: a client to whom affinity may hold. */
  private source: string | undefined;
  private readonly held: Datagrams[] = [];

  constructor(target: SocketAddress) {
    this.target = target;
  }

  /** A new flow: says nothing, in an empty datagram. Rejects with NetError; returns where it comes from. */
  async begin(): Promise<SocketAddress> {
    const client = await this.open();
    this.held.push(client);
    if (this.held.length > maxHeld) await this.held.shift()?.close();
    client.send(new Uint8Array(0), this.target);
    return client.address;
  }

  async close(): Promise<void> {
    await Promise.all(this.held.splice(0).map((client) => client.close()));
  }

  private async open(): Promise<Datagrams> {
    const source = (this.source ??= await sourceFor(this.target));
    try {
      return await openDatagrams({ address: source, port: 0 }, () => undefined);
    } catch (thrown) {
      const isElsewhere = thrown instanceof NetError && thrown.code === 'NET_ADDRESS_NOT_AVAILABLE';
      if (!isElsewhere || !source.startsWith('127.')) throw thrown;
      // Only Linux has all of 127/8.
      this.source = '127.0.0.1';
      return await openDatagrams({ address: this.source, port: 0 }, () => undefined);
    }
  }
}

/** On loopback another one each time, because flows outlive their measurement; elsewhere what the system would take. */
async function sourceFor(target: SocketAddress): Promise<string> {
  if (!target.address.startsWith('127.')) return await sourceTowards(target);
  const [a = 0, b = 0, c = 0] = randomBytes(3);
  return `127.${200 + (a % 50)}.${b}.${1 + (c % 254)}`;
}
