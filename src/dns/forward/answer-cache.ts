/** Answers of others, for as long as they may be kept: bounded, oldest use out first. */
import { write32 } from '../../codec/dns/index.ts';
import type { AnswerBody } from '../answer-body.ts';

/** A response of an upstream server, ready to be sent to others who ask the same. */
export interface ForeignAnswer {
  readonly rcode: number;
  readonly body: AnswerBody;
  /** In `body.bytes`, of each record. */
  readonly ttlAts: readonly number[];
  readonly ttls: readonly number[];
  /** The whole response as it came. */
  readonly message: Uint8Array;
  /** How long it may be kept; undefined: not at all. */
  readonly keepSeconds: number | undefined;
}

export interface CachedAnswer {
  readonly answer: ForeignAnswer;
  readonly storedMs: number;
  readonly keepMs: number;
  /** Somebody fetches it anew already. */
  refreshing: boolean;
}

/** As CoreDNS' cache. */
const maxEntries = 9_984;
/** Messages bigger than this are answered, not kept: with them the memory is bounded. */
const maxKeptBytes = 4_096;
/** An answer past its time is still served for so long when nobody answers any more (RFC 8767). */
const maxStaleMs = 3_600_000;
/** The time to live of such an answer, by the same RFC. */
const staleTtlSeconds = 30;

export class AnswerCache {
  private readonly entries = new Map<string, CachedAnswer>();

  get size(): number {
    return this.entries.size;
  }

  get(key: string): CachedAnswer | undefined {
    const found = this.entries.get(key);
    if (found === undefined) return undefined;
    this.entries.delete(key);
    this.entries.set(key, found);
    return found;
  }

  set(key: string, answer: ForeignAnswer, nowMs: number): void {
    if (answer.keepSeconds === undefined || answer.message.length > maxKeptBytes) return;
    this.entries.delete(key);
    const [oldest] = this.entries.keys();
    if (this.entries.size >= maxEntries && oldest !== undefined) this.entries.delete(oldest);
    const keepMs = answer.keepSeconds * 1_000;
    this.entries.set(key, { answer, storedMs: nowMs, keepMs, refreshing: false });
  }
}

export function isFresh({ storedMs, keepMs }: CachedAnswer, nowMs: number): boolean {
  return nowMs - storedMs < keepMs;
}

/** In the last tenth of its time: whoever asks now makes it worth fetching again. */
export function isAging({ storedMs, keepMs }: CachedAnswer, nowMs: number): boolean {
  return nowMs - storedMs >= keepMs * 0.9;
}

export function isServable({ storedMs, keepMs }: CachedAnswer, nowMs: number): boolean {
  return nowMs - storedMs < keepMs + maxStaleMs;
}

/** The records with the time that is left to them. */
export function agedBody({ answer, storedMs, keepMs }: CachedAnswer, nowMs: number): AnswerBody {
  const { body, ttlAts, ttls } = answer;
  const ageSeconds = Math.floor((nowMs - storedMs) / 1_000);
  if (ageSeconds === 0) return body;
  const isStale = nowMs - storedMs >= keepMs;
  const bytes = Uint8Array.from(body.bytes);
  for (const [i, at] of ttlAts.entries()) {
    const left = Math.max(0, (ttls[i] ?? 0) - ageSeconds);
    write32(bytes, at, isStale ? staleTtlSeconds : left);
  }
  return { ...body, bytes };
}
