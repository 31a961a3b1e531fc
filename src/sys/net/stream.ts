/**
 * A connection whose bytes somebody here reads and writes: HTTP. Reading hands out the engine's own buffer, so that
 * nothing is allocated for a read; writing goes to the system at once, and only what it does not take is kept.
 */
import type { Socket } from 'node:net';
import type { SocketAddress } from '../../model/index.ts';
import type { Connection, NetEngine } from './engine.ts';

/** Called from the event loop only, never from within a call on the same Stream. */
export interface StreamHandlers {
  /** The first `length` bytes came; they are the engine's again when this returns. */
  onBytes(bytes: Uint8Array, length: number): void;
  /** The peer sends no more; it may still listen. */
  onEnd(): void;
  /** All that was kept is taken, after `write` returned false. */
  onDrain(): void;
  /** The connection is gone, unless it was released before. Called once. */
  onClosed(): void;
}

export interface Stream {
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
  /**
   * Sends the first `length` bytes, all of them by default; what the system does not take is copied. False: some
   * is kept, and `onDrain` follows. What is written to a connection that has failed is dropped: what came from
   * it before is read first, then `onClosed` says so.
   */
  write(bytes: Uint8Array, length?: number): boolean;
  readonly unsentBytes: number;
  /**
   * Whether the peer, as far as the system knows this moment, is there and has said nothing: for a connection that
   * rests. The portable engine knows what Node has told it, which may be a turn old.
   */
  isQuiet(): boolean;
  /** No `onBytes` until `resume`. */
  pause(): void;
  resume(): void;
  /** Ends our direction, after what is unsent. */
  end(): void;
  /** Closes at once; with RST when `reset`. */
  destroy(how?: 'reset' | 'close'): void;
  /**
   * Gives the connection up as a socket of Node, with `early` as the first bytes it reads: for TLS and HTTP/2.
   * No handler is called any more.
   */
  toSocket(early?: Uint8Array): Socket;
}

/** An engine that also lets its connections be read and written here. */
export interface StreamEngine extends NetEngine {
  /** The connection belongs to the stream from now on. */
  open(connection: Connection, handlers: StreamHandlers): Stream;
  /** How connections go on in other threads; undefined where all is done in one. */
  readonly passing?: Passing | undefined;
}

/** A connection on its way to another thread, as plain data: its descriptor is whose this is. */
export interface Passed {
  readonly descriptor: number;
  readonly remote: SocketAddress;
  readonly local: SocketAddress;
}

/** Passing connections that nobody has read from between the threads of a process, each with an engine of its own. */
export interface Passing {
  /** How many threads were asked for, this one among them. */
  readonly workers: number;
  /** Gives one away, to the thread that keeps this ledger; undefined: it is gone. */
  give(connection: Connection, to: Ledger): Passed | undefined;
  /** Closes, with RST, what a thread held that is no more. */
  bury(ledger: Ledger): void;
}

/** The engine of a thread that connections are given to. */
export interface ThreadEngine extends StreamEngine {
  take(passed: Passed): Connection;
  /** To be called before the thread ends, whatever ends it: nothing is told afterwards. */
  end(): void;
}

/**
 * What descriptors a thread holds, by number, in memory that outlives it: the system closes them only with the process.
 */
export type Ledger = SharedArrayBuffer;
