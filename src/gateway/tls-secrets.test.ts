/** What each Secret that cannot serve is said to lack, by a real watch and real certificates. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createCertificates } from '../apiserver/certificate.ts';
import { secretKind, type Secret } from '../kube/index.ts';
import type { SecretProblem } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { systemClock } from '../sys/index.ts';
import { createTlsSecrets } from './tls-secrets.ts';

const day = 86_400_000;
const made = (nowMs = Date.now()): { readonly cert: string; readonly key: string } =>
  createCertificates({ hosts: ['web.shop'], nowMs }).leaf;
const good = made();
const old = made(Date.now() - 20 * 365 * day);

const cases: Readonly<
  Record<string, { secret: Partial<Secret> | undefined; problem: SecretProblem | undefined }>
> = {
  good: { secret: { data: dataOf(good) }, problem: undefined },
  'not there': { secret: undefined, problem: 'missing' },
  'of another type': { secret: { type: 'Opaque', data: dataOf(good) }, problem: 'missing' },
  'without a key': { secret: { data: { ...dataOf(good), 'tls.key': '' } }, problem: 'incomplete' },
  'cut PEM': {
    secret: { data: dataOf({ ...good, cert: good.cert.slice(0, 200) }) },
    problem: 'unreadable',
  },
  'a key in DER': {
    secret: { data: { ...dataOf(good), 'tls.key': 'MIIB' } },
    problem: 'unreadable',
  },
  "another's key": { secret: { data: dataOf({ ...good, key: old.key }) }, problem: 'key-mismatch' },
  expired: { secret: { data: dataOf(old) }, problem: 'expired' },
};

function dataOf({
  cert,
  key,
}: {
  readonly cert: string;
  readonly key: string;
}): NonNullable<Secret['data']> {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  return { 'tls.crt': base64(cert), 'tls.key': base64(key) };
}

for (const [what, { secret, problem }] of Object.entries(cases)) {
  test(`a Secret that is ${what}: ${problem ?? 'serves'}`, async (t) => {
    let uids = 0;
    const client = createMemoryStore({ clock: systemClock, newUid: () => `uid-${++uids}` });
    const metadata = { namespace: 'shop', name: 'web-tls' };
    const head = { apiVersion: 'v1', kind: 'Secret', type: 'kubernetes.io/tls', metadata };
    if (secret !== undefined) await client.create(secretKind, { ...head, ...secret });
    const common = { clock: systemClock, random: Math.random, log: silentLogger };
    const secrets = createTlsSecrets({ ...common, client, changed: () => undefined });
    t.after(() => secrets.stop());
    await secrets.start(AbortSignal.timeout(10_000));
    assert.equal(secrets.problem('shop/web-tls'), problem);
    // One whose time is over is served: a client that does not check goes on, one that does says so itself.
    const serves = problem === undefined || problem === 'expired';
    assert.equal(secrets.identity('shop/web-tls') !== undefined, serves);
  });
}
