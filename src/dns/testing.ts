/** Objects for the tests of this room: a cluster with one of everything that has a name. */
import type { EndpointSlice, Namespace, Pod, Service, ServiceSpec } from '../kube/index.ts';
import { labels } from '../kube/index.ts';
import { defaultZone, MutableWorld, type ZoneOptions } from './world.ts';

export interface TestEndpoint {
  readonly address: string;
  readonly hostname?: string;
  readonly ready?: boolean;
}

export function testService(name: string, spec: ServiceSpec, namespace = 'default'): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec };
}

export function testSlice(
  service: string,
  endpoints: readonly TestEndpoint[],
  over: Partial<EndpointSlice> & { readonly namespace?: string; readonly name?: string } = {},
): EndpointSlice {
  const { namespace = 'default', name = `${service}-1`, ...rest } = over;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name, namespace, labels: { [labels.serviceName]: service } },
    addressType: endpoints[0]?.address.includes(':') === true ? 'IPv6' : 'IPv4',
    ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: endpoints.map(({ address, hostname, ready }) => ({
      addresses: [address],
      ...(hostname === undefined ? {} : { hostname }),
      ...(ready === undefined ? {} : { conditions: { ready } }),
    })),
    ...rest,
  };
}

export function testNamespace(name: string): Namespace {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name } };
}

export function testPod(name: string, ip: string, phase = 'Running'): Pod {
  const metadata = { name, namespace: 'default' };
  return { apiVersion: 'v1', kind: 'Pod', metadata, status: { phase, podIP: ip } };
}

const web = { name: 'http', protocol: 'TCP', port: 80 };

const testServices: readonly Service[] = [
  testService('web', {
    clusterIP: '10.96.0.10',
    clusterIPs: ['10.96.0.10'],
    ports: [web, { name: 'dns', protocol: 'UDP', port: 53 }],
  }),
  testService('dual', {
    clusterIP: '10.96.0.11',
    clusterIPs: ['10.96.0.11', 'fd00:0:0::11'],
    ports: [web],
  }),
  testService('six', { clusterIP: 'fd00::12', clusterIPs: ['fd00::12'], ports: [web] }),
  testService('idle', { clusterIP: '10.96.0.13', clusterIPs: ['10.96.0.13'], ports: [web] }),
  testService('bare', {
    clusterIP: '10.96.0.14',
    clusterIPs: ['10.96.0.14'],
    ports: [{ port: 7 }],
  }),
  testService('db', { clusterIP: 'None', ports: [{ name: 'sql', port: 5432 }] }),
  testService('cold', { clusterIP: 'None', ports: [web] }),
  testService('loose', { clusterIP: 'None' }),
  testService('out', { type: 'ExternalName', externalName: 'Example.com' }),
  testService('in', { type: 'ExternalName', externalName: 'web.default.svc.cluster.local' }),
  testService('hop', { type: 'ExternalName', externalName: 'in.default.svc.cluster.local.' }),
  testService('far', { type: 'ExternalName', externalName: 'out.default.svc.cluster.local' }),
  testService('dead', { type: 'ExternalName', externalName: 'none.default.svc.cluster.local' }),
  testService('ring', { type: 'ExternalName', externalName: 'gnir.default.svc.cluster.local' }),
  testService('gnir', { type: 'ExternalName', externalName: 'ring.default.svc.cluster.local' }),
  testService('self', { type: 'ExternalName', externalName: 'self.default.svc.cluster.local' }),
  testService('ip', { type: 'ExternalName', externalName: '192.0.2.1' }),
  testService('web', { clusterIP: '10.96.1.10', clusterIPs: ['10.96.1.10'], ports: [web] }, 'shop'),
];

const testSlices: readonly EndpointSlice[] = [
  testSlice('web', [
    { address: '10.1.0.1', ready: true },
    { address: '10.1.0.2', hostname: 'Second' },
    { address: '10.1.0.3', ready: false },
  ]),
  testSlice('dual', [{ address: '10.1.0.4' }]),
  testSlice('dual', [{ address: 'fd00:1::4' }, { address: 'fd00:2::' }], { name: 'dual-2' }),
  testSlice(
    'db',
    [
      { address: '10.1.0.5', hostname: 'db-0' },
      { address: '10.1.0.6', hostname: 'db-1' },
      { address: '10.1.0.7', hostname: 'db-2', ready: false },
    ],
    { ports: [{ name: 'sql', protocol: 'TCP', port: 5432 }] },
  ),
  testSlice('db', [{ address: 'fd00:1::5', hostname: 'db-0' }], {
    name: 'db-2',
    ports: [{ name: 'sql', protocol: 'TCP', port: 5432 }],
  }),
  testSlice('cold', [{ address: '10.1.0.8', ready: false }]),
  testSlice('loose', [{ address: '10.1.0.9' }], { ports: null }),
  testSlice('web', [{ address: '10.1.0.1' }], { namespace: 'shop' }),
];

/** Everything above, listed, at second 1,700,000,000. */
export function testWorld(options: Partial<ZoneOptions> = {}): MutableWorld {
  const world = new MutableWorld({ ...defaultZone, ...options }, () => 1_700_000_000_000);
  world.serverAddresses = ['10.96.0.2'];
  world.replaceServices(testServices);
  world.replaceSlices(testSlices);
  world.replaceNamespaces(['default', 'shop', 'void'].map(testNamespace));
  world.replacePods([testPod('web-0', '10.1.0.1'), testPod('done', '10.1.0.77', 'Succeeded')]);
  return world;
}
