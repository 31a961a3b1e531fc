/** Who may do what, over HTTP: tokens of service accounts, and the API server's words for what roles do not allow. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  clusterRoleBindingKind,
  clusterRoleKind,
  roleBindingKind,
  roleKind,
  serviceAccountKind,
  type PolicyRule,
} from '../src/kube/index.ts';
import { startApi, type ApiReply, type TestApi } from './support/api.ts';

let api: TestApi;
before(async () => (api = await startApi({ authorization: 'rbac' })));
after(() => api.stop());

const group = 'rbac.authorization.k8s.io';
const apiVersion = `${group}/v1`;
const namespace = 'default';

async function account(name: string): Promise<string> {
  await api.registry.create(serviceAccountKind, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace, name },
  });
  return await tokenOf(name);
}

async function tokenOf(name: string, spec: object = {}): Promise<string> {
  const reply = await ask(undefined, {
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: JSON.stringify({ spec }),
  });
  assert.equal(reply.status, 201, reply.text);
  return (JSON.parse(reply.text) as { status: { token: string } }).status.token;
}

function ask(
  token: string | undefined,
  asked: { readonly method?: string; readonly path: string; readonly body?: string },
): Promise<ApiReply> {
  const headers = {
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    ...(asked.body === undefined ? {} : { 'content-type': 'application/json' }),
  };
  return api.request({ ...asked, headers });
}

const subjectsOf = (name: string): readonly { kind: string; name: string; namespace: string }[] => [
  { kind: 'ServiceAccount', name, namespace },
];

async function grantEverywhere(name: string, rules: readonly PolicyRule[]): Promise<void> {
  await api.registry.create(clusterRoleKind, {
    apiVersion,
    kind: 'ClusterRole',
    metadata: { name },
    rules,
  });
  await api.registry.create(clusterRoleBindingKind, {
    apiVersion,
    kind: 'ClusterRoleBinding',
    metadata: { name },
    roleRef: { apiGroup: group, kind: 'ClusterRole', name },
    subjects: subjectsOf(name),
  });
}

test('an account may do nothing but ask about itself, and is told what it may not', async () => {
  const token = await account('nobody');
  const user = 'system:serviceaccount:default:nobody';
  const refused = await ask(token, { path: '/api/v1/services' });
  assert.equal(refused.status, 403);
  assert.deepEqual(JSON.parse(refused.text), {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: `services is forbidden: User "${user}" cannot list resource "services" in API group "" at the cluster scope`,
    reason: 'Forbidden',
    details: { kind: 'services' },
    code: 403,
  });
  const messages: Readonly<Record<string, string>> = {
    'GET /apis/apps/v1/namespaces/shop/deployments/web/status': `deployments.apps "web" is forbidden: User "${user}" cannot get resource "deployments/status" in API group "apps" in the namespace "shop"`,
    'DELETE /api/v1/namespaces/shop/pods': `pods is forbidden: User "${user}" cannot deletecollection resource "pods" in API group "" in the namespace "shop"`,
    'GET /api/v1/namespaces/shop': `namespaces "shop" is forbidden: User "${user}" cannot get resource "namespaces" in API group "" in the namespace "shop"`,
    'GET /metrics': `forbidden: User "${user}" cannot get path "/metrics"`,
    'GET /api/v1/nodes?watch=true&fieldSelector=metadata.name%3Da': `nodes "a" is forbidden: User "${user}" cannot watch resource "nodes" in API group "" at the cluster scope`,
  };
  for (const [request, message] of Object.entries(messages)) {
    const [method = '', path = ''] = request.split(' ');
    const reply = await ask(token, { method, path });
    const status = JSON.parse(reply.text) as { message: string };
    assert.deepEqual([reply.status, status.message], [403, message]);
  }
  for (const path of ['/api', '/apis/apps/v1', '/openapi/v3', '/version']) {
    assert.equal((await ask(token, { path })).status, 200, path);
  }
});

test('a rule allows its verbs of its resources in its groups, and no more', async () => {
  const token = await account('reader');
  await grantEverywhere('reader', [
    { verbs: ['list', 'watch'], apiGroups: [''], resources: ['services'] },
    { verbs: ['get'], apiGroups: [''], resources: ['nodes'], resourceNames: ['mine'] },
    { verbs: ['get'], nonResourceURLs: ['/metrics'] },
  ]);
  const answers: Readonly<Record<string, number>> = {
    '/api/v1/services': 200,
    '/api/v1/namespaces/default/services': 200,
    '/api/v1/namespaces/default/services/kubernetes': 403,
    '/api/v1/pods': 403,
    '/apis/apps/v1/deployments': 403,
    '/api/v1/nodes/mine': 404,
    '/api/v1/nodes/other': 403,
    '/metrics': 200,
  };
  for (const [path, status] of Object.entries(answers)) {
    assert.equal((await ask(token, { path })).status, status, path);
  }
  await api.registry.delete(clusterRoleBindingKind, { name: 'reader' });
  assert.equal((await ask(token, { path: '/api/v1/services' })).status, 403);
});

test('a Role holds in its namespace; one that is bound and missing is told', async () => {
  const token = await account('local');
  const metadata = { namespace, name: 'local' };
  await api.registry.create(roleBindingKind, {
    apiVersion,
    kind: 'RoleBinding',
    metadata,
    roleRef: { kind: 'Role', name: 'local' },
    subjects: subjectsOf('local'),
  });
  const path = '/api/v1/namespaces/default/configmaps';
  const refused = await ask(token, { path });
  assert.match(refused.text, /: RBAC: role\.rbac\.authorization\.k8s\.io \\"local\\" not found/);
  await api.registry.create(roleKind, {
    apiVersion,
    kind: 'Role',
    metadata,
    rules: [{ verbs: ['*'], apiGroups: ['*'], resources: ['*'] }],
  });
  assert.equal((await ask(token, { path })).status, 200);
  assert.equal((await ask(token, { path: '/api/v1/configmaps' })).status, 403);
});

test('a token holds for its account, its time and its audience', async () => {
  const token = await account('held');
  const path = '/api';
  assert.equal((await ask(token, { path })).status, 200);
  const [head, claims, signature = ''] = token.split('.');
  const forged = [head, claims, signature.replace(/^./, (c) => (c === 'A' ? 'B' : 'A'))].join('.');
  for (const wrong of [forged, `${head}.${claims}`, 'a.b.c', '..', `${token}x`]) {
    assert.equal((await ask(wrong, { path })).status, 401, wrong);
  }
  const elsewhere = await tokenOf('held', { audiences: ['vault'] });
  assert.equal((await ask(elsewhere, { path })).status, 401);
  const short = await ask(undefined, {
    method: 'POST',
    path: '/api/v1/namespaces/default/serviceaccounts/held/token',
    body: JSON.stringify({ spec: { expirationSeconds: 60 } }),
  });
  assert.equal(short.status, 422);
  assert.match(short.text, /may not specify a duration less than 10 minutes/);
  await api.registry.delete(serviceAccountKind, { namespace, name: 'held' });
  await api.registry.create(serviceAccountKind, {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: { namespace, name: 'held' },
  });
  // Another account of the name is not the one that the token was made for.
  assert.equal((await ask(token, { path })).status, 401);
});

test('reviews answer by the roles', async () => {
  const token = await account('asker');
  await grantEverywhere('asker', [{ verbs: ['get'], apiGroups: [''], resources: ['pods/log'] }]);
  const reviews = `/apis/authorization.k8s.io/v1`;
  const may = async (resourceAttributes: object): Promise<unknown> => {
    const body = JSON.stringify({ spec: { resourceAttributes } });
    const path = `${reviews}/selfsubjectaccessreviews`;
    const reply = await ask(token, { method: 'POST', path, body });
    assert.equal(reply.status, 201, reply.text);
    return (JSON.parse(reply.text) as { status: unknown }).status;
  };
  assert.deepEqual(await may({ verb: 'get', resource: 'pods', subresource: 'log' }), {
    allowed: true,
    reason:
      'RBAC: allowed by ClusterRoleBinding "asker" of ClusterRole "asker" to ServiceAccount "asker/default"',
  });
  assert.deepEqual(await may({ verb: 'get', resource: 'pods' }), { allowed: false });
  const path = `${reviews}/selfsubjectrulesreviews`;
  const body = JSON.stringify({ spec: { namespace } });
  const rules = JSON.parse((await ask(token, { method: 'POST', path, body })).text) as {
    status: { resourceRules: readonly PolicyRule[]; incomplete: boolean };
  };
  assert.equal(rules.status.incomplete, false);
  assert.deepEqual(
    rules.status.resourceRules.filter(({ resources = [] }) => resources.includes('pods/log')),
    [{ verbs: ['get'], apiGroups: [''], resources: ['pods/log'] }],
  );
});

const rbac = '/apis/rbac.authorization.k8s.io/v1';

/** What is told of a write that gives away more than its writer has. */
async function refusalOf(
  token: string,
  asked: { readonly method?: string; readonly path: string; readonly value: object },
): Promise<string> {
  const { method = 'POST', path, value } = asked;
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
  const reply = await api.request({
    method,
    path,
    headers: { authorization: `Bearer ${token}`, 'content-type': type },
    body: JSON.stringify(value),
  });
  const { message = '', details } = JSON.parse(reply.text) as {
    message?: string;
    details?: { name?: string };
  };
  return reply.status < 300 ? 'fine' : `${reply.status} ${details?.name ?? ''}: ${message}`;
}

const rule = (
  verbs: string,
  resources: string,
  ...resourceNames: readonly string[]
): PolicyRule => ({
  verbs: verbs.split(' '),
  apiGroups: [''],
  resources: resources.split(' '),
  ...(resourceNames.length === 0 ? {} : { resourceNames }),
});

const writesRoles: PolicyRule = {
  verbs: ['create', 'get', 'patch', 'update'],
  apiGroups: [group],
  resources: ['*'],
};

test('nobody writes a role that allows more than he may himself', async () => {
  const token = await account('giver');
  const groups =
    'groups=["system:serviceaccounts" "system:serviceaccounts:default" "system:authenticated"]';
  const attempt = `user "system:serviceaccount:default:giver" (${groups}) is attempting to grant RBAC permissions not currently held:`;
  await grantEverywhere('giver', [
    writesRoles,
    rule('get list', 'pods pods/log'),
    rule('get', 'secrets', 'mine'),
    { verbs: ['get'], nonResourceURLs: ['/metrics*'] },
  ]);
  const held: Readonly<Record<string, readonly PolicyRule[]>> = {
    fewer: [rule('get', 'pods')],
    both: [rule('list get', 'pods/log pods')],
    named: [rule('get', 'pods', 'a', 'b'), rule('get', 'secrets', 'mine')],
    path: [{ verbs: ['get'], nonResourceURLs: ['/metrics/slis'] }],
    none: [],
  };
  for (const [name, rules] of Object.entries(held)) {
    const value = { metadata: { name: `held-${name}` }, rules };
    assert.equal(await refusalOf(token, { path: `${rbac}/clusterroles`, value }), 'fine', name);
  }
  const missing: Readonly<Record<string, readonly [readonly PolicyRule[], string]>> = {
    verbs: [
      [rule('get delete watch', 'pods')],
      '{APIGroups:[""], Resources:["pods"], Verbs:["delete" "watch"]}',
    ],
    all: [[rule('*', '*')], '{APIGroups:[""], Resources:["*"], Verbs:["*"]}'],
    unnamed: [[rule('get', 'secrets')], '{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}'],
    names: [
      [rule('get', 'secrets', 'mine', 'his')],
      '{APIGroups:[""], Resources:["secrets"], ResourceNames:["his"], Verbs:["get"]}',
    ],
    several: [
      [rule('get', 'services nodes'), { verbs: ['get'], nonResourceURLs: ['/logs'] }],
      '{APIGroups:[""], Resources:["nodes"], Verbs:["get"]}\n' +
        '{APIGroups:[""], Resources:["services"], Verbs:["get"]}\n' +
        '{NonResourceURLs:["/logs"], Verbs:["get"]}',
    ],
  };
  for (const [name, [rules, rights]] of Object.entries(missing)) {
    const value = { metadata: { name }, rules };
    const refused = await refusalOf(token, { path: `${rbac}/clusterroles`, value });
    const what = `clusterroles.rbac.authorization.k8s.io "${name}" is forbidden`;
    assert.equal(refused, `403 ${name}: ${what}: ${attempt}\n${rights}`);
  }
  // Neither by a change of one that he could write, and what is there already is no excuse.
  const path = `${rbac}/clusterroles/held-fewer`;
  const more = { rules: [rule('get', 'secrets')] };
  assert.match(await refusalOf(token, { method: 'PATCH', path, value: more }), /^403 held-fewer/);
  const put = { metadata: { name: 'held-fewer' }, ...more };
  assert.match(await refusalOf(token, { method: 'PUT', path, value: put }), /^403 held-fewer/);
  const admin = `${rbac}/clusterroles/cluster-admin`;
  const label = { metadata: { labels: { a: 'b' } } };
  assert.match(await refusalOf(token, { method: 'PATCH', path: admin, value: label }), /^403 /);
  const tended = { metadata: { finalizers: ['example.com/a'] } };
  assert.equal(await refusalOf(token, { method: 'PATCH', path: admin, value: tended }), 'fine');
  await grantEverywhere('giver-escalates', [
    { verbs: ['escalate'], apiGroups: [group], resources: ['clusterroles'] },
  ]);
  const binding = { metadata: { name: 'x' }, subjects: subjectsOf('giver'), apiVersion } as const;
  const roleRef = { apiGroup: group, kind: 'ClusterRole', name: 'giver-escalates' };
  await api.registry.create(clusterRoleBindingKind, {
    ...binding,
    kind: 'ClusterRoleBinding',
    roleRef,
  });
  assert.equal(await refusalOf(token, { method: 'PATCH', path, value: more }), 'fine');
});

test('nobody binds a role that allows more than he may himself, but by the verb bind', async () => {
  const token = await account('binder');
  await grantEverywhere('binder', [
    writesRoles,
    rule('get', 'pods'),
    { verbs: ['bind'], apiGroups: [group], resources: ['clusterroles'], resourceNames: ['view'] },
  ]);
  await api.registry.create(roleKind, {
    apiVersion,
    kind: 'Role',
    metadata: { namespace, name: 'pods' },
    rules: [rule('get', 'pods')],
  });
  const bindings = `${rbac}/namespaces/default/rolebindings`;
  const bind = async (kind: string, name: string): Promise<string> =>
    await refusalOf(token, {
      path: bindings,
      value: {
        metadata: { name: `${kind}-${name}`.toLowerCase() },
        roleRef: { apiGroup: group, kind, name },
        subjects: subjectsOf('binder'),
      },
    });
  assert.equal(await bind('Role', 'pods'), 'fine');
  assert.equal(await bind('ClusterRole', 'view'), 'fine');
  assert.match(
    await bind('ClusterRole', 'cluster-admin'),
    /^403 clusterrole-cluster-admin: rolebindings\.rbac\.authorization\.k8s\.io "clusterrole-cluster-admin" is forbidden: user .*\n\{APIGroups:\["\*"\], Resources:\["\*"\], Verbs:\["\*"\]\}\n\{NonResourceURLs/,
  );
  assert.equal(
    await bind('Role', 'none'),
    '404 none: roles.rbac.authorization.k8s.io "none" not found',
  );
});

test('who acts as somebody else may do what that one may, if he may act as him', async () => {
  const token = await account('actor');
  await account('acted');
  await grantEverywhere('actor', [
    rule('impersonate', 'users', 'bob'),
    rule('impersonate', 'groups', 'devs'),
    rule('impersonate', 'serviceaccounts', 'acted'),
  ]);
  await grantEverywhere('acted', [rule('list', 'services')]);
  const as = async (
    asker: string | undefined,
    path: string,
    headers: Readonly<Record<string, string>>,
  ): Promise<ApiReply> =>
    await api.request({
      path,
      headers: { ...(asker === undefined ? {} : { authorization: `Bearer ${asker}` }), ...headers },
    });
  const acted = { 'impersonate-user': 'system:serviceaccount:default:acted' };
  assert.equal((await as(token, '/api/v1/services', acted)).status, 200);
  assert.equal((await as(token, '/api/v1/services', {})).status, 403);
  const refusals: Readonly<Record<string, readonly [string | undefined, object]>> = {
    'users \\"eve\\" is forbidden: User \\"system:serviceaccount:default:actor\\" cannot impersonate resource \\"users\\" in API group \\"\\" at the cluster scope':
      [token, { 'impersonate-user': 'eve' }],
    'groups \\"system:masters\\" is forbidden': [
      token,
      { 'impersonate-user': 'bob', 'impersonate-group': 'system:masters' },
    ],
    'uids.authentication.k8s.io \\"1\\" is forbidden': [
      token,
      { 'impersonate-user': 'bob', 'impersonate-uid': '1' },
    ],
    'User \\"bob\\" cannot list resource \\"services\\"': [
      token,
      { 'impersonate-user': 'bob', 'impersonate-group': 'devs' },
    ],
    // The instance's own token may act as anybody, and is nobody more then.
    'User \\"eve\\" cannot list resource \\"services\\"': [
      undefined,
      { 'impersonate-user': 'eve' },
    ],
  };
  for (const [message, [asker, headers]] of Object.entries(refusals)) {
    const reply = await as(asker, '/api/v1/services', headers as Record<string, string>);
    assert.equal(reply.status, 403, message);
    assert.ok(reply.text.includes(message), reply.text);
  }
  const alone = await as(token, '/api/v1/services', { 'impersonate-group': 'devs' });
  assert.equal(alone.status, 400);
  const superuser = { 'impersonate-user': 'eve', 'impersonate-group': 'devs, system:masters' };
  assert.equal((await as(undefined, '/api/v1/services', superuser)).status, 200);
});

test('an apply that makes an object is a create', async () => {
  const token = await account('applier');
  await grantEverywhere('applier', [rule('patch', 'configmaps')]);
  const apply = async (): Promise<ApiReply> =>
    await api.request({
      method: 'PATCH',
      path: '/api/v1/namespaces/default/configmaps/made?fieldManager=a',
      headers: {
        authorization: `Bearer ${token}`,
        'content-type': 'application/apply-patch+yaml',
      },
      body: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'made' } }),
    });
  const refused = await apply();
  assert.equal(refused.status, 403);
  assert.match(refused.text, /cannot create resource \\"configmaps\\"/);
  const path = '/api/v1/namespaces/default/configmaps';
  const body = JSON.stringify({ metadata: { name: 'made' } });
  assert.equal((await ask(undefined, { method: 'POST', path, body })).status, 201);
  assert.equal((await apply()).status, 200);
});
