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
  isOfKind,
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
  /** Of what stands in `clusterWith`, in an Event. */
  readonly tells: boolean;
  /** The file whose account it runs as, with all that this gives it. */
  readonly besides?: string;
}

const commands: Readonly<Record<string, Command>> = {
  'proxy.yaml': {
    // Whoever may change the kernel's rules would have them by default: no test's in the host's own network.
    args: 'proxy --node node-a --mode userspace --healthz 127.0.0.1:0 --metrics none'.split(' '),
    // The second time and the 501st: src/kube/event-recorder.ts, shown by src/controllers/notices.test.ts.
    rarely: ['delete events', 'patch events'],
    tells: true,
  },
  'proxy-requests.yaml': {
    args: 'proxy --requests --node node-a --mode userspace --healthz 127.0.0.1:0 --metrics none'.split(
      ' ',
    ),
    // The key is changed after 30 days.
    rarely: ['update secrets'],
    tells: false,
    besides: 'proxy.yaml',
  },
  'dns.yaml': { args: ['dns', '--listen', '127.0.0.219:0'], rarely: [], tells: false },
  'gateway.yaml': {
    args: ['gateway', '--listen', '127.0.0.219:0'],
    // The key is changed after 30 days; Events come when a certificate is missing, which none is.
    rarely: ['create events', 'delete events', 'patch events', 'update secrets'],
    tells: false,
  },
};

/** What a file of deploy/ gives its command. */
interface Access {
  readonly account: ServiceAccount;
  readonly roles: readonly Role[];
  readonly bindings: readonly RoleBinding[];
}

function accessIn(...files: readonly string[]): Access {
  const objects = files.flatMap((file) =>
    parseAllDocuments(readFileSync(join(root, 'deploy', file), 'utf8')).map(
      (document) => document.toJS() as KubeObject,
    ),
  );
  const of = <T extends KubeObject>(...wanted: readonly Kind<T>[]): readonly T[] =>
    wanted.flatMap((kind) => objects.filter((object) => isOfKind(kind, object)));
  const [account] = of(serviceAccountKind);
  assert.ok(account !== undefined);
  return {
    account,
    roles: of(clusterRoleKind, roleKind),
    bindings: of(clusterRoleBindingKind, roleBindingKind),
  };
}

/** `list services` of each thing a role allows. */
function allowed({ rules }: Role): readonly string[] {
  return (rules ?? []).flatMap(({ resources = [], verbs }) =>
    resources.flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
  );
}

/** A list is streamed by a watch; servers that cannot are asked by pages (src/cluster/streamed-list.test.ts). */
function isForOlder(one: string): boolean {
  return one.startsWith('list ');
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

function placeOf({ kind, metadata: { namespace = '', name } }: Role): string {
  return `${kind} ${namespace}/${name}`;
}

function kindOf(role: Role): Kind<Role> {
  return isOfKind(roleKind, role) ? roleKind : clusterRoleKind;
}

async function clusterWith(t: TestContext, { account, roles, bindings }: Access): Promise<TestApi> {
  const api = await startApi({ authorization: 'rbac' });
  t.after(() => api.stop());
  await api.registry.create(serviceAccountKind, account);
  for (const role of roles) await api.registry.create(kindOf(role), role);
  for (const binding of bindings) {
    const kind = isOfKind(roleBindingKind, binding) ? roleBindingKind : clusterRoleBindingKind;
    await api.registry.create(kind, binding);
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

for (const [file, { args, rarely, tells, besides }] of Object.entries(commands)) {
  const files = besides === undefined ? [file] : [besides, file];

  test(
    `${file}: the command runs under its rules`,
    { skip: linux, timeout: 120_000 },
    async (t) => {
      const access = accessIn(...files);
      const api = await clusterWith(t, access);
      const program = runCommand(t, args, await kubeconfigFor(api, access.account));
      await program.printed('Ready');
      if (tells) await untilEvent(api);
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
      const access = accessIn(...files);
      const api = await clusterWith(t, access);
      const kubeconfig = await kubeconfigFor(api, access.account);
      const others = new Set(besides === undefined ? [] : accessIn(besides).roles.map(placeOf));
      for (const role of access.roles.filter((one) => !others.has(placeOf(one)))) {
        const kind = kindOf(role);
        const needed = allowed(role).filter((one) => !rarely.includes(one) && !isForOlder(one));
        for (const taken of needed) {
          await api.registry.patch(kind, role.metadata, { rules: without(role, taken) });
          const [verb, resource] = taken.split(' ');
          const program = runCommand(t, args, kubeconfig);
          const account = `system:serviceaccount:kube-system:${access.account.metadata.name}`;
          const refused = `User "${account}" cannot ${verb} resource "${resource}"`;
          // As it stands in a line of JSON.
          await program.printed(JSON.stringify(refused).slice(1, -1));
          program.kill('SIGKILL');
          await program.ended;
          await api.registry.patch(kind, role.metadata, { rules: role.rules });
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
