/** What is left of objects for a name server: all that names are made of, and nothing else. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  endpointSliceKind,
  nodeKind,
  podKind,
  serviceKind,
  type EndpointSlice,
  type Kind,
  type KubeObject,
  type Node,
  type Service,
} from '../kube/index.ts';
import { dnsFollowings, proxyFollowings } from './followings.ts';

const metadata = {
  name: 'web',
  namespace: 'default',
  uid: 'u',
  resourceVersion: '7',
  creationTimestamp: '2026-01-01T00:00:00Z',
  annotations: { note: 'long' },
  managedFields: [],
};
const kept = { name: 'web', namespace: 'default', uid: 'u', resourceVersion: '7' };

function reduce(kind: Kind, object: KubeObject): KubeObject {
  const reading = dnsFollowings.readings.find((each) => each.kind === kind);
  assert.ok(reading);
  return reading.reduce(object);
}

test('of a Service its addresses, ports and alias are kept', () => {
  const type = { apiVersion: 'v1', kind: 'Service' } as const;
  const service: Service = {
    ...type,
    metadata: { ...metadata, labels: { app: 'web' } },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.0.0.1',
      clusterIPs: ['10.0.0.1', 'fd00::1'],
      selector: { app: 'web' },
      sessionAffinity: 'None',
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080, nodePort: 30_080 }],
    },
  };
  const { clusterIP, clusterIPs } = service.spec ?? {};
  const ports = [{ name: 'http', protocol: 'TCP', port: 80 }];
  assert.deepEqual(reduce(serviceKind, service), {
    ...type,
    metadata: kept,
    spec: { type: 'ClusterIP', clusterIP, clusterIPs, ports },
  });
  const alias: Service = {
    ...type,
    metadata,
    spec: { type: 'ExternalName', externalName: 'a.example' },
  };
  assert.deepEqual(reduce(serviceKind, alias), {
    ...type,
    metadata: kept,
    spec: { type: 'ExternalName', externalName: 'a.example', ports: [] },
  });
});

test('of an endpoint that is not ready its Pod is kept as well', () => {
  const type = { apiVersion: 'discovery.k8s.io/v1', kind: 'EndpointSlice' } as const;
  const owner = { 'kubernetes.io/service-name': 'web' };
  const targetRef = { kind: 'Pod', name: 'web-0' };
  const conditions = { ready: false, serving: true, terminating: true };
  const slice: EndpointSlice = {
    ...type,
    metadata: { ...metadata, generateName: 'web-', labels: { ...owner, app: 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: [
      { addresses: ['10.1.0.1'], hostname: 'web-0', conditions: { ready: true }, targetRef },
      { addresses: ['10.1.0.2'], nodeName: 'node-1' },
      { addresses: ['10.1.0.3'], conditions, targetRef },
    ],
  };
  assert.deepEqual(reduce(endpointSliceKind, slice), {
    ...type,
    metadata: { ...kept, labels: owner },
    addressType: 'IPv4',
    ports: slice.ports,
    endpoints: [
      { addresses: ['10.1.0.1'], hostname: 'web-0' },
      { addresses: ['10.1.0.2'] },
      { addresses: ['10.1.0.3'], conditions, targetRef },
    ],
  });
  const { endpoints: _none, ...empty } = slice;
  assert.deepEqual(Object.entries(reduce(endpointSliceKind, empty)).at(-1), ['endpoints', []]);
});

const dropped = {
  managedFields: [],
  annotations: { note: 'long', 'switchyard.dev/weight': '3' },
};
const read = { annotations: { 'switchyard.dev/weight': '3' } };

test('a node agent keeps of metadata the annotations somebody reads, and of Pods nothing else', () => {
  const rows: readonly (readonly [Kind, KubeObject & Record<string, unknown>, object])[] = [
    [
      podKind,
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ...dropped }, spec: {}, status: {} },
      { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'p', ...read } },
    ],
    [
      serviceKind,
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', ...dropped }, spec: { a: 1 } },
      { apiVersion: 'v1', kind: 'Service', metadata: { name: 's', ...read }, spec: { a: 1 } },
    ],
    [
      endpointSliceKind,
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: 'e',
          generateName: 'e-',
          ownerReferences: [],
          labels: { 'kubernetes.io/service-name': 's', app: 'web' },
        },
        endpoints: [],
      },
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: { name: 'e', labels: { 'kubernetes.io/service-name': 's' } },
        endpoints: [],
      },
    ],
  ];
  const { readings } = proxyFollowings('node-a');
  for (const [kind, object, want] of rows) {
    const reading = readings.find((each) => each.kind === kind);
    assert.deepEqual(reading?.reduce(object), want);
    assert.equal(reading?.metadataOnly, kind === podKind ? true : undefined);
  }
});

test('of its Node it keeps what says where it is, where its Pods are, and whether it goes', () => {
  const node: Node = {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name: 'node-a', labels: { 'topology.kubernetes.io/zone': 'here' }, ...dropped },
    spec: { podCIDRs: ['10.244.0.0/24'], taints: [] },
    status: { addresses: [{ type: 'InternalIP', address: '192.0.2.1' }] },
  };
  const images = [{ names: ['large'] }];
  const whole = { ...node, status: { ...node.status, images } };
  const { readings } = proxyFollowings('node-a');
  const reading = readings.find((each) => each.kind === nodeKind);
  const { managedFields: _fields, ...metadata } = node.metadata;
  assert.deepEqual(reading?.reduce(whole), { ...node, metadata: { ...metadata, ...read } });
});
