/** What of a Pod may change once it is there (ValidatePodUpdate, Kubernetes 1.36): its image, and little else. */
import { isJsonObject, jsonEqual, type Pod, type PodSpec, type Toleration } from '../kube/index.ts';
import type { Problems } from './problems.ts';

const mayChange = [
  '`spec.containers[*].image`',
  '`spec.initContainers[*].image`',
  '`spec.activeDeadlineSeconds`',
  '`spec.tolerations` (only additions to existing tolerations)',
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)',
].join(',');

export function validatePodChange(pod: Pod, stored: Pod, problems: Problems): void {
  const spec = pod.spec ?? {};
  const old = stored.spec ?? {};
  for (const list of ['containers', 'initContainers'] as const) {
    if ((spec[list]?.length ?? 0) === (old[list]?.length ?? 0)) continue;
    // The rest would only be the echo of this.
    problems.forbidden(`spec.${list}`, `pod updates may not add or remove ${article(list)}`);
    return;
  }
  validateDeadline(spec, old, problems);
  const before = problems.causes.length;
  validateTolerations(spec.tolerations ?? [], old.tolerations ?? [], problems);
  if (problems.causes.length > before) return;
  const munged = { ...spec, ...changeable(spec, old) };
  if (jsonEqual(munged, old)) return;
  const fields = differences(old, munged, 'spec').map((difference) => `\n${difference}`);
  const why = `pod updates may not change fields other than ${mayChange}${fields.join('')}`;
  problems.forbidden('spec', why);
}

function article(list: 'containers' | 'initContainers'): string {
  return list === 'containers' ? 'containers' : 'init containers';
}

/** The old values of what may change. */
function changeable(spec: PodSpec, old: PodSpec): PodSpec {
  const withImages = (list: 'containers' | 'initContainers'): PodSpec =>
    spec[list] === undefined
      ? {}
      : {
          [list]: spec[list].map((container, i) => {
            const image = old[list]?.[i]?.image;
            return image === undefined ? container : { ...container, image };
          }),
        };
  const keep = <K extends keyof PodSpec>(key: K): PodSpec => ({ [key]: old[key] });
  const grace = old.terminationGracePeriodSeconds ?? 0;
  return {
    ...withImages('containers'),
    ...withImages('initContainers'),
    ...keep('tolerations'),
    ...keep('activeDeadlineSeconds'),
    ...(grace < 0 && spec.terminationGracePeriodSeconds === 1
      ? keep('terminationGracePeriodSeconds')
      : {}),
    // Whoever places Pods says where once; the real server has a subresource for that.
    ...((old.nodeName ?? '') === '' ? keep('nodeName') : {}),
  };
}

function validateDeadline(spec: PodSpec, old: PodSpec, problems: Problems): void {
  const field = 'spec.activeDeadlineSeconds';
  const { activeDeadlineSeconds: now } = spec;
  const { activeDeadlineSeconds: before } = old;
  if (before === undefined || now === before) return;
  if (now === undefined) {
    problems.invalid(field, now ?? null, `must be less than or equal to previous value`);
  } else if (now > before) {
    problems.invalid(field, now, 'must be less than or equal to previous value');
  }
}

function validateTolerations(
  now: readonly Toleration[],
  before: readonly Toleration[],
  problems: Problems,
): void {
  const bare = ({ tolerationSeconds: _seconds, ...toleration }: Toleration): object => toleration;
  const kept = before.every((old) => now.some((found) => jsonEqual(bare(found), bare(old))));
  if (kept) return;
  const why = 'existing toleration can not be modified except its tolerationSeconds';
  problems.forbidden('spec.tolerations', why);
}

/** `spec.hostname: "a" -> "b"`, the innermost fields that differ; the real server prints a Go diff here. */
function differences(before: unknown, after: unknown, path: string): readonly string[] {
  if (jsonEqual(before, after)) return [];
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...keys].flatMap((key) => differences(before[key], after[key], `${path}.${key}`));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((item, i) => differences(item, after[i], `${path}[${i}]`));
  }
  return [`  ${path}: ${shown(before)} -> ${shown(after)}`];
}

function shown(value: unknown): string {
  return value === undefined ? 'unset' : JSON.stringify(value);
}
