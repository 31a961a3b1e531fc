/** Defaults and rules of metadata, the same for every kind. */
import {
  labelValueProblems,
  qualifiedNameProblems,
  type KubeObject,
  type ObjectMeta,
} from '../kube/index.ts';
import type { Random } from '../model/index.ts';
import type { Problems } from './problems.ts';
import type { Strategy } from './strategy.ts';

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
  if (!strategy.kind.namespaced && namespace !== undefined && namespace !== '') {
    problems.forbidden('metadata.namespace', 'not allowed on this type');
  }
  validateLabels(labels, 'metadata.labels', problems);
  validateAnnotations(annotations, problems);
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

function validateFinalizers({ finalizers }: ObjectMeta, problems: Problems): void {
  for (const [i, finalizer] of (finalizers ?? []).entries()) {
    problems.invalidEach(`metadata.finalizers[${i}]`, finalizer, qualifiedNameProblems(finalizer));
  }
}
