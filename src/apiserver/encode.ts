/**
 * Objects as the bytes that go out. An object is turned into text once, however many lists and watches carry it:
 * objects never change, so the text is kept as long as the object is.
 */
import type { Kind, KubeObject, WatchEvent } from '../kube/index.ts';
import { apiVersionOf } from '../kube/index.ts';

/** Kinds whose objects have no generation in the API, although every stored object counts one. */
const withoutGeneration = new Set([
  'Service',
  'Namespace',
  'Node',
  'ConfigMap',
  'Secret',
  'Lease',
  'Event',
  'Endpoints',
]);

/** `"metadata":...}`: an object without its braces' beginning, kind and version. */
const tails = new WeakMap<KubeObject, string>();
const lines = new WeakMap<object, Buffer>();

/** `{"kind":...,"apiVersion":...,"metadata":...}`. */
export function encodeObject(object: KubeObject): string {
  const { kind, apiVersion } = object;
  return `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},${tailOf(object)}`;
}

/** Items of a list go without kind and version, as the API server has them. */
function encodeItem(object: KubeObject): string {
  return `{${tailOf(object)}`;
}

export interface ListHead {
  readonly kind: Kind;
  readonly resourceVersion: string;
  readonly continueToken?: string | undefined;
  readonly remaining?: number | undefined;
}

export function encodeList(head: ListHead, items: readonly KubeObject[]): string {
  const { kind } = head;
  const start = JSON.stringify({
    kind: `${kind.kind}List`,
    apiVersion: apiVersionOf(kind),
    metadata: listMetadata(head),
  });
  return `${start.slice(0, -1)},"items":[${items.map(encodeItem).join(',')}]}`;
}

export function listMetadata({ resourceVersion, continueToken, remaining }: ListHead): object {
  return {
    resourceVersion,
    ...(continueToken === undefined ? {} : { continue: continueToken }),
    ...(remaining === undefined ? {} : { remainingItemCount: remaining }),
  };
}

/** A line of a watch; made once for all watchers of the event. */
export function encodeEvent(
  event: Extract<WatchEvent<KubeObject>, { readonly object: KubeObject }>,
): Buffer {
  const known = lines.get(event);
  if (known !== undefined) return known;
  const line = Buffer.from(`{"type":"${event.type}","object":${encodeObject(event.object)}}\n`);
  lines.set(event, line);
  return line;
}

/** The metadata as clients see it. */
export function shownMetadata({ kind, metadata }: KubeObject): object {
  if (!withoutGeneration.has(kind)) return metadata;
  const { generation: _hidden, ...shown } = metadata;
  return shown;
}

function tailOf(object: KubeObject): string {
  const known = tails.get(object);
  if (known !== undefined) return known;
  const { kind: _kind, apiVersion: _version, metadata: _metadata, ...others } = object;
  // The metadata stands first, wherever the object has it.
  const more = JSON.stringify(others).slice(1);
  const text = `"metadata":${JSON.stringify(shownMetadata(object))}${more === '}' ? '}' : `,${more}`}`;
  tails.set(object, text);
  return text;
}
