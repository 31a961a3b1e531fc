/** What is left of objects for a name server: all that names are made of, and nothing else. */
import assert from 'node:assert/strict';
import test from 'node:test';
import {
  endpointSliceKind,
  serviceKind,
  type EndpointSlice,
  type Kind,
  type KubeObject,
  type Service,
} from '../kube/index.ts';
import { dnsFollowings } from './followings.ts';

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
