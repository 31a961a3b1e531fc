/**
 * What becomes of a commit that the kernel refused: an error that names the statement it stumbled over, and the whole
 * commit in the log, as `nft` would write it. Whoever retries every second must not fill a disk: it is logged once
 * in a while, with how many were not.
 */
import { describeBatch, type StatementText } from '../../codec/nftables/index.ts';
import { messageOf, type Clock } from '../../model/index.ts';
import type { Logger } from '../../obs/index.ts';
import { isNotPermitted, NetlinkError } from '../../sys/netlink/index.ts';
import { NftablesError } from './errors.ts';
import { keyTypesOf } from './frame.ts';

const logEveryMs = 60_000;
/** A first sync of 100,000 Services has some 100 MB of them. */
const maxText = 8 << 20;

export class Refusals {
  private readonly clock: Clock;
  private readonly log: Logger;
  private loggedAt: number | undefined;
  private unlogged = 0;

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Logger }) {
    this.clock = clock;
    this.log = log;
  }

  /** The error to throw for it. */
  refused(bytes: Uint8Array, error: unknown): Error {
    if (!(error instanceof NetlinkError) || isNotPermitted(error)) {
      return error instanceof Error ? error : new Error(messageOf(error));
    }
    const culprit = statementAt(bytes, error);
    this.logWhole(bytes, error, culprit);
    const at = culprit === undefined ? '' : ` at "${culprit.text}"`;
    return new NftablesError(
      'NFTABLES_REFUSED',
      `Cannot commit rules: the kernel refused${at}: ${error.message}`,
      {
        cause: error,
        remedy: error.remedy ?? 'The old rules still forward; the whole commit is in the log',
      },
    );
  }

  private logWhole(
    bytes: Uint8Array,
    error: NetlinkError,
    culprit: StatementText | undefined,
  ): void {
    const now = this.clock.monotonic();
    if (this.loggedAt !== undefined && now - this.loggedAt < logEveryMs) {
      this.unlogged++;
      return;
    }
    this.loggedAt = now;
    const lines: string[] = [];
    let [length, more] = [0, 0];
    for (const { text } of describeBatch(bytes, keyTypesOf)) {
      length += text.length + 1;
      if (length <= maxText) lines.push(text);
      else more++;
    }
    if (more > 0) lines.push(`... and ${more} statements`);
    this.log.error('The kernel refused a commit; what was there before still forwards', {
      refused: culprit?.text,
      error,
      unlogged: this.unlogged === 0 ? undefined : this.unlogged,
      commit: lines.join('\n'),
    });
    this.unlogged = 0;
  }
}

/** The statement at the place that the kernel names, or the first of its message. */
export function statementAt(
  bytes: Uint8Array,
  { refused }: NetlinkError,
): StatementText | undefined {
  let found: StatementText | undefined;
  if (refused === undefined) return undefined;
  for (const statement of describeBatch(bytes, keyTypesOf)) {
    if (statement.sequence > refused.sequence) break;
    if (statement.sequence !== refused.sequence) continue;
    if (found === undefined || statement.offset <= (refused.offset ?? 0)) found = statement;
  }
  return found;
}
