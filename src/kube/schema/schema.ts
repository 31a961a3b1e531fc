/** What the API says of the fields of a kind: their types, and how lists and maps of them are merged. */

export type ScalarType = 'string' | 'boolean' | 'integer' | 'number' | 'intOrString' | 'quantity';

/** Of strategic merge patch; a list without one is replaced, a map without one is merged. */
export interface PatchRules {
  /** `merge`, `retainKeys`: what `x-kubernetes-patch-strategy` lists. */
  readonly patchStrategy: readonly string[];
  /** The one field that tells items apart in a strategic merge patch. */
  readonly patchMergeKey: string | undefined;
}

export interface ScalarSchema extends PatchRules {
  readonly type: ScalarType;
  /** `int32`, `date-time`: undefined when the API names none. */
  readonly format: string | undefined;
}

export interface ListSchema extends PatchRules {
  readonly type: 'list';
  readonly items: Schema;
  /** Server-side apply: `atomic` lists have one owner, `set` and `map` one an item. */
  readonly listType: 'atomic' | 'set' | 'map';
  /** The fields that tell items apart in server-side apply; empty unless `listType` is `map`. */
  readonly mapKeys: readonly string[];
}

export interface MapSchema extends PatchRules {
  readonly type: 'map';
  readonly values: Schema;
  /** One owner for all keys in server-side apply. */
  readonly isAtomic: boolean;
}

export interface ObjectSchema extends PatchRules {
  readonly type: 'object';
  readonly fields: ReadonlyMap<string, Schema>;
  readonly required: readonly string[];
  readonly isAtomic: boolean;
  /** The definition it comes from, `core.v1.PodSpec`. */
  readonly definition: string;
}

/** Any JSON object, of which nothing is known: the API keeps it as it is. */
export interface AnySchema extends PatchRules {
  readonly type: 'any';
}

export type Schema = ScalarSchema | ListSchema | MapSchema | ObjectSchema | AnySchema;

export interface GroupVersionKind {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}
