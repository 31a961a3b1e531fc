/**
 * From the bytes of a query to the bytes of its answer. What the zone answers is kept as bytes, by the question
 * as it was spelled, until the Service it came from changes.
 */
import {
  headerLength,
  rcodes,
  recordClasses,
  scanPlainQuery,
  scanQuery,
  type DnsQuestion,
  type DnsRecord,
  type RcodeName,
  type ScannedQuery,
} from '../codec/dns/index.ts';
import { encodeBody, type AnswerBody } from './answer-body.ts';
import type { DnsCounters } from './counters.ts';
import {
  encodeRefusal,
  encodeReply,
  isTruncated,
  ownUdpSize,
  plainUdpSize,
  repeatReply,
  udpLimit,
  type ReplyTo,
} from './reply.ts';
import { resolve } from './resolve.ts';
import type { ServiceView } from './service-view.ts';
import type { World } from './world.ts';
import type { ZoneAnswer } from './zone-answer.ts';

export type Transport = 'udp' | 'tcp';

/** Answers what is not ours. */
export interface Elsewhere {
  /** The whole response to the client; never rejects. */
  forward(request: Uint8Array, query: ScannedQuery, limit: number): Promise<Uint8Array>;
  /** The records that answer a question outside of the zone; none when there is no answer. */
  lookup(question: DnsQuestion): Promise<readonly DnsRecord[]>;
  /** How many answers are kept now. */
  cacheEntries?(): number;
}

export interface ResponderOptions {
  readonly world: World;
  /** Undefined: everything outside of the zone is refused. */
  readonly elsewhere: Elsewhere | undefined;
  readonly counters: DnsCounters;
}

interface HotAnswer {
  readonly from: ServiceView;
  /** Of the SOA in it; undefined: it has none. */
  readonly serial: number | undefined;
  readonly rcode: RcodeName;
  readonly body: AnswerBody;
  rotate: number;
  /** Whole replies without and with EDNS, for answers that are the same every time. */
  plain: Uint8Array | undefined;
  edns: Uint8Array | undefined;
}

/** Enough for every name of a big cluster that is really asked for; more are made anew. */
const maxHotAnswers = 20_000;
/** Spellings are the clients' choice: without this a few big names in many cases would fill the memory. */
const maxHotBytes = 32 * 1024 * 1024;
/** The largest message TCP can carry. */
const tcpLimit = 0xffff;
const opcodeMask = 0x7800;

export class Responder {
  private readonly options: ResponderOptions;
  private hotBytes = 0;
  private readonly hot = new Map<string, HotAnswer>();

  constructor(options: ResponderOptions) {
    this.options = options;
  }

  /**
   * The answer, a promise of it when others have to be asked, or undefined when none may be sent. The request is the
   * caller's again when this returns.
   */
  respond(request: Buffer, transport: Transport): Uint8Array | Promise<Uint8Array> | undefined {
    const plain = scanPlainQuery(request);
    if (plain !== undefined) {
      const hot = this.fresh(request.toString('latin1', headerLength, plain.questionEnd));
      if (hot !== undefined) {
        this.options.counters.request(transport, plain.type);
        return this.repeat(request, plain, limitOf(transport, plain), hot);
      }
    }
    return this.respondAfresh(request, transport);
  }

  private respondAfresh(
    request: Buffer,
    transport: Transport,
  ): Uint8Array | Promise<Uint8Array> | undefined {
    const query = scanQuery(request);
    const { counters } = this.options;
    if (typeof query === 'string') {
      counters.request(transport, 'malformed');
      if (query === 'not-a-query') return undefined;
      // CoreDNS says SERVFAIL to a message without a question.
      const rcode = query === 'no-question' ? 'SERVFAIL' : 'FORMERR';
      counters.response(rcodes[rcode]);
      return encodeRefusal(request, rcode);
    }
    counters.request(transport, query.type);
    const limit = limitOf(transport, query);
    const refused = refusalOf(query);
    if (refused !== undefined) return this.simple(request, query, refused);
    const key = request.toString('latin1', headerLength, query.questionEnd);
    const made = this.answer(key, query);
    if (made instanceof Promise) return this.finish(Buffer.from(request), query, limit, made);
    if (made === undefined) return this.forward(request, query, limit);
    return this.encode(request, query, limit, made);
  }

  private fresh(key: string): HotAnswer | undefined {
    const hot = this.hot.get(key);
    if (hot === undefined) return undefined;
    if (hot.from.stale || (hot.serial !== undefined && hot.serial !== this.options.world.serial)) {
      this.hot.delete(key);
      return undefined;
    }
    hot.rotate++;
    return hot;
  }

  private answer(key: string, query: ScannedQuery): Made | Promise<Made> | undefined {
    const { world, elsewhere } = this.options;
    const question = { name: query.name, type: query.type, class: query.class };
    const answer = resolve(world, question);
    if (answer === undefined) return undefined;
    if (answer.chase !== undefined && elsewhere !== undefined) {
      return chase(elsewhere, question, { answer, target: answer.chase });
    }
    const body = encodeBody(question, answer);
    // A random start, so that servers that start together do not send everybody to the same endpoint.
    const rotate = this.options.counters.total;
    if (answer.from !== undefined) {
      this.makeRoom(key.length + body.bytes.length);
      const serial = answer.authorities.length > 0 ? world.serial : undefined;
      const made = { from: answer.from, serial, rcode: answer.rcode, body, rotate };
      this.hot.set(key, { ...made, plain: undefined, edns: undefined });
    }
    return { rcode: answer.rcode, body, rotate };
  }

  private async finish(
    request: Uint8Array,
    query: ScannedQuery,
    limit: number,
    made: Promise<Made>,
  ): Promise<Uint8Array> {
    return this.encode(request, query, limit, await made);
  }

  /** Starting over is rare, and cheaper than knowing which answer was used last. */
  private makeRoom(bytes: number): void {
    // The body, and what may be made of it for `repeat`.
    this.hotBytes += 3 * bytes;
    if (this.hot.size < maxHotAnswers && this.hotBytes <= maxHotBytes) return;
    this.hot.clear();
    this.hotBytes = 3 * bytes;
  }

  /** As `encode`; what is the same for everybody is made once and copied. */
  private repeat(request: Buffer, query: ReplyTo, limit: number, hot: HotAnswer): Uint8Array {
    const known = query.edns === undefined ? hot.plain : hot.edns;
    if (known !== undefined) {
      this.options.counters.response(rcodes[hot.rcode]);
      return repeatReply(known, request);
    }
    const reply = this.encode(request, query, limit, hot);
    if (hot.body.stride === undefined && reply.length <= plainUdpSize && !isTruncated(reply)) {
      if (query.edns === undefined) hot.plain = Uint8Array.from(reply);
      else hot.edns = Uint8Array.from(reply);
    }
    return reply;
  }

  private encode(
    request: Uint8Array,
    query: ReplyTo,
    limit: number,
    { rcode, body, rotate }: Made,
  ): Uint8Array {
    this.options.counters.response(rcodes[rcode]);
    return encodeReply(request, query, body, {
      rcode: rcodes[rcode],
      authoritative: rcode !== 'SERVFAIL' && rcode !== 'REFUSED',
      recursionAvailable: this.options.elsewhere !== undefined,
      limit,
      rotate,
    });
  }

  private simple(request: Uint8Array, query: ScannedQuery, rcode: RcodeName): Uint8Array {
    this.options.counters.response(rcodes[rcode]);
    return encodeReply(request, query, undefined, {
      rcode: rcodes[rcode],
      authoritative: false,
      recursionAvailable: this.options.elsewhere !== undefined,
      limit: ownUdpSize,
      rotate: 0,
    });
  }

  private forward(
    request: Uint8Array,
    query: ScannedQuery,
    limit: number,
  ): Uint8Array | Promise<Uint8Array> {
    const { elsewhere } = this.options;
    if (elsewhere === undefined) return this.simple(request, query, 'REFUSED');
    return elsewhere.forward(Buffer.from(request), query, limit);
  }
}

function limitOf(transport: Transport, query: ReplyTo): number {
  return transport === 'udp' ? udpLimit(query) : tcpLimit;
}

type Made = Pick<HotAnswer, 'rcode' | 'body' | 'rotate'>;

function refusalOf(query: ScannedQuery): RcodeName | undefined {
  if ((query.flags & opcodeMask) !== 0) return 'NOTIMP';
  if (query.edns !== undefined && query.edns.version !== 0) return 'BADVERS';
  return query.class === recordClasses.IN ? undefined : 'REFUSED';
}

/** The alias, and behind it what the world outside says its target has. */
async function chase(
  elsewhere: Elsewhere,
  question: DnsQuestion,
  { answer, target }: { readonly answer: ZoneAnswer; readonly target: string },
): Promise<Made> {
  const found = await elsewhere.lookup({ ...question, name: target });
  const answers = [...answer.answers, ...found];
  return { rcode: 'NOERROR', body: encodeBody(question, { ...answer, answers }), rotate: 0 };
}
