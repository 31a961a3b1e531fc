/** Field selectors: equality on the fields a kind names, `metadata.name=web,spec.type!=ExternalName`. */
import { ApiError } from './errors.ts';
import { isJsonObject } from './json.ts';
import type { Kind, KubeObject } from './object.ts';

export interface FieldSelector {
  matches(object: KubeObject): boolean;
}

interface Term {
  readonly path: readonly string[];
  readonly value: string;
  readonly equal: boolean;
}

/** Throws BadRequest when the text is no selector, or names a field that cannot be selected by. */
export function parseFieldSelector(kind: Kind, text: string): FieldSelector {
  const terms = splitTerms(text).map((term) => parseTerm(kind, text, term));
  return {
    matches: (object) =>
      terms.every((term) => (fieldText(object, term.path) === term.value) === term.equal),
  };
}

/** Splits at commas that no backslash escapes; empty terms are passed over, as the API server does. */
function splitTerms(text: string): readonly string[] {
  return (text.match(/(?:\\.|[^,\\])+/g) ?? []).filter((term) => term !== '');
}

function parseTerm(kind: Kind, selector: string, term: string): Term {
  const match = /^((?:\\.|[^\\=!])*)(!=|==|=)((?:\\.|[^\\=,])*)$/.exec(term);
  const [, field = '', operator = '', escaped = ''] = match ?? [];
  if (match === null) {
    throw new ApiError(
      'BadRequest',
      `invalid selector: '${selector}'; can't understand '${term}'`,
      {
        remedy: "Write a field selector like 'metadata.name=web'",
      },
    );
  }
  const fields = ['metadata.name', 'metadata.namespace', ...(kind.selectableFields ?? [])];
  if (!fields.includes(field)) {
    throw new ApiError('BadRequest', `field label not supported: ${field}`, {
      remedy: `Select ${kind.plural} by ${fields.join(', ')}`,
    });
  }
  return {
    path: field.split('.'),
    value: escaped.replaceAll(/\\(.)/g, '$1'),
    equal: operator !== '!=',
  };
}

/** An absent field is the empty text, as in the API server. */
function fieldText(object: KubeObject, path: readonly string[]): string {
  let value: unknown = object;
  for (const key of path) value = isJsonObject(value) ? value[key] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : '';
}
