/** Who forwards when nobody says which, and IPv6 through `up` in the kernel. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  answerAt,
  nodePortManifest,
  openKernelHost,
  traces,
  whyNoKernelHost,
} from '../support/kernel-host.ts';

const skip = whyNoKernelHost('nft', 'curl', 'setpriv');

test('`up --mode auto` takes the kernel where it may', { skip }, async (t) => {
  const { sh, begin } = await openKernelHost(t);
  const before = sh(traces);
  const up = begin(['up', '--mode', 'auto', '--ephemeral']);
  assert.doesNotMatch(await up.printed('Ready.'), /Not forwarding in the kernel/);
  assert.match(sh('nft list tables'), /table ip switchyard\ntable ip6 switchyard/);
  up.kill('SIGTERM');
  assert.equal((await up.ended).status, 0);
  assert.equal(sh(traces), before);
});

test('`up --mode auto` uses sockets elsewhere, and says why', { skip }, async (t) => {
  const { sh, begin, switchyard } = await openKernelHost(t);
  const before = sh(traces);
  const up = begin(['up', '--mode', 'auto', '--ephemeral'], 'nobody');
  const said = await up.printed('Ready.');
  assert.match(said, /Not forwarding in the kernel.*nftables.*CAP_NET_ADMIN/);
  const { status } = await switchyard(['get', 'services'], 'nobody');
  assert.equal(status, 0);
  assert.equal(sh(traces), before);
});

test(
  'a Service of IPv6 is forwarded in the kernel, at its address and at the node',
  { skip },
  async (t) => {
    const host = await openKernelHost(t);
    const { sh, begin, switchyard, home } = host;
    const [backend, clusterIP, nodePort] = ['2001:db8::10', 'fd53:7764:a60::20', 30_080];
    sh(`ip addr add ${backend}/128 dev lo nodad`);
    await answerAt(t, host, [
      ['a', backend, 8_080],
      ['b', backend, 8_081],
    ]);
    const objects = nodePortManifest({ addressType: 'IPv6', backend, nodePort, clusterIP });
    const file = join(home, 'web.yaml');
    writeFileSync(file, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
    const before = sh(traces);
    const up = begin(['up', '--mode', 'nftables', '--ephemeral', '-f', file]);
    await up.printed('Ready.');
    for (const at of [`[${clusterIP}]`, `[${backend}]:${nodePort}`]) {
      const asked = sh(`for i in 1 2 3 4; do curl -gsS -m 5 http://${at}; done`);
      assert.equal(asked.split('').toSorted().join(''), 'aabb', at);
    }
    const audit = await switchyard(['audit']);
    assert.deepEqual([audit.stdout, audit.stderr, audit.status], ['', '', 0]);
    up.kill('SIGTERM');
    assert.equal((await up.ended).status, 0);
    assert.equal(sh(traces), before);
  },
);
