/**
 * What a source put into the API, as text that outlives its process: what files no longer contain goes also when they
 * were edited while nothing ran.
 */
import { apiVersionOf, isJsonArray, isJsonObject, isKubeObject, kinds } from '../kube/index.ts';
import type { DesiredObject } from './load.ts';

export interface Held {
  readonly wanted: DesiredObject;
  /** It was not there before: only then is it this source's to delete. */
  readonly made: boolean;
}

export interface ManifestMemory {
  /** Undefined when nothing was remembered. */
  readonly recalled: string | undefined;
  remember(text: string): Promise<void>;
}

export function formatHeld(held: readonly Held[]): string {
  return JSON.stringify(
    held.map(({ made, wanted: { key, object, document } }) => {
      // Not the line: finding it reads the file's text again.
      return { made, key, object, file: document.file };
    }),
  );
}

/** Objects of kinds that are served no longer are left out. */
export function parseHeld(text: string | undefined): readonly Held[] {
  const list: unknown = text === undefined ? [] : JSON.parse(text);
  return isJsonArray(list) ? list.flatMap(heldOf) : [];
}

function heldOf(value: unknown): readonly Held[] {
  if (!isJsonObject(value)) return [];
  const { made, key, object, file } = value;
  if (typeof key !== 'string' || typeof file !== 'string') return [];
  if (!isKubeObject(object)) return [];
  const kind = kinds.find(
    (each) => each.kind === object.kind && apiVersionOf(each) === object.apiVersion,
  );
  if (kind === undefined) return [];
  const line = 1;
  const document = { file, line, value: { ...object }, lineOf: () => line };
  return [{ made: made === true, wanted: { key, kind, object, document, isTyped: true } }];
}
