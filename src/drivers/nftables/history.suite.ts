/**
 * Who could answer when: for each Service the endpoints of each commit, and from when to when it may have been in
 * force. A connection is right when somebody answered it who was an endpoint at some moment of its making.
 */
import type { Attempt } from './lab-client.suite.ts';

interface Period {
  readonly members: ReadonlySet<string>;
  /** When the commit began. */
  readonly from: number;
  /** When the next one was in force; undefined while there is none. */
  until: number | undefined;
}

export class History {
  private readonly periods = new Map<number, Period[]>();

  /** A commit has begun that gives a Service these endpoints; what was before may still be in force. */
  begin(service: number, members: Iterable<string>, at: number): void {
    const own = this.periods.get(service) ?? [];
    own.push({ members: new Set(members), from: at, until: undefined });
    this.periods.set(service, own);
  }

  /** It is in force: what was before is not any more. */
  end(service: number, at: number): void {
    const own = this.periods.get(service) ?? [];
    for (let i = own.length - 2; i >= 0; i--) {
      const period = own[i];
      if (period === undefined || period.until !== undefined) return;
      period.until = at;
    }
  }

  /** What is wrong with a connection; undefined when nothing is. */
  fault({ target, who, failure, from, to }: Attempt): string | undefined {
    if (failure !== undefined) return `service ${target}: ${failure} at ${from.toFixed(1)}`;
    const own = this.periods.get(target) ?? [];
    for (let i = own.length - 1; i >= 0; i--) {
      const period = own[i];
      if (period === undefined || (period.until ?? Infinity) < from) break;
      if (period.from <= to && period.members.has(who)) return undefined;
    }
    return `service ${target}: ${who} answered at ${from.toFixed(1)}, and was no endpoint then`;
  }
}
