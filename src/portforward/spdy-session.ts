/**
 * Streams of SPDY/3.1 over one link, as Kubernetes' port-forward has them: no flow control of its own, so that a
 * stream nobody reads pauses the whole link.
 */
import {
  spdyStatus,
  SpdyReader,
  SpdyWriter,
  type SpdyFields,
  type SpdyFrame,
} from '../codec/spdy/index.ts';
import { inflatePart } from '../sys/index.ts';
import type { Link } from './link.ts';
import type { Tunnel, TunnelEvents } from './tunnel.ts';

export interface SpdySessionOptions {
  readonly side: 'client' | 'server';
  /** A stream that the peer opened; it is to be replied to, or reset. */
  onStream(stream: SpdyStream): void;
  /** Called once, after every stream has been told. */
  onClosed(): void;
}

/** More at once are refused: no client of a Pod needs them. */
const maxStreams = 2_000;
const maxEarly = 64;

export class SpdySession {
  private readonly link: Link;
  private readonly options: SpdySessionOptions;
  private readonly reader = new SpdyReader(inflatePart);
  readonly writer = new SpdyWriter();
  private readonly streams = new Map<number, SpdyStream>();
  private readonly paused = new Set<SpdyStream>();
  private nextId: number;
  private problem: string | undefined;
  isClosed = false;

  constructor(link: Link, options: SpdySessionOptions) {
    this.link = link;
    this.options = options;
    this.nextId = options.side === 'client' ? 1 : 2;
    link.start({
      onMessage: (bytes) => {
        for (const frame of this.reader.read(bytes)) this.take(frame);
      },
      onDrain: () => {
        for (const stream of this.streams.values()) stream.drained();
      },
      onClosed: (problem) => {
        this.isClosed = true;
        const why = this.problem ?? problem ?? 'the connection to the API ended';
        for (const stream of this.streams.values()) stream.closed(why);
        this.streams.clear();
        options.onClosed();
      },
    });
  }

  open(fields: SpdyFields): SpdyStream {
    const stream = new SpdyStream(this, this.nextId, fields);
    this.nextId += 2;
    this.streams.set(stream.id, stream);
    this.send(this.writer.open(stream.id, fields));
    return stream;
  }

  /** For streams. */
  send(bytes: Uint8Array): boolean {
    return this.isClosed || this.link.send(bytes);
  }

  pause(stream: SpdyStream): void {
    if (this.paused.size === 0) this.link.pause();
    this.paused.add(stream);
  }

  resume(stream: SpdyStream): void {
    if (this.paused.delete(stream) && this.paused.size === 0) this.link.resume();
  }

  forget(stream: SpdyStream): void {
    this.streams.delete(stream.id);
    this.resume(stream);
  }

  close(): void {
    this.link.close();
  }

  private take(frame: SpdyFrame): void {
    switch (frame.kind) {
      case 'open':
        return this.opened(frame);
      case 'ping':
        // Our own come back to nobody: we send none.
        if (frame.id % 2 === (this.options.side === 'client' ? 0 : 1)) {
          this.send(this.writer.ping(frame.id));
        }
        return;
      case 'broken':
        this.problem = frame.why;
        return this.link.close();
      case 'goaway':
        if (this.streams.size === 0) this.link.close();
        return;
      case 'reply':
      case 'fields':
      case 'data':
      case 'reset':
        this.streams.get(frame.stream)?.take(frame);
    }
  }

  private opened({
    stream: id,
    fields,
    isFinal,
  }: SpdyFrame & { kind: 'open' | 'reply' | 'fields' }): void {
    const isTheirs = id % 2 === (this.options.side === 'client' ? 0 : 1);
    if (!isTheirs || this.streams.has(id) || this.streams.size >= maxStreams) {
      const { protocolError, refused } = spdyStatus;
      this.send(this.writer.reset(id, isTheirs ? refused : protocolError));
      return;
    }
    const stream = new SpdyStream(this, id, fields);
    this.streams.set(id, stream);
    this.options.onStream(stream);
    if (isFinal) stream.take({ kind: 'data', stream: id, isFinal, bytes: Buffer.alloc(0) });
  }
}

export class SpdyStream implements Tunnel {
  readonly id: number;
  readonly fields: SpdyFields;
  /** Resolves true with the peer's reply, false when it refuses. */
  readonly replied: Promise<boolean>;
  private readonly session: SpdySession;
  private readonly reply = Promise.withResolvers<boolean>();
  private events: TunnelEvents | undefined;
  /** What came before somebody wanted it. */
  private readonly early: Buffer[] = [];
  private hasEnded = false;
  private hasSentEnd = false;
  private isOver = false;
  private problem: string | undefined;

  constructor(session: SpdySession, id: number, fields: SpdyFields) {
    this.session = session;
    this.id = id;
    this.fields = fields;
    this.replied = this.reply.promise;
  }

  start(events: TunnelEvents): void {
    this.events = events;
    this.session.resume(this);
    for (const bytes of this.early.splice(0)) events.onBytes(bytes);
    if (this.hasEnded) events.onEnd();
    if (this.isOver) events.onClosed(this.problem);
  }

  /** Takes a stream that the peer opened. */
  accept(): void {
    this.session.send(this.session.writer.reply(this.id));
  }

  write(bytes: Uint8Array): boolean {
    if (this.isOver || this.hasSentEnd) return true;
    return this.session.send(this.session.writer.data(this.id, bytes, false));
  }

  end(): void {
    if (this.isOver || this.hasSentEnd) return;
    this.hasSentEnd = true;
    this.session.send(this.session.writer.data(this.id, Buffer.alloc(0), true));
    if (this.hasEnded) this.closed(undefined);
  }

  pause(): void {
    if (!this.isOver) this.session.pause(this);
  }

  resume(): void {
    this.session.resume(this);
  }

  destroy(): void {
    if (this.isOver) return;
    this.session.send(this.session.writer.reset(this.id, spdyStatus.cancel));
    this.closed(undefined);
  }

  /** For the session. */
  drained(): void {
    this.events?.onDrain();
  }

  take(frame: Exclude<SpdyFrame, { readonly kind: 'ping' | 'goaway' | 'broken' }>): void {
    switch (frame.kind) {
      case 'reset':
        return this.closed('the other side reset the stream');
      case 'data':
        if (frame.bytes.length > 0) {
          if (this.events !== undefined) this.events.onBytes(frame.bytes);
          // Until there is somebody to take it no more is to come.
          else if (this.early.push(frame.bytes) === maxEarly) this.session.pause(this);
        }
        break;
      case 'open':
      case 'reply':
      case 'fields':
        this.reply.resolve(true);
        break;
    }
    if (!frame.isFinal || this.hasEnded) return;
    this.hasEnded = true;
    this.events?.onEnd();
    if (this.hasSentEnd) this.closed(undefined);
  }

  closed(problem: string | undefined): void {
    if (this.isOver) return;
    this.isOver = true;
    this.problem = problem;
    this.reply.resolve(false);
    this.session.forget(this);
    this.events?.onClosed(problem);
  }
}
