/** Answers what is outside of the zone: from the cache, or by asking upstream, once for all who ask the same. */
import { randomBytes } from 'node:crypto';
import {
  decodeMessage,
  encodeMessage,
  formatType,
  headerFlags,
  rcodes,
  recordClasses,
  recordTypes,
  type DnsQuestion,
  type DnsRecord,
  type ScannedQuery,
} from '../../codec/dns/index.ts';
import type { Clock, Random, SocketAddress } from '../../model/index.ts';
import type { ComponentStatus, Logger } from '../../obs/index.ts';
import type { AnswerBody } from '../answer-body.ts';
import type { DnsCounters } from '../counters.ts';
import { encodeReply, ownUdpSize } from '../reply.ts';
import type { Elsewhere } from '../responder.ts';
import {
  agedBody,
  AnswerCache,
  isAging,
  isFresh,
  isServable,
  type ForeignAnswer,
} from './answer-cache.ts';
import { exchange } from './exchange.ts';
import { readForeignAnswer } from './foreign-answer.ts';
import { Upstreams, type Upstream, type UpstreamPolicy } from './upstreams.ts';

export interface ForwarderOptions {
  readonly servers: readonly SocketAddress[];
  readonly policy: UpstreamPolicy;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly counters: DnsCounters;
  /** How long one server may take, and all of them together. */
  readonly tryMs: number;
  readonly totalMs: number;
}

/** Questions on their way at once; more are refused, as CoreDNS' `max_concurrent` does. */
const maxConcurrent = 1_000;
const dnssecOk = 0x8000;

/** What is asked for, apart from who asks. */
interface Wanted {
  readonly question: DnsQuestion;
  readonly wantsDnssec: boolean;
  readonly checkingDisabled: boolean;
}

type Fetched = {
  readonly rcode: number;
  readonly body: AnswerBody | undefined;
  readonly message: Uint8Array | undefined;
};

export class Forwarder implements Elsewhere {
  private readonly options: ForwarderOptions;
  private readonly upstreams: Upstreams;
  private readonly cache = new AnswerCache();
  private readonly inFlight = new Map<string, Promise<ForeignAnswer | undefined>>();
  private readonly stopping = new AbortController();
  private readonly probes = new Map<string, Upstream>();
  private started = false;

  constructor(options: ForwarderOptions) {
    this.options = options;
    this.upstreams = new Upstreams(options);
  }

  async start(): Promise<void> {
    this.started = true;
    this.probe(this.upstreams.all);
  }

  /** The servers asked from now on; questions under way end where they are. */
  setServers(servers: readonly SocketAddress[]): void {
    const before = new Set(this.upstreams.all);
    this.upstreams.replace(servers);
    if (this.started) this.probe(this.upstreams.all.filter((upstream) => !before.has(upstream)));
  }

  /** Asks each server for a name only we can be asked for: if that comes back, the server leads here. */
  private probe(upstreams: readonly Upstream[]): void {
    for (const upstream of upstreams) {
      const name = `${randomBytes(9).toString('hex')}.${randomBytes(9).toString('hex')}`;
      this.probes.set(name, upstream);
      void this.ask(upstream, wantedOf({ name, type: recordTypes.HINFO, class: recordClasses.IN }));
    }
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await Promise.all(this.inFlight.values());
  }

  cacheEntries(): number {
    return this.cache.size;
  }

  status(): ComponentStatus {
    const looping = this.upstreams.all.filter(({ loops }) => loops).length;
    if (looping === 0) return { state: 'ready', detail: undefined };
    return {
      state: 'degraded',
      detail: `${looping} upstream servers send our questions back to us`,
    };
  }

  async forward(request: Uint8Array, query: ScannedQuery, limit: number): Promise<Uint8Array> {
    const probed = query.type === recordTypes.HINFO ? this.probes.get(query.name) : undefined;
    if (probed !== undefined) this.upstreams.looped(probed);
    const { name, type, class: recordClass } = query;
    const { rcode, body } = await this.fetch({
      question: { name, type, class: recordClass },
      wantsDnssec: query.edns?.wantsDnssec ?? false,
      checkingDisabled: (query.flags & headerFlags.checkingDisabled) !== 0,
    });
    this.options.counters.response(rcode);
    return encodeReply(request, query, body, {
      rcode,
      authoritative: false,
      recursionAvailable: true,
      limit,
      rotate: 0,
    });
  }

  async lookup(question: DnsQuestion): Promise<readonly DnsRecord[]> {
    const { rcode, message } = await this.fetch(wantedOf(question));
    if (rcode !== rcodes.NOERROR || message === undefined) return [];
    const answers = decodeMessage(message)?.answers ?? [];
    return answers.filter(({ type }) => type === question.type || type === recordTypes.CNAME);
  }

  private async fetch(wanted: Wanted): Promise<Fetched> {
    const { clock, counters } = this.options;
    const { question, wantsDnssec, checkingDisabled } = wanted;
    const key = `${question.name.toLowerCase()} ${formatType(question.type)} ${wantsDnssec} ${checkingDisabled}`;
    const cached = this.cache.get(key);
    const now = clock.monotonic();
    if (cached !== undefined && isFresh(cached, now)) {
      counters.cacheHits++;
      if (isAging(cached, now) && !cached.refreshing) {
        cached.refreshing = true;
        void this.shared(key, wanted);
      }
      const { rcode, message } = cached.answer;
      return { rcode, message, body: agedBody(cached, now) };
    }
    counters.cacheMisses++;
    if (this.inFlight.size >= maxConcurrent && !this.inFlight.has(key)) {
      counters.forwardRefused++;
      return { rcode: rcodes.REFUSED, body: undefined, message: undefined };
    }
    const answer = await this.shared(key, wanted);
    if (answer !== undefined && answer.rcode !== rcodes.SERVFAIL) return answer;
    if (cached !== undefined && isServable(cached, clock.monotonic())) {
      counters.cacheServedStale++;
      const { rcode, message } = cached.answer;
      return { rcode, message, body: agedBody(cached, clock.monotonic()) };
    }
    return { rcode: rcodes.SERVFAIL, body: undefined, message: undefined };
  }

  private shared(key: string, wanted: Wanted): Promise<ForeignAnswer | undefined> {
    const known = this.inFlight.get(key);
    if (known !== undefined) return known;
    const asked = this.askInTurn(wanted)
      .then((answer) => {
        if (answer !== undefined) this.cache.set(key, answer, this.options.clock.monotonic());
        return answer;
      })
      .finally(() => this.inFlight.delete(key));
    this.inFlight.set(key, asked);
    return asked;
  }

  /** The first good answer; a SERVFAIL when that is all there is. */
  private async askInTurn(wanted: Wanted): Promise<ForeignAnswer | undefined> {
    const { clock, totalMs } = this.options;
    const until = clock.monotonic() + totalMs;
    let bad: ForeignAnswer | undefined;
    for (const upstream of this.upstreams.order()) {
      if (this.stopping.signal.aborted || clock.monotonic() >= until) break;
      const answer = await this.ask(upstream, wanted);
      if (answer === undefined) continue;
      if (answer.rcode !== rcodes.SERVFAIL && answer.rcode !== rcodes.REFUSED) return answer;
      bad = answer;
    }
    return bad;
  }

  private async ask(upstream: Upstream, wanted: Wanted): Promise<ForeignAnswer | undefined> {
    const { counters, tryMs } = this.options;
    counters.forwards++;
    const message = await exchange(upstream.address, {
      question: wanted.question,
      query: encodeQuery(wanted),
      signal: this.stopping.signal,
      timeoutMs: tryMs,
    });
    const answer = message === undefined ? undefined : readForeignAnswer(message);
    if (answer === undefined) {
      counters.forwardFailures++;
      if (!this.stopping.signal.aborted) this.upstreams.failed(upstream);
    } else this.upstreams.succeeded(upstream);
    return answer;
  }
}

function wantedOf(question: DnsQuestion): Wanted {
  return { question, wantsDnssec: false, checkingDisabled: false };
}

function encodeQuery({ question, wantsDnssec, checkingDisabled }: Wanted): Uint8Array {
  const checking = checkingDisabled ? headerFlags.checkingDisabled : 0;
  return encodeMessage({
    id: 0,
    flags: headerFlags.recursionDesired | checking,
    questions: [question],
    answers: [],
    authorities: [],
    additionals: [
      {
        name: '',
        type: recordTypes.OPT,
        class: ownUdpSize,
        ttlSeconds: wantsDnssec ? dnssecOk : 0,
        data: { kind: 'OPT', options: [] },
      },
    ],
  });
}
