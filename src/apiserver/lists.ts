/**
 * Lists and their pages. A list that goes on is held as it was, so that its pages are one moment's; when too many
 * are open the oldest is forgotten, and its next page is told to begin again.
 */
import {
  ApiError,
  type Kind,
  type KubeObject,
  type ListOptions,
  type ObjectList,
} from '../kube/index.ts';
import type { ObjectRegistry } from '../registry/index.ts';
import {
  formatContinue,
  parseContinue,
  type ContinueToken,
  type ListQuery,
} from './list-options.ts';

export interface ListPage {
  readonly items: readonly KubeObject[];
  readonly resourceVersion: string;
  readonly continueToken: string | undefined;
  /** What comes after this page; undefined when selectors make the number unknown. */
  readonly remaining: number | undefined;
}

export interface ListOf {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly query: ListQuery;
}

const maxOpenLists = 64;

export class Lists {
  private readonly registry: ObjectRegistry;
  private readonly open = new Map<string, ObjectList<KubeObject>>();

  constructor(registry: ObjectRegistry) {
    this.registry = registry;
  }

  /** Rejects with BadRequest, Expired, and Timeout for a version that has not come yet. */
  async page({ kind, namespace, query }: ListOf): Promise<ListPage> {
    const selection = selectionOf(namespace, query);
    const token =
      query.continueToken === undefined ? undefined : parseContinue(query.continueToken);
    const key = JSON.stringify([kind.group, kind.plural, selection, token?.resourceVersion]);
    const whole =
      token === undefined
        ? await this.fresh(kind, selection, query)
        : (this.open.get(key) ?? refuseContinue());
    const from = token === undefined ? 0 : after(whole.items, token.start, namespace);
    const { limit = whole.items.length } = query;
    const items = whole.items.slice(from, from + limit);
    const left = whole.items.length - from - items.length;
    const last = items.at(-1);
    const { resourceVersion } = whole;
    if (left === 0 || last === undefined) {
      return { items, resourceVersion, continueToken: undefined, remaining: undefined };
    }
    this.keep(JSON.stringify([kind.group, kind.plural, selection, resourceVersion]), whole);
    const start = `${keyOf(last, namespace)}\0`;
    const isCounted = query.labelSelector === undefined && query.fieldSelector === undefined;
    return {
      items,
      resourceVersion,
      continueToken: formatContinue({ resourceVersion, start }),
      remaining: isCounted ? left : undefined,
    };
  }

  private async fresh(
    kind: Kind,
    selection: ListOptions,
    query: ListQuery,
  ): Promise<ObjectList<KubeObject>> {
    const list = await this.registry.list(kind, selection);
    checkVersion(query, list.resourceVersion);
    return list;
  }

  private keep(key: string, list: ObjectList<KubeObject>): void {
    this.open.delete(key);
    this.open.set(key, list);
    const [oldest] = this.open.keys();
    if (this.open.size > maxOpenLists && oldest !== undefined) this.open.delete(oldest);
  }
}

export function selectionOf(namespace: string | undefined, query: ListQuery): ListOptions {
  const { labelSelector, fieldSelector } = query;
  return { namespace, labelSelector, fieldSelector };
}

/** Throws Timeout for a version of the future, Expired for an exact one that is past. */
export function checkVersion({ resourceVersion, match }: ListQuery, current: string): void {
  if (resourceVersion === undefined || resourceVersion === '0') return;
  if (!/^[0-9]{1,18}$/.test(resourceVersion)) {
    throw new ApiError(
      'BadRequest',
      `Invalid value: ${JSON.stringify(resourceVersion)}: invalid resource version`,
    );
  }
  const asked = BigInt(resourceVersion);
  if (asked > BigInt(current)) {
    throw new ApiError(
      'Timeout',
      `Timeout: Too large resource version: ${resourceVersion}, current: ${current}`,
      {
        causes: [
          { reason: 'ResourceVersionTooLarge', field: '', message: 'Too large resource version' },
        ],
        subject: { retryAfterSeconds: 1 },
      },
    );
  }
  if (match === 'Exact' && asked < BigInt(current)) {
    throw new ApiError(
      'Expired',
      `The resourceVersion for the provided list is too old: ${resourceVersion} is not kept.`,
    );
  }
}

function refuseContinue(): never {
  throw new ApiError(
    'Expired',
    'The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.',
  );
}

/** The order of the items: `/name` within a namespace, `/namespace/name` without. */
function keyOf({ metadata }: KubeObject, namespace: string | undefined): string {
  const { name, namespace: own } = metadata;
  return namespace === undefined && own !== undefined ? `/${own}/${name}` : `/${name}`;
}

function after(
  items: readonly KubeObject[],
  start: ContinueToken['start'],
  namespace: string | undefined,
): number {
  const last = start.replace(/\0$/, '');
  const found = items.findIndex((item) => keyOf(item, namespace) === last);
  return found === -1 ? refuseContinue() : found + 1;
}
