/**
 * The door to UDP sockets, beside the one to TCP in engine.ts. One suite (`udp.suite.ts`) proves whoever stands
 * behind it.
 *
 * Like the network itself nothing here promises delivery: what the system cannot take at once is dropped, so
 * memory is bounded. Datagrams handed out belong to whoever gets them.
 */
import type { SocketAddress } from '../../model/index.ts';
import type { ListenAt, Suspendable } from './engine.ts';
import type { NetError } from './errors.ts';

export interface UdpEngine {
  readonly name: 'portable' | 'epoll';
  /**
   * Receives at exactly this address; port 0 takes a free one. Answers leave from the address bound, so it should
   * be one address and not all of them.
   * Rejects with NetError: NET_ADDRESS_IN_USE, NET_NOT_PERMITTED, NET_ADDRESS_NOT_AVAILABLE, NET_FAILED.
   */
  bind(
    at: ListenAt,
    onDatagram: (bytes: Uint8Array, source: SocketAddress) => void,
  ): Promise<UdpListener>;
  /**
   * A socket of its own to one peer, which so hears when the peer's host says that nobody is there. It may be
   * sent to at once.
   */
  connect(to: SocketAddress, handlers: UdpHandlers): UdpPeer;
}

/** Suspended it still sends. */
export interface UdpListener extends Suspendable {
  /** The address bound, with its real port. */
  readonly address: SocketAddress;
  /** Sends from the address bound. */
  send(bytes: Uint8Array, to: SocketAddress): void;
  /** Frees the address; nothing is received afterwards. Harmless when called twice. */
  close(): Promise<void>;
}

/** None of these is called from within `connect` or `send`, nor after `close`. */
export interface UdpHandlers {
  onDatagram(bytes: Uint8Array): void;
  /**
   * The peer refused (NET_REFUSED), cannot be reached (NET_UNREACHABLE), or the system gave no socket
   * (NET_FAILED); called once, and the socket is closed. `unsent` never left this host.
   */
  onFailed(error: NetError, unsent: readonly Uint8Array[]): void;
}

export interface UdpPeer {
  send(bytes: Uint8Array): void;
  /** Harmless when called twice. */
  close(): void;
}
