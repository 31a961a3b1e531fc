/**
 * The door to TCP sockets, thread-agnostic: whoever holds an engine gets its callbacks on the same thread.
 *
 * Two engines stand behind it, proved by one suite (`engine.suite.ts`): `portable` (node:net, everywhere)
 * and, on Linux, `epoll`. Every connection keeps itself alive: after a minute without a byte the system asks the
 * peer, and a peer that vanished counts as failed. A Connection belongs to the engine that made it and to one Relay at most.
 */
import type { SocketAddress } from '../../model/index.ts';
import type { ClientWords } from './client-words.ts';

export interface NetEngine {
  readonly name: 'portable' | 'epoll';
  /**
   * Listens at exactly this address; port 0 takes a free one. `onConnection` gets each connection paused: an
   * engine that has to read to notice that the peer went away reads at most 64 KiB ahead, and `relay` passes
   * those bytes on first.
   * Rejects with NetError: NET_ADDRESS_IN_USE, NET_NOT_PERMITTED, NET_ADDRESS_NOT_AVAILABLE, NET_FAILED.
   */
  listen(at: ListenAt, onConnection: (connection: Connection) => void): Promise<Listener>;
  /**
   * Connects; the connection comes paused. An attempt that is given up holds nothing.
   * Rejects with NetError: NET_REFUSED, NET_TIMED_OUT, NET_UNREACHABLE, NET_ABORTED, NET_FAILED.
   */
  connect(to: SocketAddress, options: ConnectOptions): Promise<Connection>;
  /**
   * Joins two paused connections until both directions have ended: bytes, half-close and resets pass through,
   * and a slow reader slows its writer. Never rejects; both connections are closed when it settles, but for a
   * client that is left `unanswered`.
   */
  relay(client: Connection, backend: Connection, options?: RelayOptions): Relay;
}

export interface RelayOptions {
  /** Goes to the backend at once and before all else; it is not counted. */
  readonly preface?: Uint8Array | undefined;
  /**
   * Keeps what the client says until the backend answers. A backend that goes before its first byte, by whatever
   * way, then ends the relay as `unanswered`: the client is still there, paused, and the next relay with the same
   * words begins by saying them again.
   */
  readonly words?: ClientWords | undefined;
}

export interface ConnectOptions {
  readonly timeoutMs: number;
  /** The address to come from; the system chooses when it is undefined. */
  readonly localAddress?: string | undefined;
  readonly signal?: GiveUpSignal | undefined;
}

/** What an engine needs of an AbortSignal: whoever connects all the time may have something cheaper. */
export interface GiveUpSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
  removeEventListener(type: 'abort', listener: () => void): void;
}

/** Where to listen. With a descriptor: the socket is there already, bound by a process that handed it over. */
export interface ListenAt extends SocketAddress {
  readonly descriptor?: number | undefined;
}

/** What the C library knows about descriptors, and Node does not. */
export interface Descriptors {
  /** Another one of the same file; a negated errno when that fails. */
  duplicate(descriptor: number): number;
  close(descriptor: number): number;
}

/** A socket that can be handed to another process. */
export interface Suspendable {
  /**
   * Takes nothing any more; what comes waits in the kernel until `resume`, or until another process takes it.
   * Returns a descriptor that is good until `resume` or `close`. Throws NET_FAILED when there is none, and then
   * nothing has changed.
   */
  suspend(by: Descriptors): number;
  resume(): Promise<void>;
}

export interface Listener extends Suspendable {
  /** The address bound, with its real port. */
  readonly address: SocketAddress;
  /**
   * Stops accepting and frees the address; accepted connections stay. Resolves when it is free; harmless when
   * called twice.
   */
  close(): Promise<void>;
}

export interface Connection {
  readonly local: SocketAddress;
  readonly remote: SocketAddress;
  /** Closes at once: with RST when `reset`, else without waiting for what is unsent. */
  destroy(how?: 'reset' | 'close'): void;
  /**
   * Called once when the connection is gone, also when it went before a relay took it, and at once when it
   * is gone already. A peer that only ended its own direction is not gone: it may wait for an answer.
   */
  onClosed(listener: () => void): void;
}

export interface Relay {
  /** Read at any time; grow while it runs. */
  readonly bytesFromClient: number;
  readonly bytesFromBackend: number;
  /** Settles when both directions have ended. */
  readonly done: Promise<RelayEnd>;
  /** Ends both sides with RST. */
  destroy(): void;
}

/** How a relay ended: both sides finished, one was reset or failed first, or the client waits for another backend. */
export type RelayEnd = 'finished' | 'client-failed' | 'backend-failed' | 'destroyed' | 'unanswered';
