/** A watch over an EventLog: a place in it, a filter, and sleep until there is more. */
import {
  freezeCopy,
  isOfKind,
  type Kind,
  type KubeObject,
  type ObjectFilter,
  type WatchEvent,
} from '../kube/index.ts';
import type { EventLog, LogEntry } from './event-log.ts';

export interface LogWatchOptions {
  /** The place in the log to start at. */
  readonly position: number;
  readonly filter: ObjectFilter | undefined;
  readonly signal: AbortSignal;
  /** A bookmark comes after this many changes in a row that did not match. */
  readonly bookmarkEvery: number;
}

/** Throws Expired from the iteration when the log has gone past the watch. */
export async function* watchLog<T extends KubeObject>(
  kind: Kind<T>,
  log: EventLog,
  options: LogWatchOptions,
): AsyncGenerator<WatchEvent<T>, void> {
  const { filter, signal, bookmarkEvery } = options;
  let position = options.position;
  let skipped = 0;
  const sleeper = new Sleeper(log, signal);
  try {
    while (!signal.aborted) {
      const entry = log.at(position);
      if (entry === undefined) {
        await sleeper.untilMore();
        continue;
      }
      position++;
      const event = filter === undefined ? entry.event : seenThrough(filter, entry);
      if (event !== undefined && isEventOf(kind, event)) {
        skipped = 0;
        yield event;
      } else if (++skipped >= bookmarkEvery) {
        skipped = 0;
        yield { type: 'BOOKMARK', resourceVersion: String(entry.version) };
      }
    }
  } finally {
    sleeper.end();
  }
}

/** What a change is to a watcher that sees only what the filter selects; undefined when it sees nothing. */
function seenThrough(filter: ObjectFilter, entry: LogEntry): LogEntry['event'] | undefined {
  const { event, previous } = entry;
  const before = previous !== undefined && filter(previous);
  const after = event.type !== 'DELETED' && filter(event.object);
  if (after) return before || event.type === 'ADDED' ? event : { ...event, type: 'ADDED' };
  if (!before) return undefined;
  if (event.type === 'DELETED') return event;
  // As the API server does: the object as it was when it last matched, at the version it ceased to.
  const metadata = { ...previous.metadata, resourceVersion: String(entry.version) };
  return { type: 'DELETED', object: freezeCopy({ ...previous, metadata }) };
}

function isEventOf<T extends KubeObject>(
  kind: Kind<T>,
  event: LogEntry['event'],
): event is Extract<WatchEvent<T>, { readonly object: T }> {
  return isOfKind(kind, event.object);
}

/** Sleeps of one watch: it listens to its signal once, however often it sleeps. */
class Sleeper {
  private readonly log: EventLog;
  private readonly signal: AbortSignal;
  private forget: (() => void) | undefined;
  private wake: (() => void) | undefined;

  constructor(log: EventLog, signal: AbortSignal) {
    this.log = log;
    this.signal = signal;
    signal.addEventListener('abort', this.onAbort);
  }

  private readonly onAbort = (): void => {
    this.forget?.();
    this.wake?.();
  };

  /** Resolves at the next change or when the signal aborts. */
  untilMore(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve;
      this.forget = this.log.onceAppended(resolve);
    });
  }

  end(): void {
    this.signal.removeEventListener('abort', this.onAbort);
  }
}
