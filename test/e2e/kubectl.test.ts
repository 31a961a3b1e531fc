/** kubectl and helm, the real ones, do their work against the embedded API. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LogSource } from '../../src/apiserver/index.ts';
import { kubectlRuns } from '../support/kubectl-runs.ts';

/** Two lines are kept of `talker`, and a third comes to whoever follows. */
const logs: LogSource = {
  linesOf: (pod) =>
    pod === 'default/talker'
      ? ['one', 'two'].map((text, i) => ({ text, atMs: Date.UTC(2026, 0, 1, 0, 0, i) }))
      : undefined,
  follow: (_pod, listen) => {
    listen({ text: 'three', atMs: Date.UTC(2026, 0, 1, 0, 0, 2) });
    return () => undefined;
  },
};

const { api, tool, ok, fails, withTools } = kubectlRuns({ controllers: true, logs });

const serviceYaml = (port: number, app = 'web'): string => `apiVersion: v1
kind: Service
metadata: {name: ssa}
spec:
  selector: {app: ${app}}
  ports: [{name: http, port: 80, targetPort: ${port}}]
`;

withTools('apply, diff, and apply again', async () => {
  const file = join(api().folder, 'web.yaml');
  const text = (port: number): string =>
    serviceYaml(port)
      .replace('name: ssa', 'name: web')
      .concat('---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {a: b}\n');
  writeFileSync(file, text(8080));
  assert.match(await ok(`apply -f ${file}`), /service\/web created\nconfigmap\/settings created/);
  assert.match(await ok(`apply -f ${file}`), /service\/web unchanged/);
  writeFileSync(file, text(9090));
  const diff = await tool('kubectl', `diff -f ${file}`);
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /^-\s+targetPort: 8080\n\+\s+targetPort: 9090$/m);
  assert.match(await ok(`apply -f ${file}`), /service\/web configured/);
  assert.equal(await ok('get svc web -o jsonpath={.spec.ports[0].targetPort}'), '9090');
  const broken = 'apiVersion: v1\nkind: Service\nmetadata: {name: x}\nspec: {prots: []}\n';
  assert.match(await fails('apply -f -', { input: broken }), /unknown field "spec.prots"/);
});

withTools('server-side apply, with a conflict and by force', async () => {
  const apply = 'apply --server-side -f -';
  assert.match(await ok(apply, { input: serviceYaml(80) }), /ssa serverside-applied/);
  const other = `${apply} --field-manager=other`;
  const conflict = await fails(other, { input: serviceYaml(81, 'api') });
  assert.match(conflict, /Apply failed with 2 conflicts: conflicts with "kubectl":/);
  assert.match(conflict, /- \.spec\.selector/);
  await ok(`${other} --force-conflicts`, { input: serviceYaml(81, 'api') });
  assert.equal(await ok('get svc ssa -o jsonpath={.spec.selector.app}'), 'api');
  const managers = await ok(
    'get svc ssa --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}',
  );
  assert.equal(managers, 'kubectl other');
});

withTools('an object of client-side apply is taken over by server-side apply', async () => {
  const text = serviceYaml(80)
    .replace('name: ssa', 'name: both')
    .replace('spec:', 'spec:\n  type: NodePort');
  await ok('apply -f -', { input: text });
  const less = text.replace('\n  type: NodePort', '');
  await ok('apply --server-side -f -', { input: less });
  assert.equal(await ok('get svc both -o jsonpath={.spec.type}'), 'ClusterIP');
});

withTools('get in every form', async () => {
  assert.match(
    await ok('get svc web'),
    /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb +ClusterIP/,
  );
  assert.match(await ok('get svc web -o wide'), /SELECTOR\n.*app=web/);
  assert.match(await ok('get svc web -o yaml'), /^apiVersion: v1\nkind: Service/m);
  assert.equal(JSON.parse(await ok('get svc web -o json')).metadata.name, 'web');
  assert.equal(await ok('get svc web -o name'), 'service/web\n');
  assert.equal(await ok('get svc web -o go-template={{.spec.type}}'), 'ClusterIP');
  assert.match(await ok('get svc -o custom-columns=N:.metadata.name'), /^N\n(.*\n)*web\n/);
  assert.match(await ok('get svc -A --no-headers -l app!=x'), /default +kubernetes/);
  assert.match(await ok('get all --show-labels'), /service\/web/);
  assert.match(await ok('get svc --sort-by=.metadata.name'), /kubernetes[^]*web/);
  assert.match(await ok('get svc --chunk-size=1'), /kubernetes[^]*web/);
  assert.match(await ok('get ns,nodes,endpointslices,servicecidrs,ipaddresses'), /default/);
  assert.match(
    await fails('get svc nosuch'),
    /Error from server \(NotFound\): services "nosuch" not found/,
  );
  assert.match(await fails('get nonsense'), /the server doesn't have a resource type "nonsense"/);
});

withTools('get -w sees changes', async () => {
  const watching = tool('kubectl', 'get cm -w --request-timeout=4s --no-headers');
  for (let n = 0; n < 8; n++) {
    await ok(`create cm watched-${n}`);
  }
  const { stdout } = await watching;
  assert.match(stdout, /watched-\d +0 +\d+s/);
});

withTools('describe, explain, api-resources, api-versions, version', async () => {
  assert.match(await ok('describe svc web'), /Name: +web[^]*TargetPort: +9090\/TCP/);
  assert.match(
    await ok('explain service.spec.ports.port'),
    /FIELD: port <integer>[^]*The port that will be exposed/,
  );
  assert.match(await ok('explain deploy --recursive'), /replicas\t<integer>/);
  assert.match(await ok('api-resources'), /services +svc +v1 +true +Service/);
  assert.match(await ok('api-versions'), /^apps\/v1$/m);
  assert.match(await ok('version'), /Server Version: v1\.36\.0\+switchyard/);
  assert.match(await ok('cluster-info'), /control plane.* is running at/);
  assert.equal(await ok('get --raw /readyz'), 'ok');
});

withTools('edit, the three patches, label, annotate', async () => {
  const editor = { env: { KUBE_EDITOR: 'sed -i s/9090/9191/' } };
  assert.match(await ok('edit svc web', editor), /service\/web edited/);
  const patch = (type: string, text: string): Promise<string> =>
    ok(`patch svc web --type=${type} -p ${text}`);
  await patch('strategic', '{"spec":{"ports":[{"port":80,"name":"http","targetPort":7000}]}}');
  await patch('merge', '{"spec":{"sessionAffinity":"ClientIP"}}');
  await patch('json', '[{"op":"replace","path":"/spec/ports/0/port","value":8080}]');
  const spec = JSON.parse(await ok('get svc web -o json')).spec;
  assert.deepEqual(spec.ports, [{ name: 'http', protocol: 'TCP', port: 8080, targetPort: 7000 }]);
  assert.equal(spec.sessionAffinity, 'ClientIP');
  assert.match(await ok('label svc web tier=front'), /labeled/);
  assert.match(await ok('annotate svc web note=hello'), /annotated/);
  assert.match(await ok('get svc -l tier=front -o name'), /service\/web/);
  assert.match(await ok('label svc web tier-'), /unlabeled/);
});

withTools('expose, and create a Service of each type', async () => {
  await ok('create deployment shop --image=x --replicas=2 --port=8080');
  assert.match(await ok('expose deployment shop --port=80'), /service\/shop exposed/);
  await ok('create service clusterip c --tcp=80:8080');
  await ok('create service clusterip none --clusterip=None');
  await ok('create service nodeport np --tcp=80:8080');
  await ok('create service loadbalancer lb --tcp=80');
  await ok('create service externalname ext --external-name=example.org');
  const types = await ok('get svc c none np lb ext -o jsonpath={.items[*].spec.type}');
  assert.equal(types, 'ClusterIP ClusterIP NodePort LoadBalancer ExternalName');
  await ok('create ns shop');
  await ok('create secret generic s --from-literal=a=b');
  await ok('create ingress i --rule=foo.com/bar=c:80');
  assert.equal(await ok('get secret s -o jsonpath={.data.a}'), 'Yg==');
  assert.match(await ok('get ing'), /foo\.com/);
});

withTools('scale, rollout status, wait', async () => {
  assert.match(await ok('scale deploy shop --replicas=0'), /scaled/);
  assert.match(await ok('rollout status deploy shop --timeout=20s'), /successfully rolled out/);
  await ok('wait --for=jsonpath={.status.observedGeneration}=2 deploy/shop --timeout=20s');
  assert.match(await ok('rollout history deploy shop'), /REVISION/);
  await ok('rollout restart deploy shop');
  assert.match(
    await fails('wait --for=condition=Nonsense deploy/shop --timeout=1s'),
    /timed out waiting/,
  );
});

withTools('the history of a StatefulSet, and the way back', async () => {
  const text = (image: string, cause: string): string => `apiVersion: apps/v1
kind: StatefulSet
metadata: {name: db, annotations: {kubernetes.io/change-cause: ${cause}}}
spec:
  replicas: 0
  selector: {matchLabels: {app: db}}
  template:
    metadata: {labels: {app: db}}
    spec: {containers: [{name: db, image: ${image}}]}
`;
  await ok('apply -f -', { input: text('db:1', 'first') });
  await ok('rollout status sts db --timeout=20s');
  await ok('apply -f -', { input: text('db:2', 'second') });
  await ok('rollout status sts db --timeout=20s');
  assert.match(await ok('rollout history sts db'), /REVISION +CHANGE-CAUSE\n1 +first\n2 +second\n/);
  assert.match(await ok('rollout history sts db --revision=1'), /Image:\s+db:1/);
  assert.match(
    await ok('get controllerrevisions -l app=db --sort-by=.revision'),
    /^NAME +CONTROLLER +REVISION +AGE\ndb-\w+ +statefulset\.apps\/db +1 /,
  );
  assert.match(await ok('rollout undo sts db'), /rolled back/);
  assert.equal(await ok('get sts db -o jsonpath={..image}'), 'db:1');
  await ok('rollout status sts db --timeout=20s');
  assert.match(await ok('rollout history sts db'), /REVISION +CHANGE-CAUSE\n2 +second\n3 +first\n/);
  assert.match(await ok('rollout undo sts db --to-revision=3'), /skipped rollback/);
  await ok('delete sts db --cascade=foreground --timeout=20s');
  assert.match(await ok('get controllerrevisions -l app=db'), /No resources found/);
});

withTools('rollout status tells when a rollout got nowhere in its time', async () => {
  // Nothing runs Pods here, so it never gets ready.
  const spec = '{"replicas":1,"progressDeadlineSeconds":1}';
  await ok('create deployment stuck --image=x --replicas=0');
  await ok(`patch deploy stuck -p {"spec":${spec}}`);
  assert.match(
    await fails('rollout status deploy stuck --timeout=20s'),
    /deployment "stuck" exceeded its progress deadline/,
  );
  const condition = 'jsonpath={.status.conditions[?(@.type=="Progressing")]';
  assert.equal(await ok(`get deploy stuck -o ${condition}.status}`), 'False');
  assert.equal(await ok(`get deploy stuck -o ${condition}.reason}`), 'ProgressDeadlineExceeded');
  await ok('delete deploy stuck --cascade=foreground --timeout=20s');
});

withTools('delete with wait, in cascades, and a Namespace', async () => {
  await ok('delete svc c none np lb ext --wait=true');
  await ok('scale deploy shop --replicas=2');
  await ok('delete deploy shop --cascade=foreground --timeout=20s');
  assert.match(await ok('get rs,pods'), /No resources found/);
  await ok('create -n shop deployment d --image=x');
  await ok('wait -n shop --for=create rs -l app=d --timeout=20s');
  await ok('delete -n shop deploy d --cascade=orphan --timeout=20s');
  assert.match(await ok('get -n shop rs'), /d-/);
  await ok('delete ns shop --timeout=20s');
  assert.match(await fails('get ns shop'), /NotFound/);
  assert.match(await fails('delete ns default'), /this namespace may not be deleted/);
});

withTools('a dry run leaves nothing behind', async () => {
  assert.match(await ok('create cm dry --dry-run=server'), /created \(server dry run\)/);
  assert.match(await fails('get cm dry'), /NotFound/);
  assert.match(await ok('delete svc web --dry-run=server'), /deleted/);
  await ok('get svc web');
});

withTools('what is not served says so, and a wrong token is refused', async () => {
  await ok('run lonely --image=x --restart=Never');
  assert.match(
    await fails('exec lonely -- ls'),
    /pods\/exec is not served|not served by Switchyard/,
  );
  assert.match(await fails('logs lonely'), /has no output here/);
  assert.match(await ok('auth can-i create services'), /yes/);
  assert.match(await ok('auth whoami'), /switchyard:admin/);
  const wrong = join(api().folder, 'wrong');
  writeFileSync(wrong, readFileSync(api().kubeconfig, 'utf8').replace(api().token, 'x'.repeat(43)));
  assert.match(await fails('get svc', { kubeconfig: wrong }), /Unauthorized|logged in/);
});

withTools('logs, the last of them, with times, and those to come', async () => {
  await ok('run talker --image=x --restart=Never');
  assert.equal(await ok('logs talker'), 'one\ntwo\n');
  assert.equal(await ok('logs talker --tail=1 --timestamps'), '2026-01-01T00:00:01.000Z two\n');
  const { stdout } = await tool('kubectl', 'logs talker -f --request-timeout=2s');
  assert.equal(stdout, 'one\ntwo\nthree\n');
  assert.match(await fails('logs talker -c other'), /container other is not valid for pod talker/);
});

withTools('helm installs, upgrades, rolls back and uninstalls', async () => {
  const chart = writeChart(join(api().folder, 'chart'));
  const helm = async (line: string): Promise<string> => {
    const { code, stdout, stderr } = await tool('helm', line);
    assert.equal(code, 0, `helm ${line}\n${stdout}${stderr}`);
    return stdout;
  };
  assert.match(await helm(`install shop ${chart}`), /STATUS: deployed/);
  assert.match(await ok('get deploy,svc,ing'), /shop-web[^]*shop-web[^]*shop\.example/);
  assert.match(await helm(`upgrade shop ${chart} --set replicas=3`), /REVISION: 2/);
  assert.equal(await ok('get deploy shop-web -o jsonpath={.spec.replicas}'), '3');
  await helm('rollback shop 1');
  assert.equal(await ok('get deploy shop-web -o jsonpath={.spec.replicas}'), '1');
  assert.match(await helm('list'), /shop.*3.*deployed/);
  await helm('uninstall shop');
  assert.doesNotMatch(await ok('get deploy,svc,ing'), /shop-web/);
});

function writeChart(folder: string): string {
  mkdirSync(join(folder, 'templates'), { recursive: true });
  const files = {
    'Chart.yaml': 'apiVersion: v2\nname: web\nversion: 0.1.0\n',
    'values.yaml': 'replicas: 1\n',
    'templates/all.yaml': `apiVersion: apps/v1
kind: Deployment
metadata: {name: "{{ .Release.Name }}-web", labels: {app: web}}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: nginx, ports: [{containerPort: 80}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: "{{ .Release.Name }}-web"}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: "{{ .Release.Name }}-web"}
spec:
  rules:
  - host: shop.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: "{{ .Release.Name }}-web", port: {number: 80}}}}
`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}
