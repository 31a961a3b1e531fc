/** kube-proxy's configuration as it is: what is taken, what is named, what is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { parseCidr } from '../model/index.ts';
import { ClusterError } from './errors.ts';
import { parseKubeProxyConfig } from './kube-proxy-config.ts';

const head = 'apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\n';
const read = (body: string): ReturnType<typeof parseKubeProxyConfig> =>
  parseKubeProxyConfig({ path: 'config.conf', text: head + body });

/** As kubeadm writes it, with a few values set. */
const kubeadm = `
bindAddress: 0.0.0.0
bindAddressHardFail: false
clientConnection:
  acceptContentTypes: ""
  burst: 0
  contentType: ""
  kubeconfig: /var/lib/kube-proxy/kubeconfig.conf
  qps: 0
clusterCIDR: 10.244.0.0/16
configSyncPeriod: 0s
conntrack:
  maxPerCore: null
  min: 131072
detectLocal:
  bridgeInterface: ""
detectLocalMode: ""
healthzBindAddress: ""
hostnameOverride: node-7
iptables:
  masqueradeAll: true
  syncPeriod: 10s
ipvs:
  minSyncPeriod: 1m0.5s
  scheduler: lc
  strictARP: true
  syncPeriod: 30s
metricsBindAddress: 0.0.0.0
mode: ipvs
nodePortAddresses:
- 192.0.2.0/24
colour: blue
`;

test('what is taken, and what changes nothing is named with why', async () => {
  const { notes, ...config } = await read(kubeadm);
  assert.deepEqual(config, {
    kubeconfig: '/var/lib/kube-proxy/kubeconfig.conf',
    node: 'node-7',
    nodePortAddresses: ['192.0.2.0/24'],
    healthz: undefined,
    metrics: { address: '0.0.0.0', port: 10_249 },
    defaultScheduler: 'lc',
    minSyncMs: 60_500,
    syncMs: 30_000,
    // kube-proxy reads that of iptables here.
    masqueradeAll: true,
    localPods: { by: 'address', ranges: [parseCidr('10.244.0.0/16')] },
  });
  const byField = Object.fromEntries(notes.map(({ field, note }) => [field, note]));
  assert.deepEqual(
    Object.keys(byField).toSorted(),
    [
      'bindAddress',
      'bindAddressHardFail',
      'clientConnection.burst',
      'clientConnection.qps',
      'configSyncPeriod',
      'conntrack.min',
      'colour',
      'iptables.syncPeriod',
      'ipvs.strictARP',
      'mode',
    ].toSorted(),
  );
  assert.equal(byField['colour'], 'no such field is known');
  assert.equal(byField['iptables.syncPeriod'], 'the mode is ipvs');
  assert.match(byField['ipvs.strictARP'] ?? '', /no interface/);
});

const refused: Readonly<Record<string, readonly [body: string, says: RegExp]>> = {
  'a scheduler nobody knows': ['ipvs: {scheduler: best}', /ipvs\.scheduler is no scheduler: best/],
  'an address that is none': ['metricsBindAddress: here', /metricsBindAddress is no ADDRESS:PORT/],
  'a duration that is none': [
    'iptables: {syncPeriod: soon}',
    /iptables\.syncPeriod is no duration/,
  ],
  'a range of Pods that is none': ['clusterCIDR: 10.244.0.0', /clusterCIDR is no list of CIDRs/],
  'CIDRs that are none': ['nodePortAddresses: [10.0.0.300/8]', /nodePortAddresses/],
  'text that is none': ['hostnameOverride: [a]', /hostnameOverride is no text/],
  'a way to tell Pods that is none': [
    'detectLocalMode: NodeCidr',
    /detectLocalMode is none of ClusterCIDR, NodeCIDR, .*: NodeCidr/,
  ],
  'a bridge without a name': [
    'detectLocalMode: BridgeInterface',
    /detectLocal\.bridgeInterface is empty, and detectLocalMode BridgeInterface needs it/,
  ],
  'the beginning of an interface without one': [
    'detectLocalMode: InterfaceNamePrefix',
    /detectLocal\.interfaceNamePrefix is empty/,
  ],
  'no YAML': ['a: [', /Cannot use the configuration config\.conf/],
};

for (const [name, [body, says]] of Object.entries(refused)) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(read(body), (thrown: unknown) => {
      assert.ok(thrown instanceof ClusterError && thrown.code === 'CONFIG_FILE_INVALID');
      assert.match(thrown.message, says);
      return true;
    });
  });
}

const detected: Readonly<
  Record<string, readonly [body: string, expected: unknown, notes: readonly string[]]>
> = {
  'by nothing': ['detectLocalMode: ""', undefined, []],
  'by ranges of both families': [
    'detectLocalMode: ClusterCIDR\nclusterCIDR: 10.244.0.0/16, fd00::/48',
    { by: 'address', ranges: [parseCidr('10.244.0.0/16'), parseCidr('fd00::/48')] },
    [],
  ],
  'by a bridge': [
    'detectLocalMode: BridgeInterface\nclusterCIDR: 10.1.0.0/16\ndetectLocal: {bridgeInterface: cni0}',
    { by: 'interface', name: 'cni0' },
    ['clusterCIDR'],
  ],
  'by the beginning of an interface': [
    'detectLocalMode: InterfaceNamePrefix\ndetectLocal: {interfaceNamePrefix: cali}',
    { by: 'interface-prefix', prefix: 'cali' },
    [],
  ],
  "by the Node's own range": [
    'detectLocalMode: NodeCIDR\nclusterCIDR: 10.1.0.0/16',
    { by: 'node' },
    ['clusterCIDR'],
  ],
};

for (const [how, [body, expected, named]] of Object.entries(detected)) {
  test(`local Pods are told ${how}`, async () => {
    const { localPods, notes } = await read(body);
    assert.deepEqual(localPods, expected);
    assert.deepEqual(notes.map(({ field }) => field).toSorted(), named.toSorted());
  });
}

test('another kind of file is refused', async () => {
  const text = 'apiVersion: v1\nkind: ConfigMap\n';
  await assert.rejects(parseKubeProxyConfig({ path: 'x', text }), { code: 'CONFIG_FILE_INVALID' });
});

test('any text is read or refused', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.json().map((json) => head + json),
      ),
      async (text) => {
        try {
          await parseKubeProxyConfig({ path: 'x', text });
        } catch (thrown) {
          assert.ok(thrown instanceof ClusterError, String(thrown));
        }
      },
    ),
    { numRuns: 300 },
  );
});
