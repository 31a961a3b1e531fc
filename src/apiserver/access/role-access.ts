/** Decides by the roles and bindings that are stored, as they are at that moment. */
import {
  apiNames,
  clusterRoleBindingKind,
  clusterRoleKind,
  isNotFound,
  nameOf,
  roleBindingKind,
  roleKind,
  type Kind,
  type ObjectClient,
  type ObjectName,
  type PolicyRule,
  type Role,
  type RoleBinding,
} from '../../kube/index.ts';
import { allows, subjectFor, type Attributes, type User } from './rules.ts';

export interface Verdict {
  readonly isAllowed: boolean;
  /** Which binding allows it, or what is wrong with those that might; may be empty. */
  readonly reason: string;
}

/** Of a binding that means the user. */
interface Granted {
  readonly rules: readonly PolicyRule[];
  readonly reason: string;
}

/** Whoever is in it may do everything, whatever the roles say. */
const superGroup = 'system:masters';

export function isSuperuser({ groups }: User): boolean {
  return groups.includes(superGroup);
}

export async function decideByRoles(
  client: ObjectClient,
  user: User,
  asked: Attributes,
): Promise<Verdict> {
  if (isSuperuser(user)) return { isAllowed: true, reason: '' };
  const namespace = asked.kind === 'resource' ? asked.namespace : '';
  const { granted, missing } = await grantsOf(client, user, namespace);
  const found = granted.find(({ rules }) => rules.some((rule) => allows(rule, asked)));
  if (found !== undefined) return { isAllowed: true, reason: found.reason };
  const why = missing.length > 1 ? `[${missing.join(', ')}]` : missing.join('');
  return { isAllowed: false, reason: why === '' ? '' : `RBAC: ${why}` };
}

/** Every rule that holds for a user in a namespace. */
export async function rulesFor(
  client: ObjectClient,
  user: User,
  namespace: string,
): Promise<readonly PolicyRule[]> {
  if (isSuperuser(user)) return everything;
  const { granted } = await grantsOf(client, user, namespace);
  return granted.flatMap(({ rules }) => rules);
}

const all = ['*'];
const everything: readonly PolicyRule[] = [
  { verbs: all, apiGroups: all, resources: all },
  { verbs: all, nonResourceURLs: all },
];

interface Grants {
  readonly granted: readonly Granted[];
  /** Roles that are bound and are not there, as the API server tells of them. */
  readonly missing: readonly string[];
}

/** Of the bindings of the whole cluster, and of a namespace unless that is empty. */
export async function grantsOf(
  client: ObjectClient,
  user: User,
  namespace: string,
): Promise<Grants> {
  const everywhere = await client.list(clusterRoleBindingKind);
  const here = namespace === '' ? { items: [] } : await client.list(roleBindingKind, { namespace });
  const granted: Granted[] = [];
  const missing: string[] = [];
  for (const binding of [...everywhere.items, ...here.items]) {
    const subject = subjectFor(binding, user);
    if (subject === undefined) continue;
    const { kind, name } = binding.roleRef;
    const role = await roleOf(client, binding);
    if (role === undefined) {
      missing.push(`${kind.toLowerCase()}.${apiNames.rbac} ${JSON.stringify(name)} not found`);
      continue;
    }
    const who = [subject.kind, quoted(nameAndPlace(subject))].join(' ');
    const by = `${binding.kind} ${quoted(nameAndPlace(nameOf(binding)))}`;
    granted.push({
      rules: role.rules ?? [],
      reason: `RBAC: allowed by ${by} of ${kind} ${quoted(name)} to ${who}`,
    });
  }
  return { granted, missing };
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

function nameAndPlace({ name, namespace = '' }: ObjectName): string {
  return namespace === '' ? name : `${name}/${namespace}`;
}

async function roleOf(client: ObjectClient, binding: RoleBinding): Promise<Role | undefined> {
  const { kind, name } = binding.roleRef;
  const { namespace } = nameOf(binding);
  return kind === 'Role'
    ? await found(client, roleKind, { namespace, name })
    : await found(client, clusterRoleKind, { name });
}

async function found(
  client: ObjectClient,
  kind: Kind<Role>,
  name: ObjectName,
): Promise<Role | undefined> {
  try {
    return await client.get(kind, name);
  } catch (thrown) {
    if (isNotFound(thrown)) return undefined;
    throw thrown;
  }
}
