/** The fields of an object that its kind does not have: the API server drops them, so what they ask for is not done. */
import { isJsonArray, isJsonObject } from '../json.ts';
import type { Schema } from './schema.ts';
import { fitsSchema } from './wrong-type.ts';

export interface UnknownField {
  /** `spec.template.spec.containers[0].prots`. */
  readonly path: string;
  /** The last part of the path. */
  readonly name: string;
  /** What there is at that place. */
  readonly known: readonly string[];
  /** The field of that place that has one of this name; undefined when there is none. */
  readonly below: string | undefined;
  /** The first field of that place that takes texts of any name. */
  readonly map: string | undefined;
}

/** As many as the API server lists. */
const maxUnknown = 100;

/** In the order they are written. Values of the wrong type are not looked into: validation says what is wrong. */
export function unknownFields(schema: Schema, value: unknown): readonly UnknownField[] {
  const found: UnknownField[] = [];
  collect(schema, value, { path: '', found });
  return found;
}

interface Walk {
  readonly path: string;
  readonly found: UnknownField[];
}

function collect(schema: Schema, value: unknown, { path, found }: Walk): void {
  if (schema.type === 'list' && isJsonArray(value)) {
    for (const [i, item] of value.entries()) {
      collect(schema.items, item, { path: `${path}[${i}]`, found });
    }
    return;
  }
  if (!isJsonObject(value)) return;
  if (schema.type !== 'map' && schema.type !== 'object') return;
  for (const [name, field] of Object.entries(value)) {
    const at = path === '' ? name : `${path}.${name}`;
    const known = schema.type === 'map' ? schema.values : schema.fields.get(name);
    if (known !== undefined) collect(known, field, { path: at, found });
    else if (schema.type === 'object' && found.length < maxUnknown) {
      const fields = [...schema.fields];
      found.push({
        path: at,
        name,
        known: fields.map(([key]) => key),
        below: fields.find(([, child]) => child.type === 'object' && child.fields.has(name))?.[0],
        map: fields.find(
          ([, child]) => child.type === 'map' && child.values.type === 'string',
        )?.[0],
      });
    }
  }
}

/** The value without the fields that its kind does not have; itself, and nothing copied, when there are none. */
export function withoutUnknownFields(schema: Schema, value: unknown): unknown {
  // Nearly always, and then nothing is made only to be compared and dropped.
  return fitsSchema(schema, value) ? value : withoutUnknown(schema, value);
}

function withoutUnknown(schema: Schema, value: unknown): unknown {
  if (schema.type === 'list' && isJsonArray(value)) {
    const items = value.map((item) => withoutUnknown(schema.items, item));
    return items.every((item, i) => item === value[i]) ? value : items;
  }
  if (!isJsonObject(value) || (schema.type !== 'map' && schema.type !== 'object')) return value;
  const entries = Object.entries(value);
  const kept = entries.flatMap(([name, field]) => {
    const known = schema.type === 'map' ? schema.values : schema.fields.get(name);
    return known === undefined ? [] : [[name, withoutUnknown(known, field)] as const];
  });
  const isSame = kept.length === entries.length && kept.every(([name, to]) => value[name] === to);
  return isSame ? value : Object.fromEntries(kept);
}
