/**
 * Objects as the bytes that go out; their text is made once, however many lists and watches carry it.
 */
import type { Kind, KubeObject, WatchEvent } from '../kube/index.ts';
import { apiVersionOf, shownTail } from '../kube/index.ts';

const lines = new WeakMap<object, Buffer>();

/** `{"kind":...,"apiVersion":...,"metadata":...}`. */
export function encodeObject(object: KubeObject): string {
  const { kind, apiVersion } = object;
  return `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},${shownTail(object)}`;
}

/** Items of a list go without kind and version, as the API server has them. */
function encodeItem(object: KubeObject): string {
  return `{${shownTail(object)}`;
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
