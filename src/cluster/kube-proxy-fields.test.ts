/** Field by field over the whole of KubeProxyConfiguration v1alpha1: used, or named with why; of its type, or refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { parseCidr } from '../model/index.ts';
import { ClusterError } from './errors.ts';
import { parseKubeProxyConfig, type KubeProxyConfig } from './kube-proxy-config.ts';
import { kubeProxyFields } from './kube-proxy-fields.ts';

/** The field's value, and what becomes of it: what is read, or why it changes nothing; `with` stands beside it. */
interface Row {
  readonly value: unknown;
  readonly read?: Partial<KubeProxyConfig>;
  readonly note?: RegExp;
  readonly with?: Readonly<Record<string, unknown>>;
}

const duration = { value: '2m', note: /the host's to set/ };

/** In the order of the type itself; kind and apiVersion are those of every row. */
const rows: Readonly<Record<string, Row>> = {
  featureGates: { value: { KubeProxyIPVS: true }, note: /no feature gates/ },
  'clientConnection.kubeconfig': { value: '/k', read: { kubeconfig: '/k' } },
  'clientConnection.acceptContentTypes': { value: 'a/b', note: /by itself/ },
  'clientConnection.contentType': { value: 'a/b', note: /by itself/ },
  'clientConnection.qps': { value: 5.5, note: /by itself/ },
  'clientConnection.burst': { value: 10, note: /by itself/ },
  logging: { value: { format: 'json', verbosity: 2 }, note: /--log-level/ },
  hostnameOverride: { value: 'n', read: { node: 'n' } },
  bindAddress: { value: '0.0.0.0', note: /the families are those/ },
  healthzBindAddress: {
    value: '127.0.0.1:1',
    read: { healthz: { address: '127.0.0.1', port: 1 } },
  },
  metricsBindAddress: { value: '::1', read: { metrics: { address: '::1', port: 10_249 } } },
  bindAddressHardFail: { value: true, note: /tried again/ },
  enableProfiling: { value: true, note: /no profiling/ },
  showHiddenMetricsForVersion: { value: '1.35', note: /no hidden metrics/ },
  mode: { value: 'nftables', note: /--mode/ },
  'iptables.masqueradeBit': { value: 14, note: /iptables mode/ },
  'iptables.masqueradeAll': { value: true, read: { masqueradeAll: true } },
  'iptables.localhostNodePorts': { value: true, note: /iptables mode/ },
  'iptables.syncPeriod': { value: '10s', read: { syncMs: 10_000 } },
  'iptables.minSyncPeriod': { value: '1s', read: { minSyncMs: 1_000 } },
  'ipvs.syncPeriod': { value: '10s', read: { syncMs: 10_000 }, with: { mode: 'ipvs' } },
  'ipvs.minSyncPeriod': { value: '1h', read: { minSyncMs: 3_600_000 }, with: { mode: 'ipvs' } },
  'ipvs.scheduler': { value: 'sh', read: { defaultScheduler: 'sh' } },
  'ipvs.excludeCIDRs': { value: ['10.0.0.0/8'], note: /virtual servers of its own/ },
  'ipvs.strictARP': { value: true, note: /no interface is given/ },
  'ipvs.tcpTimeout': duration,
  'ipvs.tcpFinTimeout': duration,
  'ipvs.udpTimeout': duration,
  'nftables.masqueradeBit': { value: 14, note: /no packet marks/ },
  'nftables.masqueradeAll': {
    value: true,
    read: { masqueradeAll: true },
    with: { mode: 'nftables' },
  },
  'nftables.syncPeriod': { value: '10s', read: { syncMs: 10_000 }, with: { mode: 'nftables' } },
  'nftables.minSyncPeriod': {
    value: '1s',
    read: { minSyncMs: 1_000 },
    with: { mode: 'nftables' },
  },
  winkernel: { value: { networkName: 'n', enableDSR: true }, note: /no Windows host/ },
  detectLocalMode: { value: 'NodeCIDR', read: { localPods: { by: 'node' } } },
  'detectLocal.bridgeInterface': {
    value: 'cni0',
    read: { localPods: { by: 'interface', name: 'cni0' } },
    with: { detectLocalMode: 'BridgeInterface' },
  },
  'detectLocal.interfaceNamePrefix': {
    value: 'veth',
    read: { localPods: { by: 'interface-prefix', prefix: 'veth' } },
    with: { detectLocalMode: 'InterfaceNamePrefix' },
  },
  clusterCIDR: {
    value: '10.244.0.0/16',
    read: { localPods: { by: 'address', ranges: [parseCidr('10.244.0.0/16')!] } },
  },
  nodePortAddresses: { value: ['primary'], read: { nodePortAddresses: ['primary'] } },
  oomScoreAdj: { value: -999, note: /the host's to set/ },
  'conntrack.maxPerCore': { value: 32_768, note: /the host's to set/ },
  'conntrack.min': { value: 131_072, note: /the host's to set/ },
  'conntrack.tcpEstablishedTimeout': duration,
  'conntrack.tcpCloseWaitTimeout': duration,
  'conntrack.tcpBeLiberal': { value: true, note: /the host's to set/ },
  'conntrack.udpTimeout': duration,
  'conntrack.udpStreamTimeout': duration,
  configSyncPeriod: { value: '15m', note: /watches are resumed/ },
  portRange: { value: '1-2', note: /no meaning since/ },
  windowsRunAsService: { value: true, note: /no Windows host/ },
};

function read(fields: Readonly<Record<string, unknown>>): Promise<KubeProxyConfig> {
  const root: Record<string, unknown> = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
  };
  for (const [path, value] of Object.entries(fields)) {
    const [section = '', name] = path.split('.');
    const inside = root[section];
    root[section] =
      name === undefined ? value : { ...(typeof inside === 'object' ? inside : {}), [name]: value };
  }
  return parseKubeProxyConfig({ path: 'config.conf', text: stringify(root) });
}

test('the table has every field, and no other', () => {
  const sections = ['clientConnection', 'conntrack', 'detectLocal', 'iptables', 'ipvs', 'nftables'];
  const known = [...kubeProxyFields.keys()].filter(
    (path) => !sections.includes(path) && path !== 'kind' && path !== 'apiVersion',
  );
  assert.deepEqual(known.toSorted(), Object.keys(rows).toSorted());
});

for (const [path, row] of Object.entries(rows)) {
  test(`${path} is ${row.read === undefined ? 'named with why' : 'used'}`, async () => {
    const around = row.with ?? {};
    // A way to tell Pods is refused without what it needs.
    const { detectLocalMode: _mode, ...plain } = around;
    const { notes: _notes, ...before } = await read(plain);
    const { notes, ...config } = await read({ ...around, [path]: row.value });
    assert.deepEqual(config, { ...before, ...row.read });
    const own = notes.filter(({ field }) => field === path || field.startsWith(`${path}.`));
    assert.equal(own.length > 0, row.note !== undefined, JSON.stringify(notes));
    for (const { note } of own) assert.match(note, row.note ?? /never/);
  });

  test(`${path} of another type is refused`, async () => {
    const wrong = typeof row.value === 'string' ? 7 : 'soon';
    await assert.rejects(read({ ...row.with, [path]: wrong }), (thrown: unknown) => {
      assert.ok(thrown instanceof ClusterError && thrown.code === 'CONFIG_FILE_INVALID');
      assert.ok(thrown.message.includes(`: ${path} is n`), thrown.message);
      assert.ok(thrown.remedy !== undefined);
      return true;
    });
  });
}

const unknown: Readonly<Record<string, RegExp>> = {
  hostNameOverride: /no such field is known; hostnameOverride is/,
  'iptables.syncPeroid': /no such field is known; iptables\.syncPeriod is/,
  'ipvs.schedular': /no such field is known; ipvs\.scheduler is/,
  colour: /^no such field is known$/,
};

for (const [path, says] of Object.entries(unknown)) {
  test(`${path} is no field, and is named`, async () => {
    const { notes } = await read({ [path]: 'x' });
    assert.deepEqual(
      notes.map(({ field }) => field),
      [path],
    );
    assert.match(notes[0]?.note ?? '', says);
  });
}

test('a section that is none, and a value that is one, are refused', async () => {
  await assert.rejects(read({ ipvs: 3 }), /: ipvs is no mapping/);
  await assert.rejects(read({ mode: { ipvs: true } }), /: mode is no text/);
});
