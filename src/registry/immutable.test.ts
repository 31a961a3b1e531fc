/** What may not change once it is stored, and what metadata may say, in the server's words, all at once. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  configMapKind,
  deploymentKind,
  ingressClassKind,
  nodeKind,
  podKind,
  replicaSetKind,
  secretKind,
  serviceKind,
  statefulSetKind,
  type Kind,
  type KubeObject,
  type MergePatch,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createRegistry } from './registry.ts';

function registry() {
  let uids = 0;
  return createRegistry({
    store: createMemoryStore({ clock: createFakeClock(), newUid: () => `uid-${uids++}` }),
    random: () => 0.5,
    serviceRange: parseCidr('10.96.0.0/16')!,
    allowLoopbackEndpoints: false,
  });
}

const template = {
  metadata: { labels: { app: 'web' } },
  spec: { containers: [{ name: 'c', image: 'web:1' }] },
};
const workload = { selector: { matchLabels: { app: 'web' } }, template };
const twoLabels = { app: 'web', tier: 'front' };
const moved = {
  selector: { matchLabels: twoLabels },
  template: { ...template, metadata: { labels: twoLabels } },
};
const pod = { containers: [{ name: 'c', image: 'web:1' }], nodeName: 'a' };
const podRule =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

interface Change {
  readonly kind: Kind;
  readonly from: object;
  readonly patch: MergePatch;
  /** The causes, as `field: message`; undefined when the change is taken. */
  readonly want: readonly string[] | undefined;
}

const changes: Readonly<Record<string, Change>> = {
  'Pod: another image': {
    kind: podKind,
    from: { spec: pod },
    patch: { spec: { containers: [{ name: 'c', image: 'web:2' }] } },
    want: undefined,
  },
  'Pod: another node and restart policy': {
    kind: podKind,
    from: { spec: pod },
    patch: { spec: { nodeName: 'b', restartPolicy: 'Never' } },
    want: [
      `spec: Forbidden: ${podRule}\n  spec.restartPolicy: "Always" -> "Never"\n  spec.nodeName: "a" -> "b"`,
    ],
  },
  'Pod: its first node': {
    kind: podKind,
    from: { spec: { containers: pod.containers } },
    patch: { spec: { nodeName: 'b' } },
    want: undefined,
  },
  'Pod: one container more': {
    kind: podKind,
    from: { spec: pod },
    patch: { spec: { containers: [...pod.containers, { name: 'd', image: 'web:1' }] } },
    want: ['spec.containers: Forbidden: pod updates may not add or remove containers'],
  },
  'Pod: a toleration more': {
    kind: podKind,
    from: { spec: { ...pod, tolerations: [{ operator: 'Exists' }] } },
    patch: { spec: { tolerations: [{ operator: 'Exists' }, { key: 'gpu', operator: 'Exists' }] } },
    want: undefined,
  },
  'Pod: a toleration less': {
    kind: podKind,
    from: { spec: { ...pod, tolerations: [{ operator: 'Exists' }] } },
    patch: { spec: { tolerations: [{ key: 'gpu', operator: 'Exists' }] } },
    want: [
      'spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds',
    ],
  },
  'Pod: a longer deadline': {
    kind: podKind,
    from: { spec: { ...pod, activeDeadlineSeconds: 5 } },
    patch: { spec: { activeDeadlineSeconds: 6 } },
    want: [
      'spec.activeDeadlineSeconds: Invalid value: 6: must be less than or equal to previous value',
    ],
  },
  'Deployment: another selector': {
    kind: deploymentKind,
    from: { spec: workload },
    patch: { spec: moved },
    want: [
      'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable',
    ],
  },
  'ReplicaSet: another selector': {
    kind: replicaSetKind,
    from: { spec: workload },
    patch: { spec: moved },
    want: [
      'spec.selector: Invalid value: {"matchLabels":{"app":"web","tier":"front"}}: field is immutable',
    ],
  },
  'StatefulSet: another Service': {
    kind: statefulSetKind,
    from: { spec: { ...workload, serviceName: 'a' } },
    patch: { spec: { serviceName: 'b' } },
    want: [
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
  },
  'ConfigMap: one that is immutable, in everything': {
    kind: configMapKind,
    from: { data: { a: '1' }, immutable: true },
    patch: { data: { a: '2' }, binaryData: { b: 'eA==' }, immutable: false },
    want: [
      'immutable: Forbidden: field is immutable when `immutable` is set',
      'data: Forbidden: field is immutable when `immutable` is set',
      'binaryData: Forbidden: field is immutable when `immutable` is set',
    ],
  },
  'Secret: another type': {
    kind: secretKind,
    from: { data: { a: 'eA==' } },
    patch: { type: 'other' },
    want: ['type: Invalid value: "other": field is immutable'],
  },
  'IngressClass: another controller': {
    kind: ingressClassKind,
    from: { spec: { controller: 'example.com/a' } },
    patch: { spec: { controller: 'example.com/b' } },
    want: ['spec.controller: Invalid value: "example.com/b": field is immutable'],
  },
  'Service: another load balancer, and a class where none may be': {
    kind: serviceKind,
    from: {
      spec: { type: 'LoadBalancer', loadBalancerClass: 'a.example/x', ports: [{ port: 80 }] },
    },
    patch: { spec: { loadBalancerClass: 'b.example/x' } },
    want: ['spec.loadBalancerClass: Invalid value: "b.example/x": may not change once set'],
  },
  'Service: another health check port': {
    kind: serviceKind,
    from: {
      spec: {
        type: 'LoadBalancer',
        externalTrafficPolicy: 'Local',
        healthCheckNodePort: 31_000,
        ports: [{ port: 80 }],
      },
    },
    patch: { spec: { healthCheckNodePort: 31_001 } },
    want: ['spec.healthCheckNodePort: Invalid value: 31001: field is immutable'],
  },
  'Node: other ranges for its Pods': {
    kind: nodeKind,
    from: { spec: { podCIDRs: ['10.1.0.0/24'] } },
    patch: { spec: { podCIDRs: ['10.2.0.0/24', '10.3.0.0/24', 'ten'] } },
    want: [
      'spec.podCIDRs[2]: Invalid value: "ten": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      'spec.podCIDRs: Invalid value: ["10.2.0.0/24","10.3.0.0/24","ten"]: may specify no more than one CIDR for each IP family',
      'spec.podCIDRs: Forbidden: node updates may not change podCIDR except from "" to valid',
    ],
  },
  'a finalizer more on what is going': {
    kind: configMapKind,
    from: { metadata: { finalizers: ['example.com/a'] } },
    patch: { metadata: { finalizers: ['example.com/a', 'example.com/b'] } },
    want: [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/b"}',
    ],
  },
};

for (const [name, { kind, from, patch, want }] of Object.entries(changes)) {
  test(`change: ${name}`, async () => {
    const client = registry();
    const made = { ...objectOf(kind), ...from };
    const metadata = {
      ...objectOf(kind).metadata,
      ...('metadata' in from ? (from.metadata ?? {}) : {}),
    };
    await client.create(kind, { ...made, metadata });
    const place = kind.namespaced ? { namespace: 'default', name: 'a' } : { name: 'a' };
    if (name.endsWith('what is going')) await client.delete(kind, place);
    const changing = client.patch(kind, place, patch);
    if (want === undefined) {
      await changing;
      return;
    }
    await assert.rejects(
      changing,
      (thrown: { causes: readonly { field: string; message: string }[] }) => {
        assert.deepEqual(
          thrown.causes.map(({ field, message }) => `${field}: ${message}`),
          want,
        );
        return true;
      },
    );
  });
}

const owner = { apiVersion: 'v1', kind: 'Pod', name: 'a', uid: '1', controller: true };
const metadata: Readonly<
  Record<string, { readonly given: object; readonly want: readonly string[] }>
> = {
  'an owner with nothing in it': {
    given: { ownerReferences: [{ apiVersion: '', kind: '', name: '', uid: '' }] },
    want: [
      'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
      'metadata.ownerReferences.kind: Invalid value: "": must not be empty',
      'metadata.ownerReferences.name: Invalid value: "": must not be empty',
      'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
    ],
  },
  'two that lead': {
    given: { ownerReferences: [owner, { ...owner, name: 'b', uid: '2' }] },
    want: [
      `metadata.ownerReferences: Invalid value: ${JSON.stringify([owner, { ...owner, name: 'b', uid: '2' }])}: Only one reference can have Controller set to true. Found "true" in references for Pod/a and Pod/b`,
    ],
  },
  'a finalizer without a domain': {
    given: { finalizers: ['mine', 'orphan'] },
    want: [
      'metadata.finalizers[0]: Invalid value: "mine": name is neither a standard finalizer name nor is it fully qualified',
    ],
  },
  'names of every kind, all at once': {
    given: { name: 'A', labels: { 'a b': 'x' }, annotations: { '/': 'x' } },
    want: [
      `metadata.name: Invalid value: "A": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')`,
      `metadata.labels: Invalid value: "a b": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
      'metadata.annotations: Invalid value: "/": prefix part must be non-empty',
      'metadata.annotations: Invalid value: "/": name part must be non-empty',
      `metadata.annotations: Invalid value: "/": name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    ],
  },
};

for (const [name, { given, want }] of Object.entries(metadata)) {
  test(`metadata: ${name}`, async () => {
    const object = objectOf(configMapKind);
    const making = registry().create(configMapKind, {
      ...object,
      metadata: { ...object.metadata, ...given },
    });
    await assert.rejects(
      making,
      (thrown: { causes: readonly { field: string; message: string }[] }) => {
        assert.deepEqual(
          thrown.causes.map(({ field, message }) => `${field}: ${message}`),
          want,
        );
        return true;
      },
    );
  });
}

function objectOf(kind: Kind): KubeObject {
  const apiVersion = kind.group === '' ? kind.version : `${kind.group}/${kind.version}`;
  const where = kind.namespaced ? { namespace: 'default' } : {};
  return { apiVersion, kind: kind.kind, metadata: { name: 'a', ...where } };
}
