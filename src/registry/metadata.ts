/** Defaults and rules of metadata, the same for every kind. */
import {
  dnsLabelProblems,
  labelValueProblems,
  qualifiedNameProblems,
  type KubeObject,
  type ObjectMeta,
  type OwnerReference,
} from '../kube/index.ts';
import type { Random } from '../model/index.ts';
import type { Problems } from './problems.ts';
import type { Strategy } from './strategy.ts';

/** Of the API itself: they need no domain. */
const standardFinalizers: readonly string[] = ['orphan', 'foregroundDeletion', 'kubernetes'];
const maxAnnotationBytes = 256 * 1024;
/** No vowels and no look-alikes, so that no word and no confusion comes out. */
const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';
const suffixLength = 5;
const maxGeneratedName = 63 - suffixLength;

/** The name an object without one gets from its generateName. */
export function generateName(prefix: string, random: Random): string {
  const suffix = Array.from(
    { length: suffixLength },
    () => suffixAlphabet[Math.floor(random() * suffixAlphabet.length)],
  );
  return `${prefix.slice(0, maxGeneratedName)}${suffix.join('')}`;
}

export function validateMetadata<T extends KubeObject>(
  object: T,
  strategy: Strategy<T>,
  problems: Problems,
): void {
  const { name, namespace, generateName: prefix, labels, annotations } = object.metadata;
  if (prefix !== undefined && prefix !== '') {
    const trimmed = prefix.replace(/-$/, '');
    problems.invalidEach('metadata.generateName', prefix, strategy.nameProblems(trimmed));
  }
  if (name === '') {
    problems.required('metadata.name', 'name or generateName is required');
  } else {
    problems.invalidEach('metadata.name', name, strategy.nameProblems(name));
  }
  if (strategy.kind.namespaced && namespace !== undefined && namespace !== '') {
    problems.invalidEach('metadata.namespace', namespace, dnsLabelProblems(namespace));
  }
  if (!strategy.kind.namespaced && namespace !== undefined && namespace !== '') {
    problems.forbidden('metadata.namespace', 'not allowed on this type');
  }
  validateLabels(labels, 'metadata.labels', problems);
  validateAnnotations(annotations, problems);
  validateOwners(object.metadata, problems);
  validateFinalizers(object.metadata, problems);
}

/** Also Service selectors, and everything else that is a map of labels. */
export function validateLabels(
  labels: Readonly<Record<string, string>> | undefined,
  field: string,
  problems: Problems,
): void {
  for (const [key, value] of Object.entries(labels ?? {})) {
    problems.invalidEach(field, key, qualifiedNameProblems(key));
    problems.invalidEach(field, value, labelValueProblems(value));
  }
}

function validateAnnotations(annotations: ObjectMeta['annotations'], problems: Problems): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    problems.invalidEach('metadata.annotations', key, qualifiedNameProblems(key.toLowerCase()));
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
  }
  if (bytes > maxAnnotationBytes) {
    problems.tooLong('metadata.annotations', maxAnnotationBytes);
  }
}

/** Each owner is named whole, and only one of them leads. */
function validateOwners({ ownerReferences = [] }: ObjectMeta, problems: Problems): void {
  let leading: OwnerReference | undefined;
  for (const owner of ownerReferences) {
    const field = 'metadata.ownerReferences';
    const { apiVersion, kind, name, uid, controller } = owner;
    if (apiVersion === '' || apiVersion.endsWith('/')) {
      problems.invalid(`${field}.apiVersion`, apiVersion, 'version must not be empty');
    }
    for (const [part, value] of Object.entries({ kind, name, uid })) {
      if (value === '') problems.invalid(`${field}.${part}`, value, 'must not be empty');
    }
    if (kind === 'Event' && apiVersion === 'v1') {
      problems.invalid(field, owner, 'v1, Kind=Event is disallowed from being an owner');
    }
    if (controller !== true) continue;
    if (leading !== undefined) {
      const why = `Only one reference can have Controller set to true. Found "true" in references for ${leading.kind}/${leading.name} and ${kind}/${name}`;
      problems.invalid(field, ownerReferences, why);
    }
    leading = owner;
  }
}

function validateFinalizers({ finalizers: all = [] }: ObjectMeta, problems: Problems): void {
  for (const [i, finalizer] of all.entries()) {
    const field = `metadata.finalizers[${i}]`;
    problems.invalidEach(field, finalizer, qualifiedNameProblems(finalizer));
    if (finalizer.includes('/') || standardFinalizers.includes(finalizer)) continue;
    const why = 'name is neither a standard finalizer name nor is it fully qualified';
    problems.invalid(field, finalizer, why);
  }
}

/** What of metadata an update may not touch. */
export function validateMetadataChange(
  { finalizers: after = [] }: ObjectMeta,
  { deletionTimestamp, finalizers: before = [] }: ObjectMeta,
  problems: Problems,
): void {
  if (deletionTimestamp === undefined) return;
  const added = after.filter((finalizer) => !before.includes(finalizer));
  if (added.length === 0) return;
  const names = added.map((name) => JSON.stringify(name)).join(', ');
  // Printed as Go prints its slices.
  const why = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`;
  problems.forbidden('metadata.finalizers', why);
}
