/**
 * The rules in deploy/ are those that the commands need: against an API where roles count, each command runs under
 * exactly its own, and fails without any one of them.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { parseAllDocuments } from 'yaml';
import {
  clusterRoleBindingKind,
  clusterRoleKind,
  eventKind,
  nodeKind,
  roleBindingKind,
  roleKind,
  serviceAccountKind,
  serviceKind,
  type Kind,
  type KubeObject,
  type PolicyRule,
  type Role,
  type RoleBinding,
  type ServiceAccount,
} from '../../src/kube/index.ts';
import { startApi, type TestApi } from '../support/api.ts';
import { emptyHome, start, temporaryFolder, type Program } from '../support/program.ts';
import { root } from '../support/tree.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';

interface Command {
  readonly args: readonly string[];
  /** What it may and does only now and then, with the test that shows it. */
  readonly rarely: readonly string[];
}

const commands: Readonly<Record<string, Command>> = {
  'proxy.yaml': {
    args: ['proxy', '--node', 'node-a', '--healthz', '127.0.0.1:0', '--metrics', 'none'],
    // The second time and the 501st: src/kube/event-recorder.ts, shown by src/controllers/notices.test.ts.
    rarely: ['delete events', 'patch events'],
  },
  'dns.yaml': { args: ['dns', '--listen', '127.0.0.219:0'], rarely: [] },
  'gateway.yaml': {
    args: ['gateway', '--listen', '127.0.0.219:0'],
    // A key of 30 days (src/gateway/session-keys.test.ts), a certificate that is missing (src/gateway/tls-secrets.ts).
    rarely: ['update secrets', 'create events', 'delete events', 'patch events'],
  },
};

/** What a file of deploy/ gives its command. */
interface Access {
  readonly account: ServiceAccount;
  readonly roles: readonly Granted[];
}

interface Granted {
  readonly kind: Kind<Role>;
  readonly role: Role;
  readonly bindingKind: Kind<RoleBinding>;
  readonly binding: RoleBinding;
}

function accessIn(file: string): Access {
  const objects = parseAllDocuments(readFileSync(join(root, 'deploy', file), 'utf8')).map(
    (document) => document.toJS() as KubeObject,
  );
  const found = <T extends KubeObject>(kind: Kind<T>): T | undefined =>
    objects.find((one): one is T => one.kind === kind.kind);
  const account = found(serviceAccountKind);
  assert.ok(account !== undefined, file);
  const roles = (
    [
      [clusterRoleKind, clusterRoleBindingKind],
      [roleKind, roleBindingKind],
    ] as const
  ).flatMap(([kind, bindingKind]) => {
    const [role, binding] = [found(kind), found(bindingKind)];
    return role === undefined || binding === undefined
      ? []
      : [{ kind, role, bindingKind, binding }];
  });
  assert.ok(roles.length > 0, file);
  return { account, roles };
}

/** `list services` of each thing a role allows. */
function allowed({ rules }: Role): readonly string[] {
  return (rules ?? []).flatMap(({ resources = [], verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
  );
}

function without({ rules }: Role, taken: string): readonly PolicyRule[] {
  return (rules ?? [])
    .flatMap(({ resources = [], verbs, ...rest }) =>
      resources.map((resource) => ({
        ...rest,
        resources: [resource],
        verbs: verbs.filter((verb) => `${verb} ${resource}` !== taken),
      })),
    )
    .filter(({ verbs }) => verbs.length > 0);
}

async function clusterWith(t: TestContext, { account, roles }: Access): Promise<TestApi> {
  const api = await startApi({ authorization: 'rbac' });
  t.after(() => api.stop());
  await api.registry.create(serviceAccountKind, account);
  for (const { kind, role, bindingKind, binding } of roles) {
    await api.registry.create(kind, role);
    await api.registry.create(bindingKind, binding);
  }
  await api.registry.create(nodeKind, {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-a' },
  });
  const healthCheckNodePort = await takenPort(t);
  await api.registry.create(serviceKind, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'web', namespace: 'default' },
    spec: {
      type: 'LoadBalancer',
      externalTrafficPolicy: 'Local',
      // Its health cannot be served, and an Event says so.
      healthCheckNodePort,
      allocateLoadBalancerNodePorts: false,
      ports: [{ port: 80 }],
    },
  });
  return api;
}

/** A port of the range of NodePorts that somebody listens at until the test ends. */
async function takenPort(t: TestContext): Promise<number> {
  for (let port = 30_000 + (process.pid % 1_000); port < 32_768; port++) {
    const server = createServer();
    const found = once(server.listen(port), 'listening').then(
      () => true,
      () => false,
    );
    if (!(await found)) continue;
    t.after(() => server.close());
    return port;
  }
  throw new Error('every NodePort is taken');
}

/** A kubeconfig with a token of the account and nothing else. */
async function kubeconfigFor(api: TestApi, { metadata }: ServiceAccount): Promise<string> {
  const reply = await api.request({
    method: 'POST',
    path: `/api/v1/namespaces/${metadata.namespace}/serviceaccounts/${metadata.name}/token`,
    headers: { 'content-type': 'application/json' },
    body: '{}',
  });
  const { status } = JSON.parse(reply.text) as { readonly status: { readonly token: string } };
  const name = 'test';
  const ca = Buffer.from(api.ca).toString('base64');
  const file = join(api.folder, 'account.json');
  const config = {
    'current-context': name,
    contexts: [{ name, context: { cluster: name, user: name } }],
    clusters: [{ name, cluster: { server: api.url, 'certificate-authority-data': ca } }],
    users: [{ name, user: { token: status.token } }],
  };
  writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
  return file;
}

function runCommand(t: TestContext, args: readonly string[], kubeconfig: string): Program {
  const folder = temporaryFolder(t);
  const command = [
    './switchyard',
    ...args,
    '--log-level',
    'debug',
    '--log-format',
    'json',
    '--kubeconfig',
    kubeconfig,
  ];
  return start(t, command, { cwd: root, env: emptyHome(folder) });
}

for (const [file, { args, rarely }] of Object.entries(commands)) {
  test(
    `${file}: the command runs under its rules`,
    { skip: linux, timeout: 120_000 },
    async (t) => {
      const access = accessIn(file);
      const api = await clusterWith(t, access);
      const program = runCommand(t, args, await kubeconfigFor(api, access.account));
      await program.printed('Ready');
      const events = 'create events';
      const mayTell = access.roles.some(({ role }) => allowed(role).includes(events));
      if (mayTell && !rarely.includes(events)) await untilEvent(api);
      program.kill('SIGTERM');
      const ended = await program.ended;
      assert.equal(ended.status, 0, ended.stderr);
      assert.doesNotMatch(ended.stderr, /forbidden/i);
    },
  );

  test(
    `${file}: none of its rules may be missing`,
    { skip: linux, timeout: 120_000 },
    async (t) => {
      const access = accessIn(file);
      const api = await clusterWith(t, access);
      const kubeconfig = await kubeconfigFor(api, access.account);
      for (const { kind, role } of access.roles) {
        for (const taken of allowed(role).filter((one) => !rarely.includes(one))) {
          await api.registry.patch(kind, role.metadata, { rules: without(role, taken) });
          const [verb, resource] = taken.split(' ');
          const program = runCommand(t, args, kubeconfig);
          const account = `system:serviceaccount:kube-system:${access.account.metadata.name}`;
          const refused = `User "${account}" cannot ${verb} resource "${resource}"`;
          // As it stands in a line of JSON.
          await program.printed(JSON.stringify(refused).slice(1, -1));
          program.kill('SIGKILL');
          await program.ended;
          await api.registry.patch(kind, role.metadata, { rules: role.rules ?? [] });
        }
      }
    },
  );
}

async function untilEvent(api: TestApi): Promise<void> {
  const { resourceVersion, items } = await api.registry.list(eventKind);
  if (items.length > 0) return;
  const signal = AbortSignal.timeout(30_000);
  for await (const { type } of api.registry.watch(eventKind, { resourceVersion, signal })) {
    if (type === 'ADDED') return;
  }
  assert.fail('no Event came');
}
