/** Values of another JSON type than their field: refused in the API server's words, by every way of writing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApi, type ApiReply, type TestApi } from './support/api.ts';

let api: TestApi;
before(async () => {
  api = await startApi();
  for (const [path, value] of [
    [services, { metadata: { name: 'web' }, spec: { ports: [{ port: 80 }] } }],
    [deployments, { metadata: { name: 'web' }, spec: deploymentSpec }],
  ] as const) {
    const made = await write({ method: 'POST', path, value });
    assert.equal(made.status, 201, made.text);
  }
});
after(() => api.stop());

const services = '/api/v1/namespaces/default/services';
const deployments = '/apis/apps/v1/namespaces/default/deployments';
const deploymentSpec = {
  replicas: 1,
  selector: { matchLabels: { app: 'web' } },
  template: {
    metadata: { labels: { app: 'web' } },
    spec: { containers: [{ name: 'c', image: 'i' }] },
  },
};

interface Written {
  readonly method: string;
  readonly path: string;
  readonly value: unknown;
  readonly type?: string;
}

async function write({ method, path, value, type = 'json' }: Written): Promise<ApiReply> {
  return await api.request({
    method,
    path,
    headers: { 'content-type': `application/${type}` },
    body: JSON.stringify(value),
  });
}

async function refusalOf(written: Written): Promise<readonly [number, string, string]> {
  const { status, text } = await write(written);
  const { message, reason } = JSON.parse(text) as { message: string; reason: string };
  return [status, reason, message];
}

const service = (spec: object): object => ({ metadata: { name: 'x' }, spec });
const pod = (container: object, spec: object = {}): object => ({
  metadata: { name: 'x' },
  spec: { ...spec, containers: [{ name: 'c', image: 'i', ...container }] },
});
const meta = (metadata: object): object => ({ metadata: { name: 'x', ...metadata } });

/** By kind: what is sent, and what the decoder of Go says of it. */
const decoding: Readonly<Record<string, readonly (readonly [object, string])[]>> = {
  'Service /api/v1/namespaces/default/services': [
    [
      service({ ports: [{ port: '80' }] }),
      'cannot unmarshal string into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      service({ ports: [{ port: 80.5 }] }),
      'cannot unmarshal number 80.5 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      service({ ports: [{ port: 3_000_000_000 }] }),
      'cannot unmarshal number 3000000000 into Go struct field ServicePort.spec.ports.port of type int32',
    ],
    [
      service({ ports: [{ port: 80, targetPort: true }] }),
      'cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32',
    ],
    [
      service({ ports: { port: 80 } }),
      'cannot unmarshal object into Go struct field ServiceSpec.spec.ports of type []v1.ServicePort',
    ],
    [
      service({ type: 1 }),
      'cannot unmarshal number into Go struct field ServiceSpec.spec.type of type v1.ServiceType',
    ],
    [
      service({ ipFamilies: [4] }),
      'cannot unmarshal number into Go struct field ServiceSpec.spec.ipFamilies of type v1.IPFamily',
    ],
    [
      service({ selector: 'app=web' }),
      'cannot unmarshal string into Go struct field ServiceSpec.spec.selector of type map[string]string',
    ],
    [
      service({ selector: { app: ['web'] } }),
      'cannot unmarshal array into Go struct field ServiceSpec.spec.selector of type string',
    ],
    [
      service({ clusterIPs: '10.0.0.1' }),
      'cannot unmarshal string into Go struct field ServiceSpec.spec.clusterIPs of type []string',
    ],
    [
      service({ allocateLoadBalancerNodePorts: 'no' }),
      'cannot unmarshal string into Go struct field ServiceSpec.spec.allocateLoadBalancerNodePorts of type bool',
    ],
    [
      { metadata: { name: 'x' }, spec: 'y' },
      'cannot unmarshal string into Go struct field Service.spec of type v1.ServiceSpec',
    ],
    [
      { metadata: [] },
      'cannot unmarshal array into Go struct field Service.metadata of type v1.ObjectMeta',
    ],
    [
      meta({ labels: { a: 1 } }),
      'cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string',
    ],
    [
      meta({ creationTimestamp: 5 }),
      'cannot unmarshal number into Go struct field ObjectMeta.metadata.creationTimestamp of type string',
    ],
    [
      meta({ ownerReferences: [{ uid: false }] }),
      'cannot unmarshal bool into Go struct field OwnerReference.metadata.ownerReferences.uid of type types.UID',
    ],
  ],
  'Pod /api/v1/namespaces/default/pods': [
    [
      pod({ env: [{ name: 'A', value: 1 }] }),
      'cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string',
    ],
    [
      pod({ command: 'sh' }),
      'cannot unmarshal string into Go struct field Container.spec.containers.command of type []string',
    ],
    [
      pod({ resources: { limits: 'much' } }),
      'cannot unmarshal string into Go struct field ResourceRequirements.spec.containers.resources.limits of type v1.ResourceList',
    ],
    [
      pod({}, { terminationGracePeriodSeconds: '30' }),
      'cannot unmarshal string into Go struct field PodSpec.spec.terminationGracePeriodSeconds of type int64',
    ],
  ],
  'Secret /api/v1/namespaces/default/secrets': [
    [
      { metadata: { name: 'x' }, data: { a: 1 } },
      'cannot unmarshal number into Go struct field Secret.data of type []uint8',
    ],
    [
      { metadata: { name: 'x' }, data: 'a' },
      'cannot unmarshal string into Go struct field Secret.data of type map[string][]uint8',
    ],
  ],
  'Deployment /apis/apps/v1/namespaces/default/deployments': [
    [
      service({ replicas: 'two' }),
      'cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
    ],
    [
      service({ strategy: { rollingUpdate: { maxSurge: [] } } }),
      'cannot unmarshal array into Go struct field RollingUpdateDeployment.spec.strategy.rollingUpdate.maxSurge of type int32',
    ],
  ],
};

for (const [what, rows] of Object.entries(decoding)) {
  const [kind = '', path = ''] = what.split(' ');
  test(`a ${kind} with a value of the wrong type is a bad request`, async () => {
    for (const [value, problem] of rows) {
      const wanted = `${kind} in version "v1" cannot be handled as a ${kind}: json: ${problem}`;
      const told = [400, 'BadRequest', wanted];
      assert.deepEqual(await refusalOf({ method: 'POST', path, value }), told);
      // A wrong type comes before unknown fields, and no fieldValidation makes it right.
      const unknown = { ...value, unknown: 1 };
      for (const validation of ['Strict', 'Ignore']) {
        const asked = `${path}?fieldValidation=${validation}`;
        assert.deepEqual(await refusalOf({ method: 'POST', path: asked, value: unknown }), told);
      }
      if (kind === 'Pod' || kind === 'Secret') continue;
      const update = { method: 'PUT', path: `${path}/web`, value };
      assert.deepEqual(await refusalOf(update), told);
    }
  });
}

test('a quantity that is none', async () => {
  const path = '/api/v1/namespaces/default/pods';
  for (const cpu of ['much', true, {}]) {
    const value = pod({ resources: { limits: { cpu } } });
    const [status, , message] = await refusalOf({ method: 'POST', path, value });
    assert.equal(status, 400);
    assert.match(message, /: quantities must match the regular expression '\^\(\[\+-\]\?/);
  }
  const fine = pod({ resources: { limits: { cpu: 1.5, memory: '64Mi', x: ' 1e3 ' } } });
  assert.equal((await write({ method: 'POST', path, value: fine })).status, 201);
});

test('nulls are as good as absent', async () => {
  const value = {
    metadata: { name: 'nulls', creationTimestamp: null, labels: null },
    spec: { ports: [{ port: 80, name: null }], selector: null, type: null },
    status: null,
  };
  const made = await write({ method: 'POST', path: services, value });
  assert.equal(made.status, 201, made.text);
});

const [merge, json, strategic] = [
  'merge-patch+json',
  'json-patch+json',
  'strategic-merge-patch+json',
];

/** Patches of the Deployment: their type, what the API server says, and whether it shows the patch. */
const patches: readonly (readonly [string, unknown, string, string?])[] = [
  [
    merge,
    { spec: { replicas: 'two' } },
    'json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32',
  ],
  [
    json,
    [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 1 }],
    'json: cannot unmarshal number into Go struct field Container.spec.template.spec.containers.image of type string',
  ],
  [
    strategic,
    { spec: { replicas: 'two' } },
    'unrecognized type: int32',
    'map[spec:map[replicas:two]]',
  ],
  [
    strategic,
    { spec: { replicas: 1.5 } },
    'cannot convert float64 to int32',
    'map[spec:map[replicas:1.5]]',
  ],
  [
    strategic,
    { metadata: { labels: { b: true, a: 1 } } },
    'unrecognized type: string',
    'map[metadata:map[labels:map[a:1 b:true]]]',
  ],
  [
    strategic,
    { metadata: { labels: { a: 1 } } },
    'cannot convert int64 to string',
    'map[metadata:map[labels:map[a:1]]]',
  ],
  [
    strategic,
    { metadata: { finalizers: null, labels: ['a', 'b'] } },
    'cannot restore map from slice',
    'map[metadata:map[finalizers:<nil> labels:[a b]]]',
  ],
  [
    strategic,
    { spec: { strategy: { rollingUpdate: 1 } } },
    'cannot restore struct from: int64',
    'map[spec:map[strategy:map[rollingUpdate:1]]]',
  ],
  [
    strategic,
    { spec: { strategy: { rollingUpdate: { maxSurge: false } } } },
    'json: cannot unmarshal bool into Go value of type int32',
    'map[spec:map[strategy:map[rollingUpdate:map[maxSurge:false]]]]',
  ],
];

test('a patch that makes a value of the wrong type is invalid, and changes nothing', async () => {
  const before = (await api.request({ path: `${deployments}/web` })).text;
  for (const [type, value, problem, shown] of patches) {
    const path = `${deployments}/web`;
    const [status, reason, message] = await refusalOf({ method: 'PATCH', path, value, type });
    assert.deepEqual([status, reason], [422, 'Invalid'], message);
    const start = ' "" is invalid: patch: Invalid value: ';
    const value422 = JSON.stringify(shown);
    if (shown !== undefined) assert.equal(message, `${start}${value422}: ${problem}`);
    else assert.ok(message.startsWith(`${start}"{`) && message.endsWith(`}": ${problem}`), message);
  }
  assert.equal((await api.request({ path: `${deployments}/web` })).text, before);
});

test('a patch with an unknown field is invalid when fields are strict', async () => {
  const path = `${deployments}/web?fieldValidation=Strict`;
  const value = { spec: { replicsa: 2 } };
  const problem = 'strict decoding error: unknown field "spec.replicsa"';
  const refused = await refusalOf({ method: 'PATCH', path, value, type: strategic });
  const start = ' "" is invalid: patch: Invalid value:';
  assert.deepEqual(refused, [422, 'Invalid', `${start} "map[spec:map[replicsa:2]]": ${problem}`]);
  const merged = await refusalOf({ method: 'PATCH', path, value, type: merge });
  assert.ok(merged[2].startsWith(start) && merged[2].endsWith(problem), merged[2]);
});

test('an apply says which field of the configuration is of the wrong type', async () => {
  const path = `${deployments}/web?fieldManager=a`;
  const value = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'web' },
    spec: { replicas: 'two' },
  };
  assert.deepEqual(await refusalOf({ method: 'PATCH', path, value, type: 'apply-patch+yaml' }), [
    400,
    'BadRequest',
    'failed to create typed patch object (default/web; apps/v1, Kind=Deployment): .spec.replicas: expected numeric (int or float), got string',
  ]);
});

test('a Scale is of one type as well, and who scales owns the replicas through it', async () => {
  const path = `${deployments}/web/scale`;
  const problem =
    'json: cannot unmarshal string into Go struct field ScaleSpec.spec.replicas of type int32';
  const value = { spec: { replicas: '2' } };
  const put = { apiVersion: 'autoscaling/v1', kind: 'Scale', metadata: { name: 'web' }, ...value };
  assert.deepEqual(await refusalOf({ method: 'PUT', path, value: put }), [
    400,
    'BadRequest',
    `Scale in version "v1" cannot be handled as a Scale: ${problem}`,
  ]);
  const [status, , message] = await refusalOf({ method: 'PATCH', path, value, type: merge });
  assert.equal(status, 422);
  assert.ok(message.endsWith(problem), message);
  const scaled = await write({
    method: 'PATCH',
    path,
    value: { spec: { replicas: 2 } },
    type: merge,
  });
  assert.equal(scaled.status, 200, scaled.text);
  const { metadata, spec } = JSON.parse(
    (await api.request({ path: `${deployments}/web` })).text,
  ) as {
    metadata: { managedFields: readonly { subresource?: string; fieldsV1: object }[] };
    spec: { replicas: number };
  };
  assert.equal(spec.replicas, 2);
  const owned = metadata.managedFields.filter(({ subresource }) => subresource === 'scale');
  assert.deepEqual(
    owned.map(({ fieldsV1 }) => fieldsV1),
    [{ 'f:spec': { 'f:replicas': {} } }],
  );
});
