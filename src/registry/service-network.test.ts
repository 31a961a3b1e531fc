/** Two families, and what is seen of the addresses given out: IPAddresses, the ServiceCIDR, hand-made Endpoints. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ApiError,
  endpointsKind,
  ipAddressKind,
  isNotFound,
  serviceCidrKind,
  serviceKind,
  type Endpoints,
  type IpAddress,
  type ObjectClient,
  type Service,
  type ServiceCidr,
  type ServiceSpec,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createRegistry } from './registry.ts';

function freshStore(): ObjectClient {
  let uids = 0;
  return createMemoryStore({ clock: createFakeClock(), newUid: () => `uid-${uids++}` });
}

function registryOver(
  store: ObjectClient,
  secondary: string | undefined = 'fd00:96::/112',
): ObjectClient {
  return createRegistry({
    store,
    random: () => 0.5,
    serviceRange: parseCidr('10.96.0.0/16')!,
    secondaryServiceRange: secondary === undefined ? undefined : parseCidr(secondary)!,
    allowLoopbackEndpoints: false,
  });
}

const place = { namespace: 'default', name: 'web' };

function service(spec: ServiceSpec): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: place,
    spec: { ports: [{ port: 80 }], ...spec },
  };
}

const isV4 = (address = ''): boolean => address.startsWith('10.96.');
const isV6 = (address = ''): boolean => address.startsWith('fd00:96::');
const families = ({ spec }: Service): unknown => [
  spec?.ipFamilyPolicy,
  spec?.ipFamilies,
  spec?.clusterIPs?.map((ip) => (isV4(ip) ? 'v4' : isV6(ip) ? 'v6' : ip)),
];

const made: Readonly<Record<string, { spec: ServiceSpec; want: unknown }>> = {
  'nothing said: the first family': { spec: {}, want: ['SingleStack', ['IPv4'], ['v4']] },
  'PreferDualStack takes both': {
    spec: { ipFamilyPolicy: 'PreferDualStack' },
    want: ['PreferDualStack', ['IPv4', 'IPv6'], ['v4', 'v6']],
  },
  'RequireDualStack, IPv6 first': {
    spec: { ipFamilyPolicy: 'RequireDualStack', ipFamilies: ['IPv6'] },
    want: ['RequireDualStack', ['IPv6', 'IPv4'], ['v6', 'v4']],
  },
  'the second family alone': {
    spec: { ipFamilies: ['IPv6'] },
    want: ['SingleStack', ['IPv6'], ['v6']],
  },
  'a named address says the family, the other is given': {
    spec: { clusterIP: 'fd00:96::7', ipFamilyPolicy: 'PreferDualStack' },
    want: ['PreferDualStack', ['IPv6', 'IPv4'], ['v6', 'v4']],
  },
  'headless with a selector': {
    spec: { clusterIP: 'None', selector: { a: 'b' }, ipFamilyPolicy: 'PreferDualStack' },
    want: ['PreferDualStack', ['IPv4', 'IPv6'], ['None']],
  },
  'headless with a selector, nothing said': {
    spec: { clusterIP: 'None', selector: { a: 'b' } },
    want: ['SingleStack', ['IPv4'], ['None']],
  },
  'headless without a selector': {
    spec: { clusterIP: 'None' },
    want: ['RequireDualStack', ['IPv4', 'IPv6'], ['None']],
  },
  ExternalName: {
    spec: { type: 'ExternalName', externalName: 'example.com' },
    want: [undefined, undefined, undefined],
  },
};
for (const [name, { spec, want }] of Object.entries(made)) {
  test(`two families: ${name}`, async () => {
    const found = await registryOver(freshStore()).create(serviceKind, service(spec));
    assert.deepEqual(families(found), want);
    assert.equal(found.spec?.clusterIP, found.spec?.clusterIPs?.[0]);
  });
}

interface Change {
  readonly from: ServiceSpec;
  readonly patch: object;
  /** What comes of it, or the refusal. */
  readonly want: unknown;
}
const dual: ServiceSpec = { ipFamilyPolicy: 'PreferDualStack' };
const changes: Readonly<Record<string, Change>> = {
  'an upgrade adds the second address': {
    from: {},
    patch: { spec: { ipFamilyPolicy: 'PreferDualStack' } },
    want: ['PreferDualStack', ['IPv4', 'IPv6'], ['v4', 'v6']],
  },
  'SingleStack is enough to lose the second': {
    from: dual,
    patch: { spec: { ipFamilyPolicy: 'SingleStack' } },
    want: ['SingleStack', ['IPv4'], ['v4']],
  },
  'the second cannot go while the policy keeps it': {
    from: dual,
    patch: { spec: { ipFamilies: ['IPv4'] } },
    want: `Service "web" is invalid: spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be set to 'SingleStack' when removing secondary ipFamily`,
  },
  'the first family stays for life': {
    from: dual,
    patch: { spec: { ipFamilies: ['IPv6', 'IPv4'] } },
    want: /spec\.ipFamilies\[0\]: Invalid value: "IPv6": may not change once set/,
  },
  'the second address stays while it is there': {
    from: dual,
    patch: { spec: { clusterIPs: ['10.96.5.5', 'fd00:96::5'], clusterIP: '10.96.5.5' } },
    want: /spec\.clusterIPs\[0\]: Invalid value: \["10\.96\.5\.5","fd00:96::5"\]: may not change once set/,
  },
  'a second address needs the policy': {
    from: { clusterIP: '10.96.5.5' },
    patch: { spec: { clusterIPs: ['10.96.5.5', 'fd00:96::5'] } },
    want: /must be set to 'RequireDualStack' or 'PreferDualStack' when adding a secondary clusterIP/,
  },
  'ExternalName gives all back': {
    from: dual,
    patch: { spec: { type: 'ExternalName', externalName: 'example.com' } },
    want: [undefined, undefined, undefined],
  },
};
for (const [name, { from, patch, want }] of Object.entries(changes)) {
  test(`change: ${name}`, async () => {
    const client = registryOver(freshStore());
    await client.create(serviceKind, service(from));
    const changing = client.patch(serviceKind, place, { ...patch });
    if (Array.isArray(want)) assert.deepEqual(families(await changing), want);
    else await assert.rejects(changing, { message: want as string | RegExp });
    // Whatever came of it: every address given out has its IPAddress, and no other has one.
    const stored = await client.get(serviceKind, place);
    const held = (await client.list(ipAddressKind)).items.map(({ metadata }) => metadata.name);
    assert.deepEqual(held.toSorted(), [...(stored.spec?.clusterIPs ?? [])].toSorted());
  });
}

test('one family cannot give two', async () => {
  const client = createRegistry({
    store: freshStore(),
    random: () => 0.5,
    serviceRange: parseCidr('10.96.0.0/16')!,
    allowLoopbackEndpoints: false,
  });
  const refusals: Readonly<Record<string, ServiceSpec>> = {
    'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services':
      { ipFamilyPolicy: 'RequireDualStack' },
    'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster': {
      ipFamilies: ['IPv6'],
    },
    'spec.clusterIPs[0]: Invalid value: ["fd00::1"]: IPv6 is not configured on this cluster': {
      clusterIP: 'fd00::1',
    },
  };
  for (const [why, spec] of Object.entries(refusals)) {
    await assert.rejects(client.create(serviceKind, service(spec)), {
      message: `Service "web" is invalid: ${why}`,
    });
  }
  const preferred = await client.create(serviceKind, service(dual));
  assert.deepEqual(families(preferred), ['PreferDualStack', ['IPv4'], ['v4']]);
});

test('a Service that prefers both is not changed because the instance has both now', async () => {
  const store = freshStore();
  const single = createRegistry({
    store,
    random: () => 0.5,
    serviceRange: parseCidr('10.96.0.0/16')!,
    allowLoopbackEndpoints: false,
  });
  await single.create(serviceKind, service(dual));
  const both = registryOver(store);
  const label = { metadata: { labels: { a: 'b' } } };
  const labelled = await both.patch(serviceKind, place, label);
  assert.deepEqual(families(labelled), ['PreferDualStack', ['IPv4'], ['v4']]);
  const asked = { spec: { ipFamilyPolicy: 'RequireDualStack' } };
  assert.deepEqual(families(await both.patch(serviceKind, place, asked)), [
    'RequireDualStack',
    ['IPv4', 'IPv6'],
    ['v4', 'v6'],
  ]);
});

test('an IPAddress says who holds it, comes with the Service and goes with it', async () => {
  const client = registryOver(freshStore());
  const { spec } = await client.create(serviceKind, service({ clusterIP: '10.96.0.9' }));
  const address = await client.get(ipAddressKind, { name: spec?.clusterIP ?? '' });
  assert.deepEqual(address.metadata.labels, {
    'ipaddress.kubernetes.io/ip-family': 'IPv4',
    'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
  });
  assert.deepEqual(address.spec?.parentRef, {
    group: '',
    resource: 'services',
    namespace: 'default',
    name: 'web',
  });
  // Who deletes it does not free the address: it is back at once.
  await client.delete(ipAddressKind, { name: '10.96.0.9' });
  const back = await client.get(ipAddressKind, { name: '10.96.0.9' });
  assert.notEqual(back.metadata.uid, address.metadata.uid);
  await client.delete(serviceKind, place);
  await assert.rejects(client.get(ipAddressKind, { name: '10.96.0.9' }), isNotFound);
});

function keptAddress(name: string): IpAddress {
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'IPAddress',
    metadata: { name },
    spec: { parentRef: { resource: 'gateways', name: 'mine' } },
  };
}

test('an address that somebody keeps is not given to Services, after a restart either', async () => {
  const store = freshStore();
  const client = registryOver(store);
  await client.create(ipAddressKind, keptAddress('10.96.0.9'));
  const taken = /failed to allocate IP 10\.96\.0\.9: provided IP is already allocated/;
  const wanted = service({ clusterIP: '10.96.0.9' });
  await assert.rejects(client.create(serviceKind, wanted), { message: taken });
  await assert.rejects(registryOver(store).create(serviceKind, wanted), { message: taken });
  await client.delete(ipAddressKind, { name: '10.96.0.9' });
  await client.create(serviceKind, wanted);
});

test('IPAddresses of Services that went while nobody looked go at the next start', async () => {
  const store = freshStore();
  await registryOver(store).create(serviceKind, service({ clusterIP: '10.96.0.9' }));
  await store.delete(serviceKind, place);
  const { items } = await registryOver(store).list(ipAddressKind);
  assert.deepEqual(items, []);
});

const badAddresses: Readonly<Record<string, string>> = {
  '010.96.0.9':
    'metadata.name: Invalid value: "010.96.0.9": ParseAddr("010.96.0.9"): unable to parse IP',
  'fd00:96:0::1':
    'metadata.name: Invalid value: "fd00:96:0::1": must be a canonical format IP address',
};
for (const [name, why] of Object.entries(badAddresses)) {
  test(`IPAddress: ${name}`, async () => {
    await assert.rejects(registryOver(freshStore()).create(ipAddressKind, keptAddress(name)), {
      message: `IPAddress.networking.k8s.io "${name}" is invalid: ${why}`,
    });
  });
}

test('the ServiceCIDR is there, cannot shrink, and stays when it is deleted', async () => {
  const client = registryOver(freshStore());
  const name = { name: 'kubernetes' };
  const range = await client.get(serviceCidrKind, name);
  assert.deepEqual(range.spec?.cidrs, ['10.96.0.0/16', 'fd00:96::/112']);
  assert.equal(range.status?.conditions?.[0]?.status, 'True');
  await assert.rejects(client.patch(serviceCidrKind, name, { spec: { cidrs: ['10.97.0.0/16'] } }), {
    message: /spec\.cidrs\[0\]: Invalid value: "10\.97\.0\.0\/16": field is immutable/,
  });
  await client.delete(serviceCidrKind, name);
  const leaving = await client.get(serviceCidrKind, name);
  assert.notEqual(leaving.metadata.deletionTimestamp, undefined);
  assert.match(leaving.status?.conditions?.[0]?.message ?? '', /still IPAddresses referencing/);
});

test('a ServiceCIDR beside it is checked by the rules of the server', async () => {
  const client = registryOver(freshStore());
  const more = (cidrs: readonly string[]): ServiceCidr => ({
    apiVersion: 'networking.k8s.io/v1',
    kind: 'ServiceCIDR',
    metadata: { name: 'more' },
    spec: { cidrs },
  });
  const refused: Readonly<Record<string, readonly string[]>> = {
    'spec.cidrs: Required value: at least one CIDR required': [],
    'spec.cidrs[0]: Invalid value: "10.1.2.3/16": must be in canonical form ("10.1.0.0/16")': [
      '10.1.2.3/16',
    ],
    'spec.cidrs[0]: Invalid value: "ten": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)':
      ['ten'],
  };
  for (const [why, cidrs] of Object.entries(refused)) {
    await assert.rejects(client.create(serviceCidrKind, more(cidrs)), (thrown) => {
      assert.ok(thrown instanceof ApiError);
      assert.equal(thrown.message, `ServiceCIDR.networking.k8s.io "more" is invalid: ${why}`);
      return true;
    });
  }
});

const badEndpoints: Readonly<Record<string, { subsets: Endpoints['subsets']; want: string }>> = {
  'no address': {
    subsets: [{ ports: [{ port: 80 }] }],
    want: 'subsets[0]: Required value: must specify `addresses` or `notReadyAddresses`',
  },
  'a loopback address': {
    subsets: [{ addresses: [{ ip: '127.0.0.1' }] }],
    want: 'subsets[0].addresses[0].ip: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
  },
  'two ports without names': {
    subsets: [
      { notReadyAddresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }, { port: 0, name: 'b' }] },
    ],
    want: '[subsets[0].ports[0].name: Required value, subsets[0].ports[1].port: Invalid value: 0: must be between 1 and 65535, inclusive]',
  },
};
for (const [name, { subsets, want }] of Object.entries(badEndpoints)) {
  test(`Endpoints: ${name}`, async () => {
    const client = registryOver(freshStore());
    const endpoints: Endpoints = {
      apiVersion: 'v1',
      kind: 'Endpoints',
      metadata: place,
      ...(subsets === undefined ? {} : { subsets }),
    };
    await assert.rejects(client.create(endpointsKind, endpoints), {
      message: `Endpoints "web" is invalid: ${want}`,
    });
  });
}

test('Endpoints get their protocol', async () => {
  const endpoints: Endpoints = {
    apiVersion: 'v1',
    kind: 'Endpoints',
    metadata: place,
    subsets: [{ addresses: [{ ip: '10.0.0.1' }], ports: [{ port: 80 }] }],
  };
  const made = await registryOver(freshStore()).create(endpointsKind, endpoints);
  assert.deepEqual(made.subsets?.[0]?.ports, [{ protocol: 'TCP', port: 80 }]);
});
