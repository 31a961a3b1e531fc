/** What the rules of workloads, Ingresses and stored kinds say, in the API server's words. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configMapKind,
  controllerRevisionKind,
  deploymentKind,
  ingressClassKind,
  ingressKind,
  podKind,
  replicaSetKind,
  secretKind,
  statefulSetKind,
  type Deployment,
  type Kind,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createObjectCheck, inspectNew } from './inspect.ts';
import { deploymentStrategy } from './deployment.ts';
import { secretStrategy } from './config-map.ts';
import { createRegistry } from './registry.ts';

const metadata = { name: 'web', namespace: 'default' };
const labels = { app: 'web' };
const container = { name: 'c', image: 'web:1' };
const template = { metadata: { labels }, spec: { containers: [container] } };
const spec = { selector: { matchLabels: labels }, template };

const withProbe = (probe: object): object => ({
  metadata,
  spec: { containers: [{ ...container, readinessProbe: probe }] },
});
const withPath = (path: object): object => ({
  metadata,
  spec: { rules: [{ host: 'a.example.com', http: { paths: [path] } }] },
});
const backend = { service: { name: 'web', port: { number: 80 } } };

const cases: Readonly<Record<string, readonly [Kind, object, readonly string[]]>> = {
  'a Deployment that is fine': [deploymentKind, { metadata, spec }, []],
  'a revision of anything': [controllerRevisionKind, { metadata, data: {}, revision: 0 }, []],
  'a revision of nothing, and before the first': [
    controllerRevisionKind,
    { metadata, data: null, revision: -1 },
    [
      'data: Required value: data is mandatory',
      'revision: Invalid value: -1: must be greater than or equal to 0',
    ],
  ],
  'nothing said': [
    deploymentKind,
    { metadata },
    ['spec.selector: Required value', 'spec.template.spec.containers: Required value'],
  ],
  'a selector that selects something else': [
    deploymentKind,
    { metadata, spec: { ...spec, selector: { matchLabels: { app: 'api' } } } },
    [
      'spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`',
    ],
  ],
  'a selector that is empty': [
    replicaSetKind,
    { metadata, spec: { ...spec, selector: {} } },
    ['spec.selector: Invalid value: {}: empty selector is invalid for replicaset'],
  ],
  'no way to replace a Pod': [
    deploymentKind,
    {
      metadata,
      spec: { ...spec, strategy: { rollingUpdate: { maxSurge: 0, maxUnavailable: 0 } } },
    },
    [
      'spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` is 0',
    ],
  ],
  'an unknown strategy, fewer than no Pods': [
    deploymentKind,
    { metadata, spec: { ...spec, replicas: -1, strategy: { type: 'BlueGreen' } } },
    [
      'spec.replicas: Invalid value: -1: must be greater than or equal to 0',
      'spec.strategy.type: Unsupported value: "BlueGreen": supported values: "Recreate", "RollingUpdate"',
    ],
  ],
  'a template that is over after a while': [
    deploymentKind,
    {
      metadata,
      spec: {
        ...spec,
        template: { ...template, spec: { ...template.spec, restartPolicy: 'Never' } },
      },
    },
    ['spec.template.spec.restartPolicy: Unsupported value: "Never": supported values: "Always"'],
  ],
  'a StatefulSet with a policy of its own': [
    statefulSetKind,
    { metadata, spec: { ...spec, podManagementPolicy: 'Random' } },
    ["spec.podManagementPolicy: Invalid value: \"Random\": must be 'OrderedReady' or 'Parallel'"],
  ],
  'a probe that asks nothing': [
    podKind,
    withProbe({}),
    ['spec.containers[0].readinessProbe: Required value: must specify a handler type'],
  ],
  'hooks that do nothing, and too much': [
    podKind,
    {
      metadata,
      spec: {
        containers: [
          {
            ...container,
            lifecycle: {
              postStart: {},
              preStop: { exec: { command: ['true'] }, httpGet: { port: 0 }, sleep: { seconds: 1 } },
            },
          },
        ],
      },
    },
    [
      'spec.containers[0].lifecycle.postStart: Required value: must specify a handler type',
      'spec.containers[0].lifecycle.preStop.httpGet: Forbidden: may not specify more than 1 handler type',
      'spec.containers[0].lifecycle.preStop.sleep: Forbidden: may not specify more than 1 handler type',
      'spec.containers[0].lifecycle.preStop.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
  ],
  'a probe that asks twice, at no port': [
    podKind,
    withProbe({ httpGet: { port: 0 }, tcpSocket: { port: 80 } }),
    [
      'spec.containers[0].readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type',
      'spec.containers[0].readinessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive',
    ],
  ],
  'a ConfigMap with a key that is none': [
    configMapKind,
    { metadata, data: { 'a b': 'c' } },
    [
      "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')",
    ],
  ],
  'an Ingress that is fine': [
    ingressKind,
    withPath({ path: '/', pathType: 'Prefix', backend }),
    [],
  ],
  'a path without a type': [
    ingressKind,
    withPath({ path: '/', backend }),
    ['spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified'],
  ],
  'a path that goes up, a backend without a port': [
    ingressKind,
    withPath({ path: 'a/../b', pathType: 'Exact', backend: { service: { name: 'web' } } }),
    [
      'spec.rules[0].http.paths[0].path: Invalid value: "a/../b": must be an absolute path',
      'spec.rules[0].http.paths[0].path: Invalid value: "a/../b": must not contain \'/../\'',
      'spec.rules[0].http.paths[0].backend: Required value: port name or number is required',
    ],
  ],
  'an Ingress that leads nowhere': [
    ingressKind,
    { metadata, spec: {} },
    ['spec: Invalid value: {}: either `defaultBackend` or `rules` must be specified'],
  ],
  'a class without a controller': [
    ingressClassKind,
    { metadata: { name: 'web' } },
    ['spec.controller: Required value'],
  ],
};

const check = createObjectCheck({ allowLoopback: false });

for (const [title, [kind, object, expected]] of Object.entries(cases)) {
  test(`${kind.kind}: ${title}`, () => {
    const causes = check(kind, object)?.causes ?? [];
    assert.deepEqual(
      causes.map(({ field, message }) => `${field}: ${message}`),
      expected,
    );
  });
}

test('defaults of a Deployment are the server’s', () => {
  const made = inspectNew(deploymentStrategy, { metadata, spec });
  assert.deepEqual(made.spec?.strategy, {
    type: 'RollingUpdate',
    rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' },
  });
  const { replicas, revisionHistoryLimit, progressDeadlineSeconds } = made.spec ?? {};
  assert.deepEqual([replicas, revisionHistoryLimit, progressDeadlineSeconds], [1, 10, 600]);
});

test('texts of a Secret become its data', () => {
  const made = inspectNew(secretStrategy, { metadata, stringData: { user: 'me' } });
  assert.deepEqual([made.type, made.data], ['Opaque', { user: 'bWU=' }]);
  assert.equal('stringData' in made, false);
});

test('what cannot change, does not', async () => {
  let uids = 0;
  const client = createRegistry({
    store: createMemoryStore({ clock: createFakeClock(), newUid: () => `uid-${uids++}` }),
    random: () => 0.5,
    serviceRange: parseCidr('10.96.0.0/16')!,
    allowLoopbackEndpoints: false,
  });
  const object = { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec } as Deployment;
  await client.create(deploymentKind, object);
  const other = { app: 'web', tier: 'b' };
  const moved = { selector: { matchLabels: other }, template: { metadata: { labels: other } } };
  await assert.rejects(client.patch(deploymentKind, metadata, { spec: moved }), {
    message:
      'Deployment.apps "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"b"}}: field is immutable',
  });
  const { apiVersion: _version, kind: _kind, ...rest } = object;
  const set = { ...rest, apiVersion: 'apps/v1', kind: 'StatefulSet' };
  await client.create(statefulSetKind, set as Deployment);
  await assert.rejects(
    client.patch(statefulSetKind, metadata, { spec: { serviceName: 'other' } }),
    /updates to statefulset spec for fields other than 'replicas', 'ordinals'/,
  );
  const revision = { ...rest, data: { a: 1 }, revision: 1 };
  await client.create(controllerRevisionKind, {
    ...revision,
    apiVersion: 'apps/v1',
    kind: 'ControllerRevision',
  });
  await client.patch(controllerRevisionKind, metadata, { revision: 2 });
  await assert.rejects(client.patch(controllerRevisionKind, metadata, { data: { a: 2 } }), {
    message:
      'ControllerRevision.apps "web" is invalid: data: Invalid value: {"a":2}: field is immutable',
  });
  const secret = { apiVersion: 'v1', kind: 'Secret', metadata, immutable: true };
  await client.create(secretKind, secret);
  await assert.rejects(client.patch(secretKind, metadata, { data: { a: 'YQ==' } }), {
    message: 'Secret "web" is invalid: data: Forbidden: field is immutable when `immutable` is set',
  });
});
