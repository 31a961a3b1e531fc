/** Flags come before the KubeProxyConfiguration, and that before kube-proxy's defaults: setting by setting. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ProxyRunOptions } from '../cli/index.ts';
import { proxySettings, type ProxySettings } from './proxy-settings.ts';

const text = `apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
clientConnection: {kubeconfig: /from/file}
hostnameOverride: Node-File
healthzBindAddress: 127.0.0.1:1
metricsBindAddress: 127.0.0.1:2
nodePortAddresses: [192.0.2.0/24]
ipvs: {scheduler: lc}
iptables: {syncPeriod: 7s, minSyncPeriod: 2s, masqueradeAll: true}
detectLocalMode: NodeCIDR
`;

const flags: Partial<ProxyRunOptions> = {
  kubeconfig: '/from/flag',
  node: 'node-flag',
  healthz: { address: '127.0.0.1', port: 3 },
  metrics: 'none',
  nodePortAddresses: ['198.51.100.0/24'],
  defaultScheduler: 'sh',
};

async function settings(options: Partial<ProxyRunOptions>): Promise<ProxySettings> {
  return await proxySettings({ requests: false, ...options } as ProxyRunOptions);
}

test('flags, file, defaults', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-settings-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const config = join(folder, 'config.conf');
  writeFileSync(config, text);
  const { notes: _notes, ...fromFile } = await settings({ config });
  const common = {
    minSyncMs: 2_000,
    syncMs: 7_000,
    masqueradeAll: true,
    localPods: { by: 'node' },
    requests: false,
  };
  assert.deepEqual(fromFile, {
    ...common,
    kubeconfig: '/from/file',
    // As kubelet names Nodes.
    node: 'node-file',
    healthz: { address: '127.0.0.1', port: 1 },
    metrics: { address: '127.0.0.1', port: 2 },
    nodePortAddresses: ['192.0.2.0/24'],
    defaultScheduler: 'lc',
  });
  const { notes: _same, ...fromFlags } = await settings({ config, ...flags });
  assert.deepEqual(fromFlags, { ...common, ...flags, metrics: undefined });
  const plain = await settings({});
  assert.deepEqual(plain.healthz, { address: '0.0.0.0', port: 10_256 });
  assert.deepEqual(plain.metrics, { address: '127.0.0.1', port: 10_249 });
  assert.equal(plain.syncMs, 30_000);
  assert.deepEqual(plain.notes, []);
});
