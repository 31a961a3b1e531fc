/** The registry's rules that need more than one request: allocation, updates, status, Namespaces. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  endpointSliceKind,
  namespaceKind,
  nodeKind,
  podKind,
  serviceKind,
  type EndpointSlice,
  type ObjectClient,
  type Pod,
  type Service,
  type ServiceSpec,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createRegistry, type RegistryOptions } from './registry.ts';

function freshStore(): ObjectClient {
  let uids = 0;
  return createMemoryStore({ clock: createFakeClock(), newUid: () => `uid-${uids++}` });
}

function registryOver(store: ObjectClient, options: Partial<RegistryOptions> = {}): ObjectClient {
  return createRegistry({
    store,
    random: () => 0.5,
    serviceRange: parseCidr('127.96.0.0/16')!,
    allowLoopbackEndpoints: true,
    ...options,
  });
}

const small = {
  serviceRange: parseCidr('10.0.0.0/29')!,
  nodePortRange: { first: 30_000, last: 30_002 },
};

function service(name: string, spec: ServiceSpec = {}, namespace = 'default'): Service {
  const whole = { ports: [{ port: 80 }], ...spec };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace }, spec: whole };
}

const named = (name: string): { namespace: string; name: string } => ({
  namespace: 'default',
  name,
});

async function addressOf(client: ObjectClient, name: string): Promise<string | undefined> {
  return (await client.get(serviceKind, named(name))).spec?.clusterIP;
}

test('the first Namespaces are there, with their label and phase', async () => {
  const registry = registryOver(freshStore());
  const { items } = await registry.list(namespaceKind);
  assert.deepEqual(
    items.map(({ metadata, status }) => [metadata.name, metadata.labels, status]),
    ['default', 'kube-system'].map((name) => [
      name,
      { 'kubernetes.io/metadata.name': name },
      { phase: 'Active' },
    ]),
  );
});

test('the same Service gets the same address after a restart of a store that forgets', async () => {
  const addresses = [];
  for (let run = 0; run < 2; run++) {
    const registry = registryOver(freshStore());
    for (const name of run === 0 ? ['a', 'b', 'c'] : ['c', 'a', 'b']) {
      await registry.create(serviceKind, service(name));
    }
    addresses.push(await Promise.all(['a', 'b', 'c'].map((name) => addressOf(registry, name))));
  }
  assert.deepEqual(addresses[0], addresses[1]);
  assert.equal(new Set(addresses[0]).size, 3);
});

test('what a store remembers is not given away again', async () => {
  const store = freshStore();
  const made = await registryOver(store).create(serviceKind, service('a', { type: 'NodePort' }));
  const again = registryOver(store);
  const { clusterIP, ports } = made.spec ?? {};
  await assert.rejects(again.create(serviceKind, service('b', { clusterIP: clusterIP! })), {
    message: `Service "b" is invalid: spec.clusterIPs: Invalid value: ["${clusterIP}"]: failed to allocate IP ${clusterIP}: provided IP is already allocated`,
  });
  const nodePort = ports?.[0]?.nodePort ?? 0;
  const taking = service('b', { type: 'NodePort', ports: [{ port: 1, nodePort }] });
  await assert.rejects(again.create(serviceKind, taking), {
    message: `Service "b" is invalid: spec.ports[0].nodePort: Invalid value: ${nodePort}: provided port is already allocated`,
  });
  await again.delete(serviceKind, named('a'));
  const freed = service('b', {
    type: 'NodePort',
    clusterIP: clusterIP!,
    ports: [{ port: 1, nodePort }],
  });
  assert.equal((await again.create(serviceKind, freed)).spec?.clusterIP, clusterIP);
});

test('a range is given out to its last address, and refused then', async () => {
  const registry = registryOver(freshStore(), small);
  const given = new Set<string>();
  for (let i = 0; i < 6; i++) {
    given.add((await registry.create(serviceKind, service(`s${i}`))).spec?.clusterIP ?? '');
  }
  // Neither the network's own address nor the one that means everybody.
  assert.deepEqual(
    [...given].toSorted(),
    [1, 2, 3, 4, 5, 6].map((n) => `10.0.0.${n}`),
  );
  await assert.rejects(registry.create(serviceKind, service('full')), {
    code: 'InternalError',
    message: 'Internal error occurred: failed to allocate a serviceIP: range is full',
  });
  await registry.create(serviceKind, service('headless', { clusterIP: 'None' }));
  await registry.delete(serviceKind, named('s3'));
  const next = await registry.create(serviceKind, service('next'));
  assert.ok(given.has(next.spec?.clusterIP ?? ''));
});

test('node ports are given out to the last, and a refused Service holds nothing', async () => {
  const registry = registryOver(freshStore(), small);
  const ports = [1, 2, 3, 4].map((port) => ({ name: `p${port}`, port }));
  const four = service('four', { type: 'NodePort', ports });
  await assert.rejects(registry.create(serviceKind, four), {
    message: 'Internal error occurred: failed to allocate a nodePort: range is full',
  });
  const three = service('three', { type: 'NodePort', ports: ports.slice(0, 3) });
  const made = await registry.create(serviceKind, three);
  const nodePorts = made.spec?.ports?.map((port) => port.nodePort);
  assert.deepEqual(nodePorts?.toSorted(), [30_000, 30_001, 30_002]);
  const low = service('low', { type: 'NodePort', ports: [{ port: 1, nodePort: 80 }] });
  await assert.rejects(registry.create(serviceKind, low), {
    message:
      'Service "low" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30002',
  });
  // Four refusals took none of the addresses for good.
  for (let i = 0; i < 5; i++) await registry.create(serviceKind, service(`s${i}`));
});

test('one node port serves all protocols of a port', async () => {
  const registry = registryOver(freshStore());
  const ports = [
    { name: 'udp', port: 53, protocol: 'UDP' },
    { name: 'tcp', port: 53 },
  ];
  const made = await registry.create(serviceKind, service('dns', { type: 'NodePort', ports }));
  const [udp, tcp] = made.spec?.ports ?? [];
  assert.ok(udp?.nodePort !== undefined && udp.nodePort === tcp?.nodePort);
});

test('an update keeps what it does not mention and was allocated', async () => {
  const registry = registryOver(freshStore());
  const made = await registry.create(serviceKind, service('a', { type: 'NodePort' }));
  const updated = await registry.update(
    serviceKind,
    service('a', { type: 'NodePort', ports: [{ port: 81 }] }),
  );
  assert.equal(updated.spec?.clusterIP, made.spec?.clusterIP);
  assert.equal(updated.spec?.ports?.[0]?.nodePort, made.spec?.ports?.[0]?.nodePort);
  assert.equal(updated.spec?.ports?.[0]?.targetPort, 81);
  assert.deepEqual(updated.spec?.ipFamilies, ['IPv4']);
});

test('a clusterIP stays for life', async () => {
  const registry = registryOver(freshStore());
  await registry.create(serviceKind, service('a'));
  const moved = registry.patch(serviceKind, named('a'), { spec: { clusterIP: '127.96.1.1' } });
  await assert.rejects(moved, {
    message:
      'Service "a" is invalid: spec.clusterIPs[0]: Invalid value: ["127.96.1.1"]: may not change once set',
  });
  // The address that was refused is free.
  await registry.create(serviceKind, service('b', { clusterIP: '127.96.1.1' }));
});

test('a change of type takes and gives back what the types need', async () => {
  const registry = registryOver(freshStore(), small);
  const type = async (patch: object): Promise<ServiceSpec> =>
    (await registry.patch(serviceKind, named('a'), { spec: patch })).spec ?? {};
  await registry.create(serviceKind, service('a'));
  const lb = await type({ type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
  assert.ok((lb.healthCheckNodePort ?? 0) >= 30_000 && (lb.ports?.[0]?.nodePort ?? 0) >= 30_000);
  const plain = await type({ type: 'ClusterIP', externalTrafficPolicy: null });
  assert.equal(plain.ports?.[0]?.nodePort, undefined);
  assert.equal(plain.healthCheckNodePort, undefined);
  assert.equal(plain.allocateLoadBalancerNodePorts, undefined);
  const alias = await type({ type: 'ExternalName', externalName: 'example.org' });
  assert.deepEqual(
    [alias.clusterIP, alias.clusterIPs, alias.ipFamilies],
    [undefined, undefined, undefined],
  );
  // All three node ports and all six addresses are free again.
  const ports = [1, 2, 3].map((port) => ({ name: `p${port}`, port }));
  await registry.create(serviceKind, service('all', { type: 'NodePort', ports }));
  for (let i = 0; i < 5; i++) await registry.create(serviceKind, service(`s${i}`));
});

test('status is kept by updates, spec by patches of the status', async () => {
  const registry = registryOver(freshStore());
  await registry.create(serviceKind, service('a'));
  const status = { loadBalancer: { ingress: [{ ip: '10.1.1.1' }] } };
  const patch = { status, spec: { type: 'NodePort' } };
  const patched = await registry.patch(serviceKind, named('a'), patch, { subresource: 'status' });
  assert.deepEqual(patched.status, status);
  assert.equal(patched.spec?.type, 'ClusterIP');
  assert.equal(patched.metadata.generation, 1);
  const updated = await registry.update(serviceKind, {
    ...service('a'),
    status: { loadBalancer: {} },
  });
  assert.deepEqual(updated.status, status);
  const wrong = { status: { loadBalancer: { ingress: 'none' } } };
  const refused = registry.patch(serviceKind, named('a'), wrong, { subresource: 'status' });
  await assert.rejects(refused, {
    message:
      'Service "a" is invalid: status.loadBalancer.ingress: Invalid value: "none": must be a list',
  });
});

test('a write that changes nothing is no change, defaults and allocations or not', async () => {
  const registry = registryOver(freshStore());
  const made = await registry.create(serviceKind, service('a', { type: 'NodePort' }));
  const same = await registry.update(serviceKind, service('a', { type: 'NodePort' }));
  assert.equal(same.metadata.resourceVersion, made.metadata.resourceVersion);
});

test('writers of one object at once all come through, those that name a version only once', async () => {
  const registry = registryOver(freshStore());
  const made = await registry.create(serviceKind, service('a'));
  const label = (key: string): object => ({ metadata: { labels: { [key]: '1' } } });
  await Promise.all(
    ['x', 'y', 'z'].map((key) => registry.patch(serviceKind, named('a'), { ...label(key) })),
  );
  const found = await registry.get(serviceKind, named('a'));
  assert.deepEqual(Object.keys(found.metadata.labels ?? {}).toSorted(), ['x', 'y', 'z']);
  await assert.rejects(registry.update(serviceKind, made), { code: 'Conflict' });
});

test('the same address asked for twice at once is given once', async () => {
  const registry = registryOver(freshStore());
  const clusterIP = '127.96.7.7';
  const results = await Promise.allSettled(
    ['a', 'b'].map((name) => registry.create(serviceKind, service(name, { clusterIP }))),
  );
  assert.deepEqual(results.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
});

test('a Namespace that is missing, going or protected', async () => {
  const registry = registryOver(freshStore());
  await assert.rejects(registry.create(serviceKind, service('a', {}, 'nope')), {
    code: 'NotFound',
    message: 'namespaces "nope" not found',
  });
  await assert.rejects(registry.delete(namespaceKind, { name: 'default' }), {
    code: 'Forbidden',
    message: 'namespaces "default" is forbidden: this namespace may not be deleted',
  });
  const shop = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: 'shop' } };
  await registry.create(namespaceKind, shop);
  const made = await registry.create(serviceKind, service('a', {}, 'shop'));
  await registry.delete(namespaceKind, { name: 'shop' });
  const { status, metadata } = await registry.get(namespaceKind, { name: 'shop' });
  assert.equal(status?.phase, 'Terminating');
  assert.ok(metadata.deletionTimestamp !== undefined);
  await assert.rejects(registry.create(serviceKind, service('b', {}, 'shop')), {
    message:
      'services "b" is forbidden: unable to create new content in namespace shop because it is being terminated',
  });
  // What its controller does at the end.
  await registry.delete(serviceKind, { namespace: 'shop', name: 'a' });
  await registry.patch(namespaceKind, { name: 'shop' }, { spec: { finalizers: [] } });
  await assert.rejects(registry.get(namespaceKind, { name: 'shop' }), { code: 'NotFound' });
  // What its Services held is free.
  await registry.create(serviceKind, service('c', { clusterIP: made.spec?.clusterIP ?? '' }));
});

test('a generated name is tried again when it is taken', async () => {
  const chances = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0.99, 0.99, 0.99, 0.99, 0.99];
  const registry = registryOver(freshStore(), { random: () => chances.shift() ?? 0.5 });
  const body = { ...service(''), metadata: { name: '', generateName: 'q-', namespace: 'default' } };
  const names = [];
  for (let i = 0; i < 2; i++) names.push((await registry.create(serviceKind, body)).metadata.name);
  assert.deepEqual(names, ['q-bbbbb', 'q-99999']);
});

test('a kind that is not served is told', async () => {
  const kind = { ...serviceKind, kind: 'Widget', plural: 'widgets' };
  const refused = { code: 'NotFound', message: 'the server could not find the requested resource' };
  await assert.rejects(registryOver(freshStore()).list(kind), refused);
});

test('Pods get their defaults; one with an address keeps the status it came with', async () => {
  const registry = registryOver(freshStore());
  const pod = (name: string, status?: Pod['status']): Pod => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'default' },
    spec: { containers: [{ name: 'c', image: 'x', ports: [{ containerPort: 80 }] }] },
    ...(status === undefined ? {} : { status }),
  });
  const made = await registry.create(podKind, pod('a', { phase: 'Running' }));
  assert.deepEqual(made.status, { phase: 'Pending', qosClass: 'BestEffort' });
  assert.equal(made.spec?.terminationGracePeriodSeconds, 30);
  assert.equal(made.spec?.containers?.[0]?.ports?.[0]?.protocol, 'TCP');
  const given = await registry.create(podKind, pod('b', { podIP: '127.0.0.1' }));
  assert.deepEqual(given.status, { podIP: '127.0.0.1', qosClass: 'BestEffort' });
  await assert.rejects(registry.create(podKind, { ...pod('c'), spec: {} }), {
    message: 'Pod "c" is invalid: spec.containers: Required value',
  });
});

test('loopback endpoints are taken, other special ones not; addressType is for life', async () => {
  const registry = registryOver(freshStore());
  const slice = (address: string): EndpointSlice => ({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'a', namespace: 'default' },
    addressType: 'IPv4',
    endpoints: [{ addresses: [address] }],
  });
  await assert.rejects(registry.create(endpointSliceKind, slice('169.254.1.1')), {
    message:
      'EndpointSlice.discovery.k8s.io "a" is invalid: endpoints[0].addresses[0]: Invalid value: "169.254.1.1": may not be in the link-local range (169.254.0.0/16, fe80::/10)',
  });
  await registry.create(endpointSliceKind, slice('127.0.0.1'));
  const changed = { addressType: 'IPv6', endpoints: [{ addresses: ['fd00::1'] }] };
  await assert.rejects(registry.patch(endpointSliceKind, named('a'), changed), {
    message:
      'EndpointSlice.discovery.k8s.io "a" is invalid: addressType: Invalid value: "IPv6": field is immutable',
  });
});

test('a Node says its own status when it registers', async () => {
  const registry = registryOver(freshStore());
  const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] };
  const node = { apiVersion: 'v1', kind: 'Node', metadata: { name: 'n' }, status };
  assert.deepEqual((await registry.create(nodeKind, node)).status, status);
});
