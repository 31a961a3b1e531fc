/** Whether rules hold all that other rules allow, and what is missing, as the API server tells of it. Pure. */
import type { PolicyRule } from '../../kube/index.ts';
import { allows } from './rules.ts';

/** What `wanted` allows and `held` does not, one right a rule, in the order it is wanted. */
export function missingRights(
  held: readonly PolicyRule[],
  wanted: readonly PolicyRule[],
): readonly PolicyRule[] {
  return wanted.flatMap(single).filter((right) => !held.some((rule) => covers(rule, right)));
}

/** A rule of one group, resource, verb and name each, or of one path and verb. */
function single(rule: PolicyRule): readonly PolicyRule[] {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  const names = resourceNames.length === 0 ? [[]] : resourceNames.map((name) => [name]);
  const rights = apiGroups.flatMap((group) =>
    resources.flatMap((resource) =>
      verbs.flatMap((verb) =>
        names.map((name) => ({
          apiGroups: [group],
          resources: [resource],
          verbs: [verb],
          ...(name.length === 0 ? {} : { resourceNames: name }),
        })),
      ),
    ),
  );
  const paths = nonResourceURLs.flatMap((path) =>
    verbs.map((verb) => ({ nonResourceURLs: [path], verbs: [verb] })),
  );
  return [...rights, ...paths];
}

function covers(rule: PolicyRule, right: PolicyRule): boolean {
  const [verb = ''] = right.verbs;
  const [path] = right.nonResourceURLs ?? [];
  if (path !== undefined) return allows(rule, { kind: 'path', verb, path });
  const [group = ''] = right.apiGroups ?? [];
  const [resource = ''] = right.resources ?? [];
  // No name means all of them: a rule of some names is not enough, and its empty name is none.
  const [name] = right.resourceNames ?? [];
  if (name === undefined && (rule.resourceNames ?? []).length > 0) return false;
  const asked = { kind: 'resource', verb, group, resource, namespace: '', name: name ?? '' };
  return allows(rule, { ...asked, kind: 'resource' });
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}`, one a line, sorted. */
export function formatRights(rights: readonly PolicyRule[]): string {
  const simple = new Map<string, PolicyRule>();
  const others: PolicyRule[] = [];
  for (const right of rights) {
    if ((right.nonResourceURLs ?? []).length > 0) {
      others.push(right);
      continue;
    }
    const { verbs, ...what } = right;
    const key = JSON.stringify(what);
    simple.set(key, { ...right, verbs: [...(simple.get(key)?.verbs ?? []), ...verbs] });
  }
  const texts = new Set([...others, ...simple.values()].map(formatRight));
  return [...texts].toSorted().join('\n');
}

function formatRight(right: PolicyRule): string {
  const parts: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['APIGroups', right.apiGroups],
    ['Resources', right.resources],
    ['NonResourceURLs', right.nonResourceURLs],
    ['ResourceNames', right.resourceNames],
    ['Verbs', right.verbs],
  ];
  const texts = parts.flatMap(([name, values = []]) =>
    values.length === 0 ? [] : [`${name}:${formatTexts(values)}`],
  );
  return `{${texts.join(', ')}}`;
}

/** As Go's `%q` writes a list. */
export function formatTexts(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(' ')}]`;
}
