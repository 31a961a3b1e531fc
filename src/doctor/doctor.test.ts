/** The checks on this host, a host where everything is wrong, and the lines for resolvers, which are tried in a shell. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { fine, runChecks, type Check } from './check.ts';
import { hostChecks } from './host-checks.ts';
import { adviseResolvers } from './resolver-advice.ts';

test('this host can be looked at, and what is not fine says its cost and remedy', async () => {
  const found = await runChecks(hostChecks, process.platform);
  assert.equal(found.find(({ id }) => id === 'node')?.state, 'fine');
  assert.equal(new Set(found.map(({ id }) => id)).size, found.length);
  for (const { id, state, costs, remedy } of found) {
    const isSaid = costs !== undefined && remedy !== undefined;
    assert.equal(isSaid, state !== 'fine', id);
  }
});

test('a check of another platform is left out, one that fails is a finding', async () => {
  const checks: readonly Check[] = [
    { id: 'a', title: 'A', look: async () => fine('here') },
    { id: 'b', title: 'B', platforms: ['elsewhere'], look: async () => assert.fail('looked') },
    {
      id: 'c',
      title: 'C',
      look: async () => {
        throw new Error('no such file');
      },
    },
  ];
  const found = await runChecks(checks, 'here');
  assert.deepEqual(
    found.map(({ id, state, found: what }) => [id, state, what]),
    [
      ['a', 'fine', 'here'],
      ['c', 'worse', 'cannot be told: no such file'],
    ],
  );
});

const at = (address: string) => ({ zone: 'cluster.local', dns: { address, port: 5353 } });

test('each platform has its resolvers, for the names of the zone only', () => {
  const linux = adviseResolvers(at('127.0.0.1'), 'linux');
  assert.deepEqual(
    linux.map(({ resolver }) => resolver),
    ['systemd-resolved', 'dnsmasq', 'NetworkManager with dns=dnsmasq'],
  );
  const all = [...linux, ...adviseResolvers(at('::1'), 'linux')];
  for (const { apply, undo } of all) {
    assert.match(apply.join(' '), /cluster\.local/);
    assert.ok(undo.length > 0);
  }
  assert.match(adviseResolvers(at('::1'), 'linux')[0]!.apply.join(), /DNS=\[::1\]:5353\\n/);
  assert.deepEqual(
    adviseResolvers(at('127.0.0.1'), 'darwin').map(({ resolver }) => resolver),
    ['dnsmasq', 'macOS'],
  );
  assert.deepEqual(adviseResolvers(at('127.0.0.1'), 'win32'), []);
  const own = { ...at('127.0.0.1'), zone: 'corp.example' };
  for (const platform of ['linux', 'darwin']) {
    const lines = adviseResolvers(own, platform).flatMap(({ apply, undo }) => [...apply, ...undo]);
    assert.doesNotMatch(lines.join(' '), /cluster\.local/);
  }
  const { undo } = adviseResolvers(own, 'darwin').at(-1)!;
  assert.deepEqual(undo, ['sudo rm /etc/resolver/corp.example']);
});

test('the lines write what they say', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-doctor-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'written');
  const written = (resolver: string, platform: string): string => {
    const advice = adviseResolvers(at('127.0.0.1'), platform).find((a) => a.resolver === resolver);
    const line = advice?.apply.find((each) => each.startsWith('printf')) ?? '';
    execFileSync('sh', ['-c', line.replace(/sudo tee \S+/, `tee ${path}`)]);
    return readFileSync(path, 'utf8');
  };
  assert.equal(
    written('systemd-resolved', 'linux'),
    '[Resolve]\nDNS=127.0.0.1:5353\nDomains=~cluster.local\n',
  );
  assert.equal(written('dnsmasq', 'linux'), 'server=/cluster.local/127.0.0.1#5353\n');
  assert.equal(written('macOS', 'darwin'), 'nameserver 127.0.0.1\nport 5353\n');
});
