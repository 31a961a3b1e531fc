/** Nobody gives away more than he has: what roles and bindings may say, by who writes them (Kubernetes 1.36). */
import {
  clusterRoleBindingKind,
  clusterRoleKind,
  forbidden,
  isJsonArray,
  isJsonObject,
  jsonEqual,
  notFound,
  roleBindingKind,
  roleKind,
  type JsonObject,
  type Kind,
  type KubeObject,
  type ObjectClient,
  type PolicyRule,
} from '../../kube/index.ts';
import { formatRights, formatTexts, missingRights } from './covering.ts';
import { grantsOf, isSuperuser } from './role-access.ts';
import { allows, type User } from './rules.ts';

/** Throws Forbidden when the object gives more than its writer has, NotFound when it gives a role that is not there. */
export type GrantCheck = (value: JsonObject, stored: KubeObject | undefined) => void;

export interface Grantor {
  readonly client: ObjectClient;
  readonly user: User;
  readonly namespace: string;
}

interface Held extends Grantor {
  readonly kind: Kind;
  readonly rules: readonly PolicyRule[];
  readonly missing: readonly string[];
}

const roles: readonly Kind[] = [roleKind, clusterRoleKind];
const bindings: readonly Kind[] = [roleBindingKind, clusterRoleBindingKind];

/** What the writer holds is read now; undefined when objects of the kind give nothing, or he may give all. */
export async function grantCheck(kind: Kind, grantor: Grantor): Promise<GrantCheck | undefined> {
  const { client, user, namespace } = grantor;
  const isRole = roles.includes(kind);
  if (isSuperuser(user) || !(isRole || bindings.includes(kind))) return undefined;
  const { granted, missing } = await grantsOf(client, user, namespace);
  const held = { ...grantor, kind, missing, rules: granted.flatMap(({ rules }) => rules) };
  if (isRole) return unlessTended((value) => checkRole(value, held));
  const given = await rulesByRole(grantor);
  return unlessTended((value) => checkBinding(value, held, given));
}

/** What only the garbage collector needs changed gives nothing. */
function unlessTended(check: (value: JsonObject) => void): GrantCheck {
  return (value, stored) => {
    const isTended = stored !== undefined && jsonEqual(untended({ ...stored }), untended(value));
    if (!isTended) check(value);
  };
}

function untended(value: JsonObject): unknown {
  const metadata = isJsonObject(value['metadata']) ? value['metadata'] : {};
  const { finalizers: _f, ownerReferences: _o, managedFields: _m, ...rest } = metadata;
  return { ...value, metadata: rest };
}

function checkRole(value: JsonObject, held: Held): void {
  const name = nameIn(value);
  if (mayAnyway(held, { verb: 'escalate', kind: held.kind, name })) return;
  checkHeld(held, name, rulesIn(value['rules']));
}

// oxlint-disable-next-line eslint/max-params -- what is written, who writes, what there is.
function checkBinding(
  value: JsonObject,
  held: Held,
  given: ReadonlyMap<string, readonly PolicyRule[]>,
): void {
  const reference = isJsonObject(value['roleRef']) ? value['roleRef'] : {};
  const kind = roles.find((one) => one.kind === reference['kind']);
  const name = textOf(reference['name']);
  // Of no kind that there is: validation says so.
  if (kind === undefined || mayAnyway(held, { verb: 'bind', kind, name })) return;
  const rules = given.get(`${kind.kind} ${name}`);
  if (rules === undefined) throw notFound(kind, name);
  checkHeld(held, nameIn(value), rules);
}

interface Anyway {
  readonly verb: 'escalate' | 'bind';
  readonly kind: Kind;
  readonly name: string;
}

function mayAnyway({ rules, namespace }: Held, { verb, kind, name }: Anyway): boolean {
  const { group, plural: resource } = kind;
  return rules.some((rule) =>
    allows(rule, { kind: 'resource', verb, group, resource, namespace, name }),
  );
}

// oxlint-disable-next-line eslint/max-params -- who, where and what make one sentence.
function checkHeld(held: Held, name: string, wanted: readonly PolicyRule[]): void {
  const { user, missing, kind } = held;
  const rights = missingRights(held.rules, wanted);
  if (rights.length === 0) return;
  const who = `user ${JSON.stringify(user.username)} (groups=${formatTexts(user.groups)})`;
  const why = missing.length > 1 ? `[${missing.join(', ')}]` : missing.join('');
  const unresolved = why === '' ? '' : `; resolution errors: [${why}]`;
  const what = 'is attempting to grant RBAC permissions not currently held';
  throw forbidden(kind, name, `${who} ${what}:\n${formatRights(rights)}${unresolved}`);
}

async function rulesByRole({
  client,
  namespace,
}: Grantor): Promise<ReadonlyMap<string, readonly PolicyRule[]>> {
  const everywhere = await client.list(clusterRoleKind);
  const here = namespace === '' ? { items: [] } : await client.list(roleKind, { namespace });
  return new Map(
    [...everywhere.items, ...here.items].map((role) => [
      `${role.kind} ${role.metadata.name}`,
      role.rules ?? [],
    ]),
  );
}

/** Of an object as it was sent: what is no rule is left to validation. */
function rulesIn(value: unknown): readonly PolicyRule[] {
  if (!isJsonArray(value)) return [];
  return value.filter(isJsonObject).map((rule) => ({
    verbs: textsIn(rule['verbs']),
    apiGroups: textsIn(rule['apiGroups']),
    resources: textsIn(rule['resources']),
    resourceNames: textsIn(rule['resourceNames']),
    nonResourceURLs: textsIn(rule['nonResourceURLs']),
  }));
}

function textsIn(value: unknown): readonly string[] {
  return isJsonArray(value) ? value.filter((item) => typeof item === 'string') : [];
}

function nameIn(value: JsonObject): string {
  const { metadata } = value;
  return isJsonObject(metadata) ? textOf(metadata['name']) : '';
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
