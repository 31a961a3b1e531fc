/** What to do about a refusal of the API, in the words of somebody who edits a file. */
import { isJsonArray, isJsonObject, type StatusCause } from '../kube/index.ts';
import { nearNames } from '../model/index.ts';

/** By what the field must be of: what that looks like in YAML. */
const typeRemedies: readonly (readonly [RegExp, string])[] = [
  [/must be an integer$/, 'Write FIELD as a whole number, without quotes'],
  [/must be an integer or a string$/, 'Write FIELD as a number or a name'],
  [/must be a boolean$/, 'Write FIELD: true or FIELD: false, without quotes'],
  [/must be a string$/, 'Write FIELD as text; put a number or true in quotes'],
  [/must be a map$/, 'Write FIELD as lines of KEY: VALUE below it, indented'],
  [/must be a list$/, 'Write FIELD as a list: lines below it that begin with "- "'],
];

/** By what is wrong with a value. */
const valueRemedies: readonly (readonly [RegExp, string])[] = [
  [/between 1 and 65535/, 'Write a port from 1 to 65535'],
  [
    /must be no more than 15 characters|consecutive hyphens|at least one letter/,
    'Use at most 15 of a-z, 0-9 and -, with a letter among them',
  ],
  [
    /lowercase RFC 1123 (label|subdomain)/,
    'Use a-z, 0-9 and - only, and begin and end with a letter or digit',
  ],
  [/must not contain dots/, 'Take the dots away'],
  [/must be a valid IP address/, 'Write an IP address such as 192.0.2.7'],
  [/must be a valid CIDR/, 'Write a range such as 192.0.2.0/24'],
  [/may not be in the loopback range/, 'Use an address that other machines can reach'],
  [
    /does not match template `labels`/,
    'Give spec.template.metadata.labels every label of spec.selector.matchLabels',
  ],
  [
    /empty selector is invalid/,
    'Write spec.selector.matchLabels with the labels of the Pod template',
  ],
  [/greater than or equal to 0/, 'Write 0 or more'],
  [
    /a valid label must be/,
    'Use at most 63 of A-Z, a-z, 0-9, -, _ and ., and begin and end with a letter or digit',
  ],
  [/greater than 0 and less than 86400/, 'Write 1 to 86400 seconds'],
  [/must be an absolute path/, 'Begin the path with /'],
  [
    /dual-stack|IPv[46] is not configured|not configured on this cluster/,
    'Take ipFamilyPolicy and ipFamilies away, or use a family that the instance has',
  ],
];

/** A sentence for each kind of refusal. */
export function remedyFor({ reason, field, message }: StatusCause): string {
  const named = (text: string): string => text.replaceAll('FIELD', lastPart(field));
  switch (reason) {
    case 'FieldValueRequired':
      return `Add ${field}`;
    case 'FieldValueForbidden':
      return message.includes('updates')
        ? `Leave ${field} as it was, or make the object anew`
        : `Remove ${field}`;
    case 'FieldValueNotSupported':
      return supportedRemedy(message);
    case 'FieldValueDuplicate':
      return 'Use each value once';
    default: {
      const table = reason === 'FieldValueTypeInvalid' ? typeRemedies : valueRemedies;
      const found = table.find(([what]) => what.test(message));
      return found === undefined ? `Correct ${field}` : named(found[1]);
    }
  }
}

/** The supported value that was probably meant. */
function supportedRemedy(message: string): string {
  const [given = '', ...supported] = [...message.matchAll(/"([^"]*)"/g)].map(
    ([, text]) => text ?? '',
  );
  const same = supported.find((value) => value.toLowerCase() === given.toLowerCase());
  const near = same ?? nearNames(given, supported)[0];
  return near === undefined ? 'Use one of the supported values' : `Write ${near}`;
}

function lastPart(field: string): string {
  return field.split('.').at(-1) ?? field;
}

/** Whether the field is written down, or was filled in. */
export function hasField(value: unknown, field: string): boolean {
  let here: unknown = value;
  for (const part of field.split(/[.[\]]+/).filter((text) => text !== '')) {
    if (isJsonArray(here)) here = here[Number(part)];
    else if (isJsonObject(here)) here = here[part];
    else return false;
  }
  return here !== undefined;
}
