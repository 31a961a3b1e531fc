/** Role-based access as pure functions: what is asked, whom a binding means, what a rule allows. */
import type { PolicyRule, RoleBinding } from '../../kube/index.ts';

export interface User {
  readonly username: string;
  readonly uid?: string;
  readonly groups: readonly string[];
}

export type Attributes =
  | {
      readonly kind: 'resource';
      readonly verb: string;
      readonly group: string;
      /** `pods`, or `pods/log`. */
      readonly resource: string;
      /** Empty for all. */
      readonly namespace: string;
      readonly name: string;
    }
  | { readonly kind: 'path'; readonly verb: string; readonly path: string };

type Subject = NonNullable<RoleBinding['subjects']>[number];

/** The subject of a binding that stands for this user; undefined when there is none. */
export function subjectFor(binding: RoleBinding, user: User): Subject | undefined {
  return binding.subjects?.find(({ kind, name, namespace }) => {
    switch (kind) {
      case 'User':
        return name === user.username;
      case 'Group':
        return user.groups.includes(name);
      case 'ServiceAccount':
        return user.username === accountUsername(namespace ?? '', name);
      default:
        return false;
    }
  });
}

export function accountUsername(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

export function allows(rule: PolicyRule, asked: Attributes): boolean {
  if (!hasOrAll(rule.verbs, asked.verb)) return false;
  if (asked.kind === 'path') return (rule.nonResourceURLs ?? []).some(covers(asked.path));
  const { resourceNames = [] } = rule;
  return (
    hasOrAll(rule.apiGroups, asked.group) &&
    hasResource(rule.resources, asked.resource) &&
    (resourceNames.length === 0 || resourceNames.includes(asked.name))
  );
}

function hasOrAll(values: readonly string[] = [], wanted: string): boolean {
  return values.includes('*') || values.includes(wanted);
}

/** A star before the slash means that sub-resource of everything. */
function hasResource(resources: readonly string[] = [], wanted: string): boolean {
  const slash = wanted.indexOf('/');
  return (
    hasOrAll(resources, wanted) || (slash !== -1 && resources.includes(`*${wanted.slice(slash)}`))
  );
}

function covers(path: string): (pattern: string) => boolean {
  return (pattern) =>
    pattern === path || (pattern.endsWith('*') && path.startsWith(pattern.slice(0, -1)));
}

/** `User "x" cannot list resource "services" in API group "" in the namespace "shop"`. */
export function formatRefusal(user: User, asked: Attributes): string {
  const who = `User ${JSON.stringify(user.username)} cannot ${asked.verb}`;
  if (asked.kind === 'path') return `${who} path ${JSON.stringify(asked.path)}`;
  const { resource, group, namespace } = asked;
  const where = namespace === '' ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `${who} resource "${resource}" in API group "${group}" ${where}`;
}
