/** What else is typed at kubectl: each does what it does with a real server, or is refused without a riddle. */
import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { kubectlRuns } from '../support/kubectl-runs.ts';

const { api, tool, ok, fails, withTools } = kubectlRuns({
  controllers: true,
  authorization: 'rbac',
});

const deployment = (name: string, image = 'shop:1'): string => `apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, labels: {part: shop}}
spec:
  replicas: 0
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {containers: [{name: main, image: "${image}", ports: [{containerPort: 80}]}]}
`;

const configMap = (name: string, value: string): string =>
  `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}, labels: {part: shop}}\ndata: {value: ${value}}\n`;

interface Owner {
  readonly manager: string;
  readonly operation: string;
  readonly fieldsV1: Readonly<Record<string, unknown>>;
}

withTools('server-side apply takes over what client-side apply owned', async () => {
  const text = `${deployment('moved')}---\n${configMap('moved', 'a')}`;
  await ok('apply -f -', { input: text });
  await ok('apply --server-side -f -', { input: text });
  const { metadata } = JSON.parse(await ok('get cm moved -o json --show-managed-fields')) as {
    metadata: { managedFields: readonly Owner[] };
  };
  assert.deepEqual(
    metadata.managedFields.map(({ manager, operation }) => `${manager} ${operation}`),
    ['kubectl Apply', 'kubectl-last-applied Apply'],
  );
  assert.deepEqual(metadata.managedFields[0]?.fieldsV1, {
    'f:data': { 'f:value': {} },
    'f:metadata': { 'f:labels': { 'f:part': {} } },
  });
  // Nobody else owns the field any more: leaving it out takes it away.
  const less = configMap('moved', 'a').replace('{value: a}', '{}');
  const diff = await tool('kubectl', 'diff --server-side -f -', { input: less });
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /^-  value: a$/m);
  assert.equal(await ok('diff --server-side -f -', { input: text }), '');
  await ok('apply --server-side -f -', { input: less });
  assert.equal(await ok('get cm moved -o jsonpath={.data}'), '');
});

withTools('auth: can-i, whoami, as somebody else, and with a token of an account', async () => {
  await ok('create role pods --verb=get,list --resource=pods,services');
  await ok('create serviceaccount bot');
  await ok('create rolebinding bot --role=pods --serviceaccount=default:bot');
  const bot = '--as=system:serviceaccount:default:bot';
  assert.equal(await ok(`auth can-i list pods ${bot}`), 'yes\n');
  const no = await tool('kubectl', `auth can-i delete pods ${bot}`);
  assert.deepEqual([no.code, no.stdout], [1, 'no\n']);
  assert.match(await ok(`auth can-i --list ${bot}`), /^pods +\[\] +\[\] +\[get list\]$/m);
  assert.match(await ok(`auth whoami ${bot}`), /Username +system:serviceaccount:default:bot/);
  const token = (await ok('create token bot --duration=15m')).trim();
  const asBot = `--token=${token} --server=${api().url} --insecure-skip-tls-verify`;
  assert.match(await ok(`get pods ${asBot}`, { kubeconfig: '/dev/null' }), /No resources found/);
  assert.match(
    await fails(`get secrets ${asBot}`, { kubeconfig: '/dev/null' }),
    /Error from server \(Forbidden\): secrets is forbidden: User "system:serviceaccount:default:bot" cannot list/,
  );
  assert.match(await fails('create token nobody'), /serviceaccounts "nobody" not found/);
  const role = `apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: pods, namespace: default}
rules: [{verbs: [watch], apiGroups: [""], resources: [pods]}]
`;
  assert.match(await ok('auth reconcile -f -', { input: role }), /missing rules added/);
});

withTools('rollouts: history, undo, restart, pause and resume', async () => {
  await ok('apply -f -', { input: deployment('shop') });
  const settled = async (): Promise<string> => await ok('rollout status deploy shop --timeout=20s');
  await settled();
  await ok('set image deploy/shop main=shop:2');
  await settled();
  assert.match(await ok('rollout history deploy shop'), /\n1 +<none>\n2 +<none>\n/);
  assert.match(await ok('rollout history deploy shop --revision=1'), /Image:\s+shop:1/);
  await ok('rollout undo deploy shop');
  await settled();
  assert.match(await ok('rollout history deploy shop'), /\n2 +<none>\n3 +<none>\n\n$/);
  const image = 'jsonpath={.spec.template.spec.containers[0].image}';
  assert.equal(await ok(`get deploy shop -o ${image}`), 'shop:1');
  assert.match(await fails('rollout undo deploy shop --to-revision=9'), /unable to find specified/);
  assert.match(await ok('rollout pause deploy shop'), /paused/);
  assert.match(await fails('rollout restart deploy shop'), /can't restart paused deployment/);
  assert.match(await ok('rollout resume deploy shop'), /resumed/);
  assert.match(await ok('set env deploy/shop A=b'), /env updated/);
  assert.equal(await ok('set env deploy/shop --list'), '# Deployment shop, container main\nA=b\n');
});

withTools('replace, and patches of status and scale', async () => {
  assert.match(await ok('replace -f -', { input: deployment('shop', 'shop:3') }), /replaced/);
  const before = await ok('get deploy shop -o jsonpath={.metadata.uid}');
  await ok('replace --force -f -', { input: deployment('shop') });
  assert.notEqual(await ok('get deploy shop -o jsonpath={.metadata.uid}'), before);
  const patch = (name: string, text: string): Promise<string> =>
    ok(`patch deploy shop --subresource=${name} --type=merge -p ${text}`);
  assert.match(await patch('scale', '{"spec":{"replicas":2}}'), /scale\.autoscaling\/shop patched/);
  const owners = await ok(
    'get deploy shop --show-managed-fields -o jsonpath={.metadata.managedFields[*].subresource}',
  );
  assert.match(owners, /\bscale\b/);
  const conflict = await fails('apply --server-side --field-manager=other -f -', {
    input: deployment('shop'),
  });
  assert.match(conflict, /conflict with "kubectl-patch" with subresource "scale" using apps\/v1/);
  const condition = '{"type":"Seen","status":"True"}';
  await patch('status', `{"status":{"conditions":[${condition}]},"spec":{"replicas":7}}`);
  assert.equal(await ok('get deploy shop -o jsonpath={.spec.replicas}'), '2');
  assert.match(await ok('get deploy shop --subresource=scale -o yaml'), /^kind: Scale$/m);
  assert.match(
    await fails('patch deploy shop -p {"spec":{"replicas":"two"}}'),
    /The request is invalid: patch: Invalid value: "map\[spec:map\[replicas:two\]\]": unrecognized type: int32/,
  );
  const wrong = deployment('wrong').replace('replicas: 0', 'replicas: two');
  assert.match(
    await fails('create --validate=false -f -', { input: wrong }),
    /Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal string into Go struct field DeploymentSpec\.spec\.replicas of type int32/,
  );
});

withTools('apply --prune by label and by set, and apply -k', async () => {
  const both = `${configMap('one', 'a')}---\n${configMap('two', 'b')}`;
  const prune = 'apply --prune -l part=shop --prune-allowlist=core/v1/ConfigMap -f -';
  await ok('apply -f -', { input: both });
  assert.match(await ok(prune, { input: configMap('one', 'a') }), /configmap\/two pruned/);
  const env = { KUBECTL_APPLYSET: 'true' };
  const set = 'apply -n default --prune --applyset=shop -f -';
  const named = (text: string): string => text.replaceAll(/name: (one|two)/g, 'name: set-$1');
  await ok(set, { input: named(both), env });
  const pruned = await ok(set, { input: named(configMap('one', 'a')), env });
  assert.match(pruned, /configmap\/set-two pruned/);
  const folder = join(api().folder, 'overlay');
  mkdirSync(folder);
  writeFileSync(join(folder, 'base.yaml'), deployment('base'));
  const kustomization =
    'resources: [base.yaml]\nnamePrefix: over-\nconfigMapGenerator: [{name: made, literals: [a=b]}]\n';
  writeFileSync(join(folder, 'kustomization.yaml'), kustomization);
  assert.match(await ok(`kustomize ${folder}`), /name: over-base/);
  const applied = await ok(`apply -k ${folder}`);
  assert.match(applied, /configmap\/over-made-\w+ created\ndeployment\.apps\/over-base created/);
  await ok(`delete -k ${folder}`);
});

withTools('events, raw paths, and what kubectl run and create make', async () => {
  await ok('run lonely --image=x --port=80 --expose');
  assert.equal(await ok('get svc lonely -o jsonpath={.spec.selector.run}'), 'lonely');
  await ok('wait --for=create rs -l app=shop --timeout=20s');
  assert.match(await ok('events --for deploy/shop'), /ScalingReplicaSet +Deployment\/shop/);
  assert.match(await ok('get events'), /ScalingReplicaSet/);
  assert.match(await ok('get --raw /readyz?verbose'), /readyz check passed/);
  assert.match(await fails('get --raw /nonsense'), /NotFound/);
  assert.equal(
    JSON.parse(await ok('get --raw /api/v1/namespaces/default/services/lonely')).kind,
    'Service',
  );
  await ok('create clusterrole metrics --verb=get --non-resource-url=/metrics');
  await ok('create clusterrolebinding metrics --clusterrole=metrics --user=bob');
  await ok('create ingress web --class=nginx --rule=shop.example/*=lonely:80');
  await ok('create secret docker-registry reg --docker-username=a --docker-password=b');
});

withTools('what is not served is refused in a sentence', async () => {
  const refusals: Readonly<Record<string, RegExp>> = {
    'exec lonely -- ls': /pods\/exec is not served by Switchyard/,
    'attach lonely': /pods\/attach is not served by Switchyard: use kubectl logs -f/,
    'cp lonely:/etc/hosts hosts': /pods\/exec is not served by Switchyard/,
    'top pods': /Metrics API not available/,
    'create job once --image=x': /could not find the requested resource/,
    'drain nosuch': /nodes "nosuch" not found/,
    'apply --prune -l part=shop -f -': /no matches for kind/,
  };
  for (const [line, message] of Object.entries(refusals)) {
    assert.match(await fails(line, { input: configMap('one', 'a') }), message, line);
  }
});
