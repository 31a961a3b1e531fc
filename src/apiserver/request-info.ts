/** What a request's path and query ask for. */
import { ApiError } from '../kube/index.ts';

/** A resource of the API: `/api/v1/namespaces/shop/services/web/status`. */
export interface ResourcePath {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  readonly namespace: string | undefined;
  /** Undefined for the whole collection. */
  readonly name: string | undefined;
  readonly subresource: string | undefined;
  /** What a subresource like `proxy` has behind it. */
  readonly rest: readonly string[];
}

export type RequestPath =
  | { readonly kind: 'resource'; readonly path: ResourcePath }
  /** Segments of anything else: `openapi`, `v3`. */
  | { readonly kind: 'other'; readonly segments: readonly string[] };

const maxTargetLength = 16_384;

export interface RequestTarget {
  readonly path: RequestPath;
  readonly query: URLSearchParams;
}

/** Throws BadRequest for a path that cannot be decoded. */
export function parseTarget(target: string): RequestTarget {
  if (target.length > maxTargetLength) throw new ApiError('BadRequest', 'the URI is too long');
  const mark = target.indexOf('?');
  const pathname = mark === -1 ? target : target.slice(0, mark);
  const query = new URLSearchParams(mark === -1 ? '' : target.slice(mark + 1));
  const segments = pathname.split('/').filter((segment) => segment !== '');
  return { path: parsePath(segments.map(decode)), query };
}

function decode(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch (cause) {
    throw new ApiError('BadRequest', `invalid URL escape in ${JSON.stringify(segment)}`, { cause });
  }
}

function parsePath(segments: readonly string[]): RequestPath {
  const [root, ...after] = segments;
  const other: RequestPath = { kind: 'other', segments };
  if (root === 'api' && after.length > 1) {
    const [version = '', ...rest] = after;
    return { kind: 'resource', path: resourcePath({ group: '', version }, rest) };
  }
  if (root === 'apis' && after.length > 2) {
    const [group = '', version = '', ...rest] = after;
    return { kind: 'resource', path: resourcePath({ group, version }, rest) };
  }
  return other;
}

function resourcePath(
  groupVersion: Pick<ResourcePath, 'group' | 'version'>,
  parts: readonly string[],
): ResourcePath {
  const [first = '', second, third, ...more] = parts;
  // `namespaces/shop` and `namespaces/shop/status` are the Namespace itself.
  const isSubresource = third === 'status' || third === 'finalize';
  if (first === 'namespaces' && second !== undefined && third !== undefined && !isSubresource) {
    const [name, subresource, ...rest] = more;
    return { ...groupVersion, resource: third, namespace: second, name, subresource, rest };
  }
  const subresource = third;
  return {
    ...groupVersion,
    resource: first,
    namespace: undefined,
    name: second,
    subresource,
    rest: more,
  };
}

/** `true`, `1`, or there without a value. */
export function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value !== null && value !== 'false' && value !== '0';
}

/** A number of the query; undefined when absent. Throws BadRequest when it is none. */
export function numberIn(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null || text === '') return undefined;
  const value = Number(text);
  if (Number.isSafeInteger(value)) return value;
  throw new ApiError(
    'BadRequest',
    `unable to convert ${JSON.stringify(text)} of ${name} to a number`,
  );
}
