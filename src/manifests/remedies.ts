/** What to do about a refusal of the API, in the words of somebody who edits a file. */
import { isJsonArray, isJsonObject, type StatusCause, type UnknownField } from '../kube/index.ts';
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

/** By what is wrong with a value; the first that fits. */
const valueRemedies: readonly (readonly [RegExp, string])[] = [
  [/between 1 and 65535/, 'Write a port from 1 to 65535'],
  [
    /must be no more than 15 characters|consecutive hyphens|at least one letter/,
    'Use at most 15 of a-z, 0-9 and -, with a letter among them',
  ],
  [/must be no more than [0-9]+/, 'Shorten it'],
  [
    /lowercase RFC 1123 subdomain/,
    'Use a-z, 0-9, - and . only, and begin and end with a letter or digit',
  ],
  [/lowercase RFC 1123/, 'Use a-z, 0-9 and - only, and begin and end with a letter or digit'],
  [/must not contain dots/, 'Take the dots away'],
  [/must be a valid IP address/, 'Write an IP address such as 192.0.2.7'],
  [/must be a valid CIDR/, 'Write a range such as 192.0.2.0/24'],
  [/may not be in the|may not be unspecified/, 'Use an address that other machines can reach'],
  [
    /must be an IPv[46] address/,
    'Write addressType as the addresses are, or move them to a slice of their family',
  ],
  [
    /does not match template `labels`/,
    'Give spec.template.metadata.labels every label of spec.selector.matchLabels',
  ],
  [
    /empty selector is invalid/,
    'Write spec.selector.matchLabels with the labels of the Pod template',
  ],
  [/greater than or equal to 0/, 'Write 0 or more'],
  [/greater than 0 and less than 86400/, 'Write 1 to 86400 seconds'],
  [/must be greater than 0/, 'Write 1 or more'],
  [/must be 1$/, 'Write 1, or take it away'],
  [
    /a valid label must be/,
    'Use at most 63 of A-Z, a-z, 0-9, -, _ and ., and begin and end with a letter or digit',
  ],
  [/a qualified name|name part|prefix part/, 'Write the key as NAME or DOMAIN/NAME'],
  [/a valid config key/, 'Use A-Z, a-z, 0-9, -, _ and . only'],
  [/must be an absolute path/, 'Begin the path with /'],
  [/not an IP address/, 'Write a host name, or take it away: every host is meant then'],
  [/`defaultBackend` or `rules`/, 'Add spec.rules or spec.defaultBackend'],
  [/cannot set both/, 'Keep one of the two'],
  [/unable to parse IP|canonical format/, 'Name the object by its address, such as 10.96.0.10'],
  [/may not be 0 when/, 'Let one of maxSurge and maxUnavailable be more than 0'],
  [/may not be set to 'None'/, 'Take clusterIP: None away, or take the type away'],
  [/first value must match/, 'Write the same address in clusterIP and first in clusterIPs'],
  [/externally-accessible/, 'Take it away, or use type NodePort or LoadBalancer'],
  [/may only be set when/, 'Take FIELD away'],
  [
    /dual-stack|is not configured|not configured on this cluster/,
    'Take ipFamilyPolicy and ipFamilies away, or use a family that the instance has',
  ],
  [/must be 'OrderedReady' or/, 'Write OrderedReady or Parallel'],
];

/** Of what is missing: what could stand there, where the field alone does not say it. */
const missingRemedies: readonly (readonly [RegExp, string])[] = [
  [/handler type/, 'Add httpGet, tcpSocket, grpc or exec below it'],
  [/`addresses` or `notReadyAddresses`/, 'Add addresses below it'],
  [/resource and service backends/, 'Add service: with name and port below it'],
];

/** Fields of versions that are gone, and what they are now. */
const goneFields: Readonly<Record<string, string>> = {
  serviceName: 'Write service: { name: ... } instead: the v1beta1 API had serviceName',
  servicePort: 'Write service: { port: { number: ... } } instead: the v1beta1 API had servicePort',
};

export function unknownFieldRemedy({ name, known, below, map }: UnknownField): string {
  const gone = known.includes('service') ? goneFields[name] : undefined;
  if (gone !== undefined) return gone;
  if (below !== undefined) return `Move ${name} below ${below}`;
  const [near] = nearNames(name, known);
  if (near !== undefined) return `Write ${near} instead of ${name}, or remove it`;
  return map === undefined ? `Remove ${name}` : `Remove ${name}, or move it below ${map}`;
}

/** The API's sentence without what only a program reads. */
export function inPlainWords(cause: StatusCause, isWritten: boolean): StatusCause {
  const message = cause.message.replace(/,? regex used for validation is '[^']*'/, '');
  if (!isWritten && message.startsWith('Invalid value: 0: must be between')) {
    return {
      ...cause,
      reason: 'FieldValueRequired',
      message: message.replace('Invalid value: 0', 'Required value'),
    };
  }
  const port = /^Duplicate value: .*"Protocol":"([A-Z]+)".*"Port":([0-9]+)/.exec(message);
  if (port === null) return { ...cause, message };
  return { ...cause, message: `Duplicate value: ${port[2]}/${port[1]} is listed twice` };
}

/** A sentence for each kind of refusal. */
export function remedyFor({ reason, field, message }: StatusCause): string {
  const named = (text: string): string => text.replaceAll('FIELD', lastPart(field));
  switch (reason) {
    case 'FieldValueRequired':
      return missingRemedies.find(([what]) => what.test(message))?.[1] ?? `Add ${field}`;
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
      if (field === 'spec.externalName') return 'Write a host name, without a scheme, port or path';
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
  const [only] = supported;
  if (supported.length === 1 && only !== undefined) return `Write ${only}, or take it away`;
  const same = supported.find((value) => value.toLowerCase() === given.toLowerCase());
  const near = same ?? nearNames(given, supported)[0];
  return near === undefined ? 'Use one of the supported values' : `Write ${near}`;
}

function lastPart(field: string): string {
  // Keys of a map may hold dots.
  const key = /\.(?:annotations|labels|matchLabels|selector|data)\.(.+)$/.exec(`.${field}`)?.[1];
  if (key !== undefined) return key;
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
