/** Netlink sockets: a request and its answer, a batch and its verdict, and what the kernel tells without being asked. */
import {
  netlinkTypes,
  readAttributes,
  readMessages,
  textAt,
  type NetlinkMessage,
} from '../../codec/netlink/index.ts';
import { loadNetlinkCalls, type NetlinkCalls, type NetlinkOpen } from '../ffi/index.ts';
import { netlinkError, type NetlinkError } from './errors.ts';

export interface NetlinkSocket {
  /** Sends and returns what the kernel answered, errors left out. Throws the first error as NetlinkError. */
  request(what: string, bytes: Uint8Array): readonly NetlinkMessage[];
  /** As `request`, for answers too many to keep: each is good only while `visit` looks at it. */
  dump(what: string, bytes: Uint8Array, visit: (message: NetlinkMessage) => void): void;
  /**
   * Calls back with each message that arrives unasked, good only while it looks at it: sockets with groups have no
   * use for `request`. When too many come at once some are lost. `onFailed`: none will come any more.
   */
  onMessages(callback: (message: NetlinkMessage) => void, onFailed: (error: unknown) => void): void;
  close(): void;
}

/** Throws NetlinkError when the socket is refused; opens as many sockets as it is asked for. */
export type OpenNetlink = (options: NetlinkOpen) => NetlinkSocket;

const roomBytes = 1 << 18;
/** NLM_F_CAPPED, NLM_F_ACK_TLVS: which of the original request follows, and that the kernel's words do. */
const ackFlags = { capped: 0x100, words: 0x200 } as const;
const wordsAttribute = 1;
const offsetAttribute = 2;

/** Rejects with FfiError where the C library cannot be called. `wrap`: for who measures the calls. */
export async function loadNetlink(
  wrap: (calls: NetlinkCalls) => NetlinkCalls = (calls) => calls,
): Promise<OpenNetlink> {
  const calls = wrap(await loadNetlinkCalls());
  return (options) => new Socket(calls, options);
}

class Socket implements NetlinkSocket {
  private readonly calls: NetlinkCalls;
  private readonly fd: number;
  private readonly room = new Uint8Array(roomBytes);
  private stopWatching: (() => void) | undefined;
  private isClosed = false;

  constructor(calls: NetlinkCalls, options: NetlinkOpen) {
    this.calls = calls;
    this.fd = calls.open(options);
    if (this.fd < 0) throw netlinkError('open a netlink socket', calls.nameOf(this.fd));
  }

  request(what: string, bytes: Uint8Array): readonly NetlinkMessage[] {
    const answers: NetlinkMessage[] = [];
    this.dump(what, bytes, (message) => {
      answers.push({ ...message, body: message.body.slice() });
    });
    return answers;
  }

  dump(what: string, bytes: Uint8Array, visit: (message: NetlinkMessage) => void): void {
    const sent = this.calls.send(this.fd, bytes);
    if (sent < 0) throw netlinkError(what, this.calls.nameOf(sent));
    let failure: NetlinkError | undefined;
    // The kernel answers within send; a dump goes on with each read until it says it is done.
    this.drain(what, (message) => {
      if (message.type === netlinkTypes.error) failure ??= this.errorOf(what, message);
      else if (message.type !== netlinkTypes.done) visit(message);
    });
    if (failure !== undefined) throw failure;
  }

  onMessages(
    callback: (message: NetlinkMessage) => void,
    onFailed: (error: unknown) => void,
  ): void {
    const watch = this.calls.watchReadable(this.fd, () => {
      try {
        this.drain('listen to the kernel', callback);
      } catch (error) {
        this.close();
        onFailed(error);
      }
    });
    watch.unref();
    this.stopWatching = () => watch.close();
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.stopWatching?.();
    this.calls.close(this.fd);
  }

  private drain(what: string, visit: (message: NetlinkMessage) => void): void {
    // Whoever is shown a message may close.
    while (!this.isClosed) {
      const length = this.calls.receive(this.fd, this.room);
      if (length < 0) {
        const errno = this.calls.nameOf(length);
        if (errno === 'EAGAIN' || errno === 'EWOULDBLOCK') return;
        if (errno === 'EINTR') continue;
        if (errno !== 'ENOBUFS') throw netlinkError(what, errno);
        continue;
      }
      const bytes = this.room.subarray(0, Math.min(length, this.room.length));
      for (const message of readMessages(bytes)) visit(message);
    }
  }

  /** Undefined for an acknowledgement. */
  private errorOf(what: string, { flags, body }: NetlinkMessage): NetlinkError | undefined {
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const errno = body.length < 4 ? 0 : view.getInt32(0, true);
    if (errno === 0) return undefined;
    const original = body.length < 20 ? 0 : view.getUint32(4, true);
    const sequence = body.length < 20 ? 0 : view.getUint32(12, true);
    const at = 4 + ((flags & ackFlags.capped) === 0 ? (original + 3) & ~3 : 16);
    const told = (flags & ackFlags.words) === 0 ? undefined : readAttributes(body, at);
    const offset = told?.get(offsetAttribute);
    return netlinkError(what, this.calls.nameOf(errno), {
      words: told && textAt(told, wordsAttribute),
      refused: {
        sequence,
        offset:
          offset === undefined || offset.length < 4
            ? undefined
            : new DataView(offset.buffer, offset.byteOffset).getUint32(0, true),
      },
    });
  }
}
