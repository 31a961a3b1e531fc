/** What differs between kinds when objects are written; registry.ts is the one walk through it. */
import type { Kind, KubeObject } from '../kube/index.ts';
import type { Problems } from './problems.ts';
import type { Shape } from './shape.ts';

export interface Strategy<T extends KubeObject = KubeObject> {
  readonly kind: Kind<T>;
  readonly shape: Shape;
  /** Sentences for what is wrong with a name; none when it is fine. */
  nameProblems(name: string): readonly string[];
  /**
   * The object with what it leaves out; from the stored object on an update. Pure, and harmless for objects that
   * will not pass `validate`: only their types are right.
   */
  complete(object: T, stored: T | undefined): T;
  /** What is wrong with a completed object, metadata apart. Pure. */
  validate(object: T, stored: T | undefined, problems: Problems): void;
  /** Claims what the object needs out of the instance's ranges. A kind without it needs nothing. */
  readonly allocate?: (object: T, stored: T | undefined, problems: Problems) => Claim<T>;
  /** Gives back all that a deleted object holds. */
  readonly release?: (object: T) => void;
  /**
   * Writes what follows from an object that was stored. For a new one `before` is undefined, and the object may still be
   * refused: then `removed` takes back what followed.
   */
  readonly stored?: (object: T, before: T | undefined) => Promise<void>;
  /** Writes what follows from an object that is gone. */
  readonly removed?: (object: T) => Promise<void>;
  /** How long a deleted object stays, by what it is and what was asked for. A kind without it goes at once. */
  readonly gracePeriodSeconds?: (object: T, asked: number | undefined) => number;
  /** The status of an object that is made: `status` of what was sent does not count for most kinds. */
  initialStatus(object: T): T;
}

/** An object with what was claimed for it written in. */
export interface Claim<T> {
  readonly object: T;
  /** The object is stored: what it no longer needs is free. */
  commit(): void;
  /** The object was refused: what was claimed for it is free again. */
  revert(): void;
}
