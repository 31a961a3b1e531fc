/** Certificates and token are made once, kept for this user alone, and made anew when they no longer serve. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { loadCredentials } from './credentials.ts';

const nowMs = Date.UTC(2026, 0, 1);
const hosts = ['localhost', '127.0.0.1', '::1', '10.96.0.1'];

function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-credentials-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

test('the leaf is signed by the authority, for all names and addresses, and for servers', async (t) => {
  const { caCert, cert } = await loadCredentials({ folder: temporaryFolder(t), hosts, nowMs });
  const ca = new X509Certificate(caCert);
  const leaf = new X509Certificate(cert);
  assert.ok(ca.ca && !leaf.ca);
  assert.ok(leaf.verify(ca.publicKey) && leaf.checkIssued(ca));
  assert.ok(leaf.checkHost('localhost'));
  for (const address of ['127.0.0.1', '::1', '10.96.0.1'])
    assert.ok(leaf.checkIP(address), address);
  assert.equal(leaf.checkIP('10.96.0.2'), undefined);
});

test('they are kept, readable by this user alone', async (t) => {
  const folder = temporaryFolder(t);
  const first = await loadCredentials({ folder, hosts, nowMs });
  assert.deepEqual(await loadCredentials({ folder, hosts, nowMs }), first);
  for (const name of ['ca.crt', 'server.crt', 'server.key', 'token']) {
    assert.equal(statSync(join(folder, 'api', name)).mode & 0o777, 0o600, name);
  }
});

test('new names, an end that is near and damage make new certificates, and keep the token', async (t) => {
  const folder = temporaryFolder(t);
  const first = await loadCredentials({ folder, hosts, nowMs });
  const named = await loadCredentials({ folder, hosts: [...hosts, '10.96.0.9'], nowMs });
  assert.notEqual(named.cert, first.cert);
  assert.equal(named.token, first.token);
  const later = await loadCredentials({ folder, hosts, nowMs: nowMs + 3_640 * 86_400_000 });
  assert.notEqual(later.cert, named.cert);
  writeFileSync(join(folder, 'api', 'server.crt'), 'no certificate');
  const mended = await loadCredentials({ folder, hosts, nowMs });
  assert.ok(new X509Certificate(mended.cert).verify(new X509Certificate(mended.caCert).publicKey));
  assert.equal(mended.token, first.token);
});
