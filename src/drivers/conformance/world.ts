/**
 * Where a case happens: who the clients and backends are and what addresses they have. Loopback for drivers that
 * forward with sockets, network namespaces for those that need packets.
 */
import type { Entry, IpFamily, NodeView, Protocol, SocketAddress } from '../../model/index.ts';
import type { AskOptions, Backend, Held, Met } from './peers.ts';
import type { UdpClient } from './udp-peers.ts';

export type Carried = Exclude<Protocol, 'SCTP'>;

/** Where a client stands. */
export interface Client {
  readonly entry: Entry;
  /** The address it comes from when it is not told. */
  readonly source: (family: IpFamily) => string;
  ask(protocol: Carried, to: SocketAddress, options?: AskOptions): Promise<Met>;
  hold(to: SocketAddress): Promise<Held>;
  openUdp(to: SocketAddress): Promise<UdpClient>;
}

export interface World {
  readonly node: Partial<NodeView>;
  /** Who asks when a case does not say who. */
  readonly client: Client;
  /** More addresses that client can come from. */
  readonly sources: readonly string[];
  /** What a client meets where nobody is. */
  readonly nobody: Met['kind'];
  /** An address for a Service, or a free port at the address that is given. */
  freePlace(protocol: Carried, address?: string): Promise<SocketAddress>;
  /** An address of the family to make Services and endpoints at; undefined where there is none. */
  addressOf(family: IpFamily): Promise<string | undefined>;
  /** A live server at an address of the world's choice, or at this one. */
  backend(protocol: Carried, name: string, address?: string): Promise<Backend>;
}
