/** ConfigMaps and Secrets: named pieces of text and bytes, kept for those who read them. */
import {
  configMapKind,
  dnsSubdomainProblems,
  jsonEqual,
  secretKind,
  type ConfigMap,
  type Secret,
} from '../kube/index.ts';
import type { Problems } from './problems.ts';
import type { Strategy } from './strategy.ts';
import { configMapShape, secretShape } from './workload-shapes.ts';

const maxBytes = 1_048_576;
const keyRule =
  "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
const isImmutable = 'field is immutable when `immutable` is set';

export const configMapStrategy: Strategy<ConfigMap> = {
  kind: configMapKind,
  shape: configMapShape,
  nameProblems: dnsSubdomainProblems,
  complete: (map) => map,
  validate: (map, stored, problems) => {
    const { data = {}, binaryData = {} } = map;
    const sizes = [
      ...validateEntries(data, 'data', problems),
      ...validateEntries(binaryData, 'binaryData', problems),
    ];
    for (const key of Object.keys(data).filter((name) => Object.hasOwn(binaryData, name))) {
      problems.invalid(`data[${key}]`, key, 'duplicate of key present in binaryData');
    }
    if (sum(sizes) > maxBytes) problems.tooLong('', maxBytes);
    validateStays(map, stored, problems);
  },
  initialStatus: (map) => map,
};

export const secretStrategy: Strategy<Secret> = {
  kind: secretKind,
  shape: secretShape,
  nameProblems: dnsSubdomainProblems,
  complete: ({ stringData, ...secret }) => {
    const texts = Object.entries(stringData ?? {}).map(
      ([key, text]) => [key, Buffer.from(text).toString('base64')] as const,
    );
    const data = { ...secret.data, ...Object.fromEntries(texts) };
    return { type: 'Opaque', ...secret, ...(Object.keys(data).length === 0 ? {} : { data }) };
  },
  validate: (secret, stored, problems) => {
    const sizes = validateEntries(secret.data ?? {}, 'data', problems);
    if (sum(sizes) > maxBytes) problems.tooLong('data', maxBytes);
    if (stored !== undefined && stored.type !== secret.type) {
      problems.invalid('type', secret.type, 'field is immutable');
    }
    validateStays(secret, stored, problems);
  },
  initialStatus: (secret) => secret,
};

/** The size of each value. */
function validateEntries(
  entries: Readonly<Record<string, string>>,
  field: string,
  problems: Problems,
): readonly number[] {
  return Object.entries(entries).map(([key, value]) => {
    const at = `${field}[${key}]`;
    if (key.length > 253) problems.invalid(at, key, 'must be no more than 253 characters');
    if (!/^[-._a-zA-Z0-9]+$/.test(key)) problems.invalid(at, key, keyRule);
    if (key === '.') problems.invalid(at, key, "must not be '.'");
    else if (key === '..') problems.invalid(at, key, "must not be '..'");
    else if (key.startsWith('..')) problems.invalid(at, key, "must not start with '..'");
    return Buffer.byteLength(value);
  });
}

function validateStays<T extends ConfigMap>(
  map: T,
  stored: T | undefined,
  problems: Problems,
): void {
  if (stored?.immutable !== true) return;
  if (map.immutable !== true) problems.forbidden('immutable', isImmutable);
  if (!jsonEqual(map.data, stored.data)) problems.forbidden('data', isImmutable);
  if (!jsonEqual(map.binaryData, stored.binaryData)) problems.forbidden('binaryData', isImmutable);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
