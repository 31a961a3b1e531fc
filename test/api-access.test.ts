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
