/** ServiceCIDRs beside the instance's own: what is given out of them, and how long they stay. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ipAddressKind,
  isNotFound,
  serviceCidrKind,
  serviceKind,
  type IpAddress,
  type ObjectClient,
  type Service,
  type ServiceCidr,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createRegistry } from './registry.ts';

function freshStore(): ObjectClient {
  let uids = 0;
  return createMemoryStore({ clock: createFakeClock(), newUid: () => `uid-${uids++}` });
}

/** Of its own it has six addresses. */
function registryOver(store: ObjectClient): ObjectClient {
  return createRegistry({
    store,
    random: () => 0.5,
    serviceRange: parseCidr('10.96.0.0/29')!,
    allowLoopbackEndpoints: false,
  });
}

function range(name: string, ...cidrs: readonly string[]): ServiceCidr {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name },
    spec: { cidrs },
  };
}

async function service(client: ObjectClient, name: string, clusterIP?: string): Promise<string> {
  const made: Service = await client.create(serviceKind, {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'default', name },
    spec: { ports: [{ port: 80 }], ...(clusterIP === undefined ? {} : { clusterIP }) },
  });
  return made.spec?.clusterIP ?? '';
}

async function fill(client: ObjectClient, count: number, prefix = 's'): Promise<readonly string[]> {
  const given: string[] = [];
  for (let i = 0; i < count; i++) given.push(await service(client, `${prefix}${i}`));
  return given;
}

const inFirst = (address: string): boolean => address.startsWith('10.96.0.');
const inMore = (address: string): boolean => address.startsWith('10.1.0.');

test('a full range is helped by the next, and what is free again is given again', async () => {
  const store = freshStore();
  const client = registryOver(store);
  const first = await fill(client, 6);
  assert.ok(first.every(inFirst));
  await assert.rejects(service(client, 'over'), /range is full/);
  await assert.rejects(service(client, 'named', '10.1.0.3'), {
    message: /The range of valid IPs is 10\.96\.0\.0\/29$/,
  });
  await client.create(serviceCidrKind, range('more', '10.1.0.0/29'));
  const { status, metadata } = await client.get(serviceCidrKind, { name: 'more' });
  assert.deepEqual(status?.conditions, [
    { type: 'Ready', status: 'True', message: 'Kubernetes Service CIDR is ready', reason: '' },
  ]);
  assert.deepEqual(metadata.finalizers, ['networking.k8s.io/service-cidr-finalizer']);
  assert.equal(await service(client, 'named', '10.1.0.3'), '10.1.0.3');
  await assert.rejects(service(client, 'twice', '10.1.0.3'), /already allocated/);
  await assert.rejects(service(client, 'other', '10.2.0.3'), {
    message: /The range of valid IPs is 10\.96\.0\.0\/29, 10\.1\.0\.0\/29$/,
  });
  const second = await fill(client, 5, 't');
  assert.ok(second.every(inMore));
  assert.equal(new Set([...first, ...second, '10.1.0.3']).size, 12);
  await assert.rejects(service(client, 'over'), /range is full/);
  await client.delete(serviceKind, { namespace: 'default', name: 's3' });
  assert.equal(await service(client, 'again'), first[3]);
  // Another process over the same objects gives nothing out twice, and knows the range.
  const next = registryOver(store);
  await assert.rejects(service(next, 'over'), /range is full/);
  await client.delete(serviceKind, { namespace: 'default', name: 'named' });
});

test('a range that overlaps another gives nothing out twice', async () => {
  const client = registryOver(freshStore());
  const first = await fill(client, 6);
  await client.create(serviceCidrKind, range('wider', '10.96.0.0/28'));
  // 10.96.0.7 was the broadcast address of the own range.
  const second = await fill(client, 8, 't');
  assert.equal(new Set([...first, ...second]).size, 14);
  await assert.rejects(service(client, 'over'), /range is full/);
});

test('one that is deleted gives no more, and stays while its addresses are held', async () => {
  const store = freshStore();
  const client = registryOver(store);
  await client.create(serviceCidrKind, range('more', '10.1.0.0/24'));
  await service(client, 'one', '10.1.0.9');
  const kept: IpAddress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name: '10.1.0.10' },
    spec: { parentRef: { resource: 'things', name: 'mine' } },
  };
  await client.create(ipAddressKind, kept);
  await client.delete(serviceCidrKind, { name: 'more' });
  const leaving = await client.get(serviceCidrKind, { name: 'more' });
  assert.notEqual(leaving.metadata.deletionTimestamp, undefined);
  assert.equal(leaving.status?.conditions?.[0]?.reason, 'Terminating');
  await assert.rejects(service(client, 'two', '10.1.0.11'), /not in the valid range/);
  // The Service may be changed meanwhile, and keeps its address.
  const web = { namespace: 'default', name: 'one' };
  const changed = await client.patch(serviceKind, web, { spec: { selector: { a: 'b' } } });
  assert.equal(changed.spec?.clusterIP, '10.1.0.9');
  await client.delete(serviceKind, web);
  assert.ok(await client.get(serviceCidrKind, { name: 'more' }), 'somebody keeps an address');
  await client.delete(ipAddressKind, { name: '10.1.0.10' });
  await assert.rejects(client.get(serviceCidrKind, { name: 'more' }), isNotFound);
});

test('one whose addresses another has goes at once', async () => {
  const client = registryOver(freshStore());
  await client.create(serviceCidrKind, range('more', '10.1.0.0/24'));
  await service(client, 'one', '10.1.0.9');
  await client.create(serviceCidrKind, range('wider', '10.1.0.0/16'));
  await client.delete(serviceCidrKind, { name: 'more' });
  await assert.rejects(client.get(serviceCidrKind, { name: 'more' }), isNotFound);
  await client.delete(serviceCidrKind, { name: 'wider' });
  assert.ok(await client.get(serviceCidrKind, { name: 'wider' }));
});

test('an address kept before its range came is not given out, nor after a start', async () => {
  const store = freshStore();
  const kept: IpAddress = {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name: '10.1.0.2' },
    spec: { parentRef: { resource: 'things', name: 'mine' } },
  };
  const client = registryOver(store);
  await client.create(ipAddressKind, kept);
  await client.create(serviceCidrKind, range('more', '10.1.0.0/30', 'fd00::/112'));
  for (const each of [client, registryOver(store)]) {
    await assert.rejects(service(each, 'named', '10.1.0.2'), /already allocated/);
  }
  await client.delete(ipAddressKind, { name: '10.1.0.2' });
  assert.equal(await service(client, 'named', '10.1.0.2'), '10.1.0.2');
});
