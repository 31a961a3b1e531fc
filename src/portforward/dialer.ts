/**
 * Connections to Pods through the API, from the client's side. A SPDY session carries one connection at a time, and is
 * kept a while for the next to the same Pod: none can hold up another, and most need no new handshake.
 */
import { messageOf, type Clock } from '../model/index.ts';
import type { ByteStream } from '../sys/net/index.ts';
import { channelTunnel } from './channel-tunnel.ts';
import { webSocketLink } from './link.ts';
import { channelProtocol, fieldNames, tunnelProtocol } from './protocols.ts';
import { SpdySession, type SpdyStream } from './spdy-session.ts';
import type { Tunnel } from './tunnel.ts';

export interface PodPort {
  readonly namespace: string;
  readonly name: string;
  readonly port: number;
}

export interface PodDialerOptions {
  /** Asks the API for a WebSocket; undefined when it speaks none of the protocols. Rejects when it refuses. */
  readonly upgrade: (target: PodPort, protocol: string) => Promise<ByteStream | undefined>;
  readonly clock: Clock;
}

export interface PodDialer {
  /** Rejects with what the API says: no such Pod, forbidden; or a stream that was not accepted. */
  open(target: PodPort): Promise<Tunnel>;
  close(): void;
}

/** What servers give a stream before they take it for lost. */
const replyMs = 30_000;
const idleMs = 30_000;
const maxIdleEach = 8;
const maxProblem = 2_000;

interface Kept {
  readonly session: SpdySession;
  readonly stream: ByteStream;
  requests: number;
}

export function createPodDialer(options: PodDialerOptions): PodDialer {
  return new Dialer(options);
}

class Dialer implements PodDialer {
  private readonly options: PodDialerOptions;
  private readonly idle = new Map<string, Kept[]>();
  private readonly all = new Set<Kept>();
  /** Once a server has said that it knows SPDY over WebSocket, or that it does not. */
  private protocol: string | undefined;

  constructor(options: PodDialerOptions) {
    this.options = options;
  }

  async open(target: PodPort): Promise<Tunnel> {
    if (this.protocol !== channelProtocol) {
      const tunnel = await this.overSpdy(target);
      if (tunnel !== undefined) return tunnel;
    }
    const stream = await this.options.upgrade(target, channelProtocol);
    if (stream === undefined) throw new Error('the API speaks no protocol of port-forward');
    this.protocol = channelProtocol;
    return channelTunnel(webSocketLink(stream, 'client'), { side: 'client', port: target.port });
  }

  close(): void {
    for (const { session } of this.all) session.close();
  }

  /** Undefined when the server does not speak it. */
  private async overSpdy(target: PodPort): Promise<Tunnel | undefined> {
    const kept = this.idle.get(keyOf(target))?.pop();
    if (kept !== undefined && !kept.session.isClosed) {
      kept.stream.setIdleTimeout(0);
      // One that rested may have gone without a word: the next is new.
      const tunnel = await this.pair(kept, target).catch(() => undefined);
      if (tunnel !== undefined) return tunnel;
    }
    const stream = await this.askForSpdy(target);
    if (stream === undefined) return undefined;
    this.protocol = tunnelProtocol;
    return await this.pair(this.keep(stream, target), target);
  }

  /** A refusal of the first protocol counts only when the server is known to speak it, or says what holds for any. */
  private async askForSpdy(target: PodPort): Promise<ByteStream | undefined> {
    try {
      return await this.options.upgrade(target, tunnelProtocol);
    } catch (thrown) {
      if (this.protocol === tunnelProtocol || isFinal(thrown)) throw thrown;
      return undefined;
    }
  }

  private keep(stream: ByteStream, target: PodPort): Kept {
    const session = new SpdySession(webSocketLink(stream, 'client'), {
      side: 'client',
      onStream: (unasked) => unasked.destroy(),
      onClosed: () => {
        this.all.delete(kept);
        const idle = this.idle.get(keyOf(target));
        const at = idle?.indexOf(kept) ?? -1;
        if (at >= 0) idle?.splice(at, 1);
        if (idle?.length === 0) this.idle.delete(keyOf(target));
      },
    });
    const kept: Kept = { session, stream, requests: 0 };
    this.all.add(kept);
    return kept;
  }

  private async pair(kept: Kept, target: PodPort): Promise<Tunnel> {
    const { session } = kept;
    const common = [
      [fieldNames.port, String(target.port)],
      [fieldNames.request, String(kept.requests++)],
    ] as const;
    const error = session.open(new Map([[fieldNames.kind, 'error'], ...common]));
    error.end();
    const data = session.open(new Map([[fieldNames.kind, 'data'], ...common]));
    if (await this.inTime(Promise.all([error.replied, data.replied]))) {
      const settled = (isWell: boolean): void => this.settle(kept, target, isWell);
      return new PairTunnel({ data, error, settled, clock: this.options.clock });
    }
    session.close();
    throw new Error('the API did not take the connection in time, or ended it');
  }

  private async inTime(replies: Promise<readonly boolean[]>): Promise<boolean> {
    const waiting = new AbortController();
    const late = this.options.clock.sleep(replyMs, waiting.signal).then(() => [false]);
    const taken = await Promise.race([replies, late]);
    waiting.abort();
    return taken.every(Boolean);
  }

  private settle(kept: Kept, target: PodPort, isWell: boolean): void {
    if (!isWell) return kept.session.close();
    if (kept.session.isClosed) return;
    const idle = this.idle.get(keyOf(target)) ?? [];
    if (idle.length >= maxIdleEach) return kept.session.close();
    kept.stream.setIdleTimeout(idleMs);
    this.idle.set(keyOf(target), [...idle, kept]);
  }
}

function keyOf({ namespace, name }: PodPort): string {
  return `${namespace}/${name}`;
}

/** Another protocol would be told the same. */
function isFinal(thrown: unknown): boolean {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  return ['Unauthorized', 'NotFound', 'TooManyRequests', 'ServiceUnavailable'].includes(code);
}

interface Pair {
  readonly data: SpdyStream;
  readonly error: SpdyStream;
  readonly settled: (isWell: boolean) => void;
  readonly clock: Clock;
}

/** How long a server may take to say at the end that all was well. */
const settleMs = 5_000;

/** The two streams of one connection: the second says at its end whether all was well. */
class PairTunnel implements Tunnel {
  private readonly pair: Pair;
  private readonly data: SpdyStream;
  private problem = '';

  constructor(pair: Pair) {
    this.pair = pair;
    this.data = pair.data;
  }

  start({ onBytes, onEnd, onDrain, onClosed }: Parameters<Tunnel['start']>[0]): void {
    const ended = Promise.withResolvers<string | undefined>();
    this.pair.error.start({
      onBytes: (bytes) => {
        this.problem = `${this.problem}${bytes.toString('utf8')}`.slice(0, maxProblem);
      },
      onEnd: () => undefined,
      onDrain: () => undefined,
      onClosed: (why) => ended.resolve(this.problem === '' ? why : this.problem),
    });
    this.data.start({
      onBytes,
      onDrain,
      onEnd: () => {
        if (this.problem === '') onEnd();
        // The server is done with both directions: what a client still sends goes nowhere.
        this.data.destroy();
      },
      onClosed: (why) => {
        void this.finish(why, ended.promise).then(onClosed);
      },
    });
  }

  write(bytes: Uint8Array): boolean {
    return this.data.write(bytes);
  }

  end(): void {
    this.data.end();
  }

  pause(): void {
    this.data.pause();
  }

  resume(): void {
    this.data.resume();
  }

  destroy(): void {
    this.data.destroy();
  }

  private async finish(
    why: string | undefined,
    ended: Promise<string | undefined>,
  ): Promise<string | undefined> {
    const waiting = new AbortController();
    const late = this.pair.clock.sleep(settleMs, waiting.signal).then(() => 'no end was said');
    const problem = why ?? (await Promise.race([ended, late]));
    waiting.abort();
    this.pair.settled(problem === undefined);
    return this.problem === '' ? problem : this.problem;
  }
}

/** For logs and people: what a dial failed with. */
export function dialProblem({ namespace, name, port }: PodPort, thrown: unknown): string {
  return `Cannot reach port ${port} of Pod ${namespace}/${name}: ${messageOf(thrown)}`;
}
