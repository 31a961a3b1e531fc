/**
 * Changes on their way into a journal. An object has one at a time: what its next change is made from is what has been
 * written down.
 */
import {
  kindKey,
  nameOf,
  notStored,
  storedText,
  type Kind,
  type KubeObject,
  type ObjectName,
} from '../kube/index.ts';
import type { Journal } from './journal.ts';

/** A change as it is published: to the table, and to the watchers. */
export interface Change {
  readonly version: number;
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: KubeObject;
  readonly previous: KubeObject | undefined;
}

export class UnsettledChanges {
  private readonly journal: Journal;
  /** By object; resolves when its change is settled, one way or the other. */
  private readonly changes = new Map<string, Promise<void>>();

  constructor(journal: Journal) {
    this.journal = journal;
  }

  has(kind: Kind, name: ObjectName): boolean {
    return this.changes.size > 0 && this.changes.has(keyOf(kind, name));
  }

  /** To be followed by `has` again: somebody else may have waited for the same. */
  async settled(kind: Kind, name: ObjectName): Promise<void> {
    await this.changes.get(keyOf(kind, name));
  }

  /**
   * Writes a change down and publishes it, in the order of the versions; rejects, and it never was, when it cannot
   * be written down.
   */
  async write(kind: Kind, { version, type, object }: Change, publish: () => void): Promise<void> {
    const { namespace = '', name } = nameOf(object);
    const key = keyOf(kind, { namespace, name });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.changes.set(
      key,
      promise.catch(() => undefined),
    );
    const deleted = type === 'DELETED';
    const text = storedText(object);
    const revision = { version, kind: kindKey(kind), namespace, name, deleted, object: text };
    this.journal.append(revision, (error) => {
      this.changes.delete(key);
      if (error === undefined) {
        publish();
        resolve();
      } else {
        reject(notStored(kind, name, error));
      }
    });
    await promise;
  }
}

function keyOf(kind: Kind, { namespace = '', name }: ObjectName): string {
  return `${kindKey(kind)} ${namespace}/${name}`;
}
