/** Files and folders to the set of objects they describe, and everything that is wrong with them. */
import {
  apiVersionOf,
  isJsonObject,
  isKubeObject,
  kindKey,
  kinds,
  schemaOf,
  unknownFields,
  withoutUnknownFields,
  type ApiError,
  type JsonObject,
  type Kind,
  type KubeObject,
} from '../kube/index.ts';
import type { ObjectCheck } from '../registry/index.ts';
import type { ManifestErrorCode, ManifestProblem } from './errors.ts';
import { hasField, inPlainWords, remedyFor, unknownFieldRemedy } from './remedies.ts';
import { parseManifest, type ManifestDocument } from './parse.ts';
import { readManifests, type ManifestText, type WatchedPath } from './read-files.ts';

/** An object that a manifest asks for. */
export interface DesiredObject {
  /** Unique over all kinds. */
  readonly key: string;
  readonly kind: Kind;
  /** As written, without unknown fields; the namespace is `default` where it was left out. */
  readonly object: KubeObject;
  readonly document: ManifestDocument;
  /** Every field that is read has a value of its type, right or wrong. */
  readonly isTyped: boolean;
}

/** A document of a kind that is not served: it is passed over. */
export interface SkippedDocument {
  readonly file: string;
  readonly line: number;
  readonly apiVersion: string;
  readonly kind: string;
  /** Undefined when it has none. */
  readonly name: string | undefined;
}

export interface LoadedManifests {
  readonly desired: readonly DesiredObject[];
  readonly problems: readonly ManifestProblem[];
  /** Fields that do nothing; the objects are taken without them. */
  readonly warnings: readonly ManifestProblem[];
  readonly skipped: readonly SkippedDocument[];
  /** What was read, in order. */
  readonly files: readonly string[];
  /** Files and folders whose changes matter. */
  readonly watched: readonly WatchedPath[];
}

/** Never rejects; `desired` is the whole set only when there are no problems. */
export async function loadManifests(
  paths: readonly string[],
  check: ObjectCheck,
): Promise<LoadedManifests> {
  const { texts, problems, watched } = await readManifests(paths);
  const loaded = interpretManifests(texts, check);
  return { ...loaded, problems: [...problems, ...loaded.problems], watched };
}

/** The pure part of a load. */
export function interpretManifests(
  texts: readonly ManifestText[],
  check: ObjectCheck,
): Omit<LoadedManifests, 'watched'> {
  const desired = new Map<string, DesiredObject>();
  const problems: ManifestProblem[] = [];
  const warnings: ManifestProblem[] = [];
  const skipped: SkippedDocument[] = [];
  for (const { file, text } of texts) {
    const parsed = parseManifest(file, text);
    const found = [...parsed.problems];
    for (const document of parsed.documents) {
      const identified = identify(document);
      if (identified.result === 'skipped') skipped.push(identified.skipped);
      if (identified.result === 'problem') found.push(identified.problem);
      if (identified.result !== 'object') continue;
      const refused = check(identified.object.kind, identified.object.object);
      if (refused !== undefined) found.push(...refusalProblems(identified.object, refused));
      const isTyped = refused?.causes.every(({ reason }) => reason !== wrongType) ?? true;
      const object = { ...identified.object, isTyped };
      warnings.push(...unknownFieldProblems(object));
      const first = desired.get(object.key);
      if (first !== undefined) found.push(duplicate(object, first));
      else desired.set(object.key, object);
    }
    problems.push(...found.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)));
  }
  const files = texts.map(({ file }) => file);
  return { desired: [...desired.values()], problems, warnings, skipped, files };
}

const wrongType = 'FieldValueTypeInvalid';

/** Fields that the kind does not have, each with the field that was probably meant. */
function unknownFieldProblems({
  kind,
  object,
  document,
}: DesiredObject): readonly ManifestProblem[] {
  const schema = schemaOf(kind);
  if (schema === undefined) return [];
  const place = { file: document.file, object: describeObject(kind, object) };
  return unknownFields(schema, document.value).map((unknown) => {
    const { path: field } = unknown;
    const line = document.lineOf(field);
    const reason = 'unknown field: it does nothing';
    const remedy = unknownFieldRemedy(unknown);
    return { code: 'MANIFEST_UNKNOWN_FIELD', ...place, line, field, reason, remedy };
  });
}

/** `Service default/web`. */
export function describeObject(kind: Kind, { metadata }: KubeObject): string {
  const { namespace, name } = metadata;
  return namespace === undefined ? `${kind.kind} ${name}` : `${kind.kind} ${namespace}/${name}`;
}

/** What the API says of an object, at the lines it means. */
export function refusalProblems(
  { kind, object, document }: DesiredObject,
  refused: ApiError,
  code: ManifestErrorCode = 'MANIFEST_INVALID',
): readonly ManifestProblem[] {
  const place = { code, file: document.file, object: describeObject(kind, object) };
  if (refused.causes.length === 0) {
    const { message: reason, remedy } = refused;
    return [{ ...place, line: document.line, field: undefined, reason, remedy }];
  }
  const echo = (field: string): boolean =>
    field.endsWith('.targetPort') && !hasField(document.value, field);
  return refused.causes
    .filter(({ field }) => !echo(field))
    .map((cause) => {
      const field = asWritten(cause.field, document.value);
      const told = inPlainWords({ ...cause, field }, hasField(document.value, field));
      const remedy = remedyFor(told);
      return { ...place, line: document.lineOf(field), field, reason: told.message, remedy };
    });
}

type Identified =
  | { readonly result: 'object'; readonly object: DesiredObject }
  | { readonly result: 'skipped'; readonly skipped: SkippedDocument }
  | { readonly result: 'problem'; readonly problem: ManifestProblem };

function identify(document: ManifestDocument): Identified {
  const { file, value } = document;
  const apiVersion = value['apiVersion'];
  const kindName = value['kind'];
  for (const [field, found] of Object.entries({ apiVersion, kind: kindName })) {
    if (typeof found === 'string' && found !== '') continue;
    const reason = found === undefined || found === null ? 'Required value' : 'must be a string';
    return fieldProblem(document, { field, reason, remedy: `Add ${field}` });
  }
  const named = kinds.filter((kind) => kind.kind === kindName);
  const kind = named.find((candidate) => apiVersionOf(candidate) === apiVersion);
  if (kind === undefined) {
    const versions = named.map(apiVersionOf);
    if (versions.length === 0) {
      const own = value['metadata'];
      const found = isJsonObject(own) ? own['name'] : undefined;
      const name = typeof found === 'string' ? found : undefined;
      const skipped = {
        file,
        line: document.line,
        apiVersion: String(apiVersion),
        kind: String(kindName),
        name,
      };
      return { result: 'skipped', skipped };
    }
    const reason = `Unsupported value: ${JSON.stringify(apiVersion)}: supported values: ${versions.map((version) => JSON.stringify(version)).join(', ')}`;
    const remedy = `Write apiVersion: ${versions.join(' or ')}`;
    return fieldProblem(document, { field: 'apiVersion', reason, remedy });
  }
  const metadata = value['metadata'] ?? {};
  if (!isJsonObject(metadata)) {
    const remedy = 'Write metadata: with name: below it';
    return fieldProblem(document, { field: 'metadata', reason: 'must be a map', remedy });
  }
  const name = metadata['name'];
  if (name === undefined || name === null || name === '') {
    const field = 'metadata.name';
    return fieldProblem(document, { field, reason: 'Required value', remedy: `Add ${field}` });
  }
  // What is at least a text or a number can be told by its name, and the kind's own check says what is wrong with it.
  for (const [field, found] of Object.entries({ name, namespace: metadata['namespace'] ?? '' })) {
    if (typeof found !== 'object') continue;
    const remedy = `Write metadata.${field} as text`;
    return fieldProblem(document, {
      field: `metadata.${field}`,
      reason: 'must be a string',
      remedy,
    });
  }
  const schema = schemaOf(kind);
  const known = schema === undefined ? value : withoutUnknownFields(schema, value);
  const object: JsonObject = {
    ...(isJsonObject(known) ? known : value),
    metadata: { ...metadata, ...placeOf(kind, metadata) },
  };
  if (!isKubeObject(object)) {
    const remedy = `Write an object of kind ${kind.kind}`;
    return fieldProblem(document, { field: 'kind', reason: 'is no object', remedy });
  }
  const key = JSON.stringify([kindKey(kind), object.metadata.namespace, name]);
  return { result: 'object', object: { key, kind, object, document, isTyped: true } };
}

/** As kubectl: objects that leave their namespace out go to `default`. */
function placeOf(kind: Kind, metadata: JsonObject): JsonObject {
  const namespace = metadata['namespace'] ?? '';
  return kind.namespaced && namespace === '' ? { namespace: 'default' } : {};
}

interface FieldFault {
  readonly field: string;
  readonly reason: string;
  readonly remedy: string;
}

function fieldProblem(document: ManifestDocument, fault: FieldFault): Identified {
  const { file } = document;
  const line = document.lineOf(fault.field);
  return {
    result: 'problem',
    problem: { code: 'MANIFEST_INVALID', file, line, object: undefined, ...fault },
  };
}

function duplicate(second: DesiredObject, first: DesiredObject): ManifestProblem {
  const { file, line } = first.document;
  const object = describeObject(second.kind, second.object);
  return {
    code: 'MANIFEST_DUPLICATE',
    file: second.document.file,
    line: second.document.lineOf('metadata.name'),
    object,
    field: 'metadata.name',
    reason: `${object} is also described at ${file}:${line}`,
    remedy: 'Remove one of the two, or give it another name or namespace',
  };
}

/** The API speaks of clusterIPs also where only the older field is written, and spells one field its own way. */
function asWritten(named: string, { spec }: JsonObject): string {
  const field = named.replace('spec.LoadBalancerSourceRanges', 'spec.loadBalancerSourceRanges');
  const isOlder = isJsonObject(spec) && 'clusterIP' in spec && !('clusterIPs' in spec);
  return isOlder && /^spec\.clusterIPs(\[0\])?$/.test(field) ? 'spec.clusterIP' : field;
}
