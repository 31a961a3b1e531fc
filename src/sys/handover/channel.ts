/**
 * A conversation of two processes in messages of JSON, any of which may carry descriptors: a Unix socket that keeps
 * messages apart. A message is sent in pieces: first the descriptors, a batch a piece, then the text.
 */
import { messageOf } from '../../model/index.ts';
import { errnos, mostDescriptors, systemError, type Libc, type Watch } from '../ffi/index.ts';
import { HandoverError } from './errors.ts';

export interface Message {
  readonly value: unknown;
  /** In the order they were sent; whoever gets them closes them. */
  readonly descriptors: readonly number[];
}

export interface Channel {
  /** Rejects with HANDOVER_BROKEN when the peer has gone. */
  send(value: unknown, descriptors?: readonly number[]): Promise<void>;
  /** The next message; one asks at a time. Rejects with HANDOVER_BROKEN: the peer has gone, or was silent for so long. */
  receive(timeoutMs: number): Promise<Message>;
  /** Descriptors that nobody received are closed with it. */
  close(): void;
}

const kinds = { descriptors: 1, part: 2, last: 3 } as const;
const partBytes = 60_000;
/** A snapshot of everything; more than this is no snapshot of ours. */
const maxMessageBytes = 256 << 20;
const retryMs = 1;

/** `fd` is connected and belongs to the channel. */
export function createChannel(libc: Libc, fd: number): Channel {
  return new SocketChannel(libc, fd);
}

class SocketChannel implements Channel {
  private readonly libc: Libc;
  private readonly fd: number;
  private readonly watch: Watch;
  private readonly parts: Uint8Array[] = [];
  private size = 0;
  private descriptors: number[] = [];
  private readonly arrived: Message[] = [];
  private broken: HandoverError | undefined;
  private wake: (() => void) | undefined;
  private closed = false;

  constructor(libc: Libc, fd: number) {
    this.libc = libc;
    this.fd = fd;
    // Promises resolved in the callback itself would wait for the next event of another kind.
    this.watch = libc.watchReadable(fd, () => setImmediate(() => this.read()));
  }

  async send(value: unknown, descriptors: readonly number[] = []): Promise<void> {
    for (let at = 0; at < descriptors.length; at += mostDescriptors) {
      const batch = descriptors.slice(at, at + mostDescriptors);
      await this.push(Uint8Array.of(kinds.descriptors), batch);
    }
    const text = Buffer.from(JSON.stringify(value));
    for (let at = 0; at < text.length; at += partBytes) {
      const part = text.subarray(at, at + partBytes);
      const kind = at + partBytes < text.length ? kinds.part : kinds.last;
      await this.push(Buffer.concat([Uint8Array.of(kind), part]), []);
    }
  }

  async receive(timeoutMs: number): Promise<Message> {
    const timer = setTimeout(() => {
      this.fail(`it was silent for ${timeoutMs} ms`);
    }, timeoutMs);
    try {
      for (;;) {
        const message = this.arrived.shift();
        if (message !== undefined) return message;
        if (this.broken !== undefined) throw this.broken;
        await new Promise<void>((resolve) => (this.wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.fail('the conversation is over');
    for (const { descriptors } of this.arrived) this.closeAll(descriptors);
    this.closeAll(this.descriptors);
    this.libc.close(this.fd);
  }

  private async push(bytes: Uint8Array, descriptors: readonly number[]): Promise<void> {
    for (;;) {
      if (this.closed || this.broken !== undefined) throw this.broken ?? broken('it is closed');
      const result = this.libc.sendMessage(this.fd, bytes, descriptors);
      if (result >= 0) return;
      // Full for now, of bytes or of descriptors on their way: the peer is still reading.
      const full = [errnos.EAGAIN, errnos.ENOBUFS, errnos.ETOOMANYREFS].some((e) => e === -result);
      if (!full) throw broken(messageOf(systemError(this.libc, 'sendmsg', result)));
      await new Promise((resolve) => setTimeout(resolve, retryMs));
    }
  }

  private read(): void {
    while (!this.closed && this.broken === undefined) {
      const got = this.libc.receiveMessage(this.fd);
      if (typeof got === 'number') {
        if (got !== -errnos.EAGAIN && got !== -errnos.EINTR) {
          this.fail(messageOf(systemError(this.libc, 'recvmsg', got)));
        }
        return;
      }
      if (got.bytes.length === 0) return this.fail('it has gone');
      this.descriptors.push(...got.descriptors);
      this.take(got.bytes[0], got.bytes.subarray(1));
    }
  }

  private take(kind: number | undefined, bytes: Uint8Array): void {
    if (kind === kinds.descriptors) return;
    this.parts.push(bytes);
    this.size += bytes.length;
    if (this.size > maxMessageBytes) return this.fail('it sent more than is taken');
    if (kind !== kinds.last) return;
    const text = Buffer.concat(this.parts.splice(0)).toString('utf8');
    this.size = 0;
    const { descriptors } = this;
    this.descriptors = [];
    try {
      this.arrived.push({ value: JSON.parse(text), descriptors });
    } catch (cause) {
      this.closeAll(descriptors);
      return this.fail(`it sent no JSON: ${messageOf(cause)}`);
    }
    this.wake?.();
  }

  private fail(reason: string): void {
    // Watched on, a socket whose peer has gone would be readable for ever.
    // Watched on, a socket whose peer has gone would be readable for ever.
    if (this.broken === undefined) this.watch.close();
    this.broken ??= broken(reason);
    this.wake?.();
  }

  private closeAll(descriptors: readonly number[]): void {
    for (const fd of descriptors) this.libc.close(fd);
  }
}

function broken(reason: string): HandoverError {
  return new HandoverError('HANDOVER_BROKEN', `Cannot talk to the other process: ${reason}`);
}
