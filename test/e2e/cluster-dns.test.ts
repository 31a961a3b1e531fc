/** `switchyard dns` alone, against the API of another Switchyard: names follow its objects, and outlive it. */
import assert from 'node:assert/strict';
import { Resolver } from 'node:dns/promises';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { emptyHome, start, temporaryFolder } from '../support/program.ts';
import { startApi } from '../support/api.ts';
import { root } from '../support/tree.ts';
import { serviceKind } from '../../src/kube/index.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';

test('dns alone: answers, follows, and goes on without the API', { skip: linux }, async (t) => {
  const api = await startApi();
  let stopped = false;
  const stopApi = async (): Promise<void> => {
    if (!stopped) await api.stop();
    stopped = true;
  };
  t.after(stopApi);
  const service = (name: string, clusterIP: string): Promise<unknown> =>
    api.registry.create(serviceKind, {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name, namespace: 'default' },
      spec: { clusterIP, ports: [{ port: 80 }] },
    });
  await service('web', '10.96.0.50');
  const folder = temporaryFolder(t);
  const command = ['./switchyard', 'dns', '--kubeconfig', api.kubeconfig];
  const places = ['--listen', '127.0.0.214:0', '--metrics', '127.0.0.214:0'];
  const options = { cwd: root, env: emptyHome(folder) };
  const state = ['--state-dir', join(folder, 'state')];
  const dns = start(t, [...command, ...places, ...state], options);
  const text = await dns.printed('Ready');
  const at = /answered at (127\.0\.0\.214:[0-9]+)\n/.exec(text)?.[1];
  const pages = /at (http:\/\/127\.0\.0\.214:[0-9]+)\/metrics/.exec(text)?.[1];
  assert.ok(at !== undefined && pages !== undefined, text);
  const resolver = new Resolver({ timeout: 2_000, tries: 1 });
  resolver.setServers([at]);
  const web = 'web.default.svc.cluster.local';
  assert.deepEqual(await resolver.resolve4(web), ['10.96.0.50']);
  assert.equal(await (await fetch(`${pages}/ready`)).text(), 'OK\n');
  assert.match(await (await fetch(`${pages}/metrics`)).text(), /^coredns_dns_requests_total/m);
  await service('shop', '10.96.0.51');
  const shop = 'shop.default.svc.cluster.local';
  const deadline = Date.now() + 10_000;
  for (;;) {
    const found = await resolver.resolve4(shop).catch(() => []);
    if (found[0] === '10.96.0.51') break;
    assert.ok(Date.now() < deadline, 'the new Service has no name');
  }
  await stopApi();
  assert.deepEqual(await resolver.resolve4(web), ['10.96.0.50']);
  dns.kill('SIGTERM');
  assert.equal((await dns.ended).status, 0);
  const again = start(
    t,
    [...command.slice(0, 2), '--kubeconfig', join(folder, 'kubeconfig')],
    options,
  );
  const ended = await again.ended;
  assert.equal(ended.status, 2, ended.stderr);
  assert.match(ended.stderr, /kubeconfig/);
});
