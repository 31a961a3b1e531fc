/**
 * Objects as text. An object is turned into text once, whether a journal, lists or watches carry it: objects never
 * change, so the text is kept as long as the object is.
 */
import type { KubeObject } from './object.ts';

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

const tails = new WeakMap<KubeObject, string>();
const metadataHead = '"metadata":{';

/** `"metadata":...}`: an object as clients see it, without its braces' beginning, kind and version. */
export function shownTail(object: KubeObject): string {
  const known = tails.get(object);
  if (known !== undefined) return known;
  const { kind: _kind, apiVersion: _version, metadata: _metadata, ...others } = object;
  // The metadata stands first, wherever the object has it.
  const more = JSON.stringify(others).slice(1);
  const text = `"metadata":${JSON.stringify(shownMetadata(object))}${more === '}' ? '}' : `,${more}`}`;
  tails.set(object, text);
  return text;
}

/** The whole object, what clients do not see with it. */
export function storedText(object: KubeObject): string {
  const { kind, apiVersion, metadata } = object;
  const head = `{"kind":${JSON.stringify(kind)},"apiVersion":${JSON.stringify(apiVersion)},`;
  const tail = shownTail(object);
  if (!withoutGeneration.has(kind) || metadata.generation === undefined) return `${head}${tail}`;
  // An object has a name, so something follows.
  const rest = tail.slice(metadataHead.length);
  return `${head}${metadataHead}"generation":${metadata.generation},${rest}`;
}

/** The metadata as clients see it. */
export function shownMetadata({ kind, metadata }: KubeObject): object {
  if (!withoutGeneration.has(kind)) return metadata;
  const { generation: _hidden, ...shown } = metadata;
  return shown;
}
