/**
 * Tells people what happened to an object, as Events. The same thing again is counted on the Event that is there,
 * and only so many are kept: the oldest of ours go.
 */
import type { Clock, Random } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import type { ObjectClient } from './client.ts';
import { isNotFound } from './errors.ts';
import { nameOf, type KubeObject, type ObjectName } from './object.ts';
import { eventKind, type Event } from './workload-kinds.ts';

export interface Happening {
  readonly type: 'Normal' | 'Warning';
  /** One word in upper camel case. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

export interface EventRecorder {
  /** Takes note; the write happens in the background, after those before it. */
  record(about: KubeObject, happening: Happening): void;
  /** Resolves when everything taken note of is written. */
  settled(): Promise<void>;
}

export interface EventRecorderOptions {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Who tells: `deployment-controller`. */
  readonly component: string;
  /** Events kept; 500 when undefined. */
  readonly limit?: number | undefined;
}

const defaultLimit = 500;
/** Writes waiting; what comes on top of them is dropped, for a burst says little more than its beginning. */
const maxWaiting = 1_000;

export function createEventRecorder(options: EventRecorderOptions): EventRecorder {
  return new Recorder(options);
}

interface Kept {
  readonly name: ObjectName;
  count: number;
}

class Recorder implements EventRecorder {
  private readonly options: EventRecorderOptions;
  /** In the order they were made. */
  private readonly kept = new Map<string, Kept>();
  private writing: Promise<void> = Promise.resolve();
  private waiting = 0;

  constructor(options: EventRecorderOptions) {
    this.options = options;
  }

  record(about: KubeObject, happening: Happening): void {
    if (this.waiting >= maxWaiting) return;
    this.waiting++;
    this.writing = this.writing.then(async () => {
      try {
        await this.write(about, happening);
      } catch (thrown) {
        // A Namespace that goes takes no Events; nobody is left to read them either.
        this.options.log.debug('Cannot write an Event', { ...happening, error: thrown });
      }
      this.waiting--;
    });
  }

  async settled(): Promise<void> {
    await this.writing;
  }

  private async write(about: KubeObject, happening: Happening): Promise<void> {
    const { client, clock } = this.options;
    const { type, reason, message } = happening;
    const key = JSON.stringify([about.metadata.uid, type, reason, message]);
    const now = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
    const known = this.kept.get(key);
    if (known !== undefined) {
      known.count++;
      try {
        await client.patch(eventKind, known.name, { count: known.count, lastTimestamp: now });
        return;
      } catch (thrown) {
        if (!isNotFound(thrown)) throw thrown;
        this.kept.delete(key);
      }
    }
    const made = await client.create(eventKind, this.eventOf(about, happening, now));
    this.kept.set(key, { name: nameOf(made), count: 1 });
    await this.dropOldest();
  }

  private eventOf(about: KubeObject, happening: Happening, now: string): Event {
    const { component, random } = this.options;
    const { name, namespace = 'default', uid, resourceVersion } = about.metadata;
    const suffix = Math.floor(random() * 2 ** 48)
      .toString(16)
      .padStart(12, '0');
    return {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.${suffix}`, namespace },
      involvedObject: {
        apiVersion: about.apiVersion,
        kind: about.kind,
        namespace,
        name,
        ...(uid === undefined ? {} : { uid }),
        ...(resourceVersion === undefined ? {} : { resourceVersion }),
      },
      ...happening,
      count: 1,
      firstTimestamp: now,
      lastTimestamp: now,
      source: { component },
      reportingComponent: component,
      reportingInstance: '',
    };
  }

  private async dropOldest(): Promise<void> {
    const { client, limit = defaultLimit } = this.options;
    for (const [key, { name }] of this.kept) {
      if (this.kept.size <= limit) return;
      this.kept.delete(key);
      try {
        await client.delete(eventKind, name);
      } catch (thrown) {
        if (!isNotFound(thrown)) throw thrown;
      }
    }
  }
}
