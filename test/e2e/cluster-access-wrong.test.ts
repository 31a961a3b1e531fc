/** What a kubeconfig names and what does not work: who asks is told what is wrong and what to do, over real sockets. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { openAccess } from '../../src/cluster/index.ts';
import { ApiError, namespaceKind } from '../../src/kube/index.ts';
import { createFakeClock, systemClock } from '../../src/sys/index.ts';
import { connectProxy } from '../support/proxies.ts';
import {
  byCertificate,
  client,
  clientOfOld,
  connected,
  data,
  given,
  kubeconfig,
  named,
  podAt,
  right,
  scene,
  serverOfOld,
  trusted,
  withCluster,
  type Options,
  type Scene,
  type Way,
} from '../support/ways-in.ts';

withCluster();

interface Refusal {
  readonly way: Way;
  readonly code: 'ServiceUnavailable' | 'Unauthorized';
  readonly says: RegExp;
  readonly remedy: RegExp;
}

const wrong: Readonly<
  Record<string, readonly [Options, (at: Scene) => Refusal | Promise<Refusal>]>
> = {
  'another authority': [
    { own: named },
    () => ({
      way: { cluster: trusted, user: right },
      code: 'ServiceUnavailable',
      says: /Cannot reach https:\/\/127\.0\.0\.214:\d+: .*(signature|issuer|certificate)/i,
      remedy: /certificate authority/,
    }),
  ],
  "a server's certificate for another name": [
    { own: named },
    () => ({
      way: {
        cluster: { 'certificate-authority-data': data(named.ca.cert) },
        user: right,
      },
      code: 'ServiceUnavailable',
      says: /127\.0\.0\.214 is not in the cert|does not match/,
      remedy: /the name the certificate is for/,
    }),
  ],
  "a server's certificate that has expired": [
    { own: serverOfOld },
    () => ({
      way: {
        cluster: { 'certificate-authority-data': data(serverOfOld.ca.cert) },
        user: right,
      },
      code: 'ServiceUnavailable',
      says: /expired/,
      remedy: /certificate/,
    }),
  ],
  "a client's certificate that has expired": [
    { admits: byCertificate, clientCa: clientOfOld.cert },
    () => ({
      way: {
        cluster: trusted,
        user: {
          'client-certificate-data': data(clientOfOld.cert),
          'client-key-data': data(clientOfOld.key),
        },
      },
      code: 'Unauthorized',
      says: /Unauthorized/,
      remedy: /Renew the credentials/,
    }),
  ],
  'a certificate that is none': [
    {},
    () => ({
      way: {
        cluster: trusted,
        user: { 'client-certificate-data': data('none'), 'client-key-data': data('none') },
      },
      code: 'ServiceUnavailable',
      says: /client-certificate is not PEM/,
      remedy: /each in PEM/,
    }),
  ],
  "a certificate with another's key": [
    {},
    () => ({
      way: {
        cluster: trusted,
        user: {
          'client-certificate-data': data(client.cert),
          'client-key-data': data(clientOfOld.key),
        },
      },
      code: 'ServiceUnavailable',
      says: /client-key is not the key of client-certificate/,
      remedy: /each in PEM/,
    }),
  ],
  'a token that has expired for good': [
    {},
    () => ({
      way: { cluster: trusted, user: { token: 'old' } },
      code: 'Unauthorized',
      says: /Unauthorized/,
      remedy: /Renew the credentials/,
    }),
  ],
  'a file that is not there': [
    {},
    ({ folder }) => ({
      way: { cluster: trusted, user: { tokenFile: 'gone' } },
      code: 'ServiceUnavailable',
      says: new RegExp(`${folder}/gone`),
      remedy: /make it readable/,
    }),
  ],
  'a program that is not there': [
    {},
    () => ({
      way: {
        cluster: trusted,
        user: {
          exec: {
            apiVersion: 'client.authentication.k8s.io/v1',
            command: 'no-such-login',
            installHint: 'Install it with: pkg add login',
          },
        },
      },
      code: 'ServiceUnavailable',
      says: /by the program no-such-login: there is no such program/,
      remedy: /pkg add login/,
    }),
  ],
  ...Object.fromEntries(
    (
      [
        ['prints rubbish', 'echo Hello', /no ExecCredential/],
        ['prints another object', 'echo "{}"', /no ExecCredential/],
        ['prints null', 'echo null', /neither a token nor a certificate/],
        ['gives nothing', given({}), /neither a token nor a certificate/],
        ['fails and says why', 'echo log in first >&2; exit 1', /log in first/],
        ['fails and says nothing', 'exit 3', /it failed, and said nothing/],
      ] as const
    ).map(([what, body, says]) => [
      `a program that ${what}`,
      [
        {},
        ({ program }: Scene): Refusal => ({
          way: { cluster: trusted, user: { exec: program(body).exec } },
          code: 'ServiceUnavailable',
          says,
          remedy: /Run the program that the kubeconfig names by hand/,
        }),
      ] as const,
    ]),
  ),
  'a proxy that is not there': [
    {},
    () => ({
      way: {
        cluster: { ...trusted, 'proxy-url': 'http://me:secret@127.0.0.213:9' },
        user: right,
      },
      code: 'ServiceUnavailable',
      says: /through the proxy http:\/\/127\.0\.0\.213:9$/,
      remedy: /reaches it/,
    }),
  ],
  'a proxy that refuses': [
    {},
    async ({ t }) => {
      const { url } = await connectProxy(t, 407);
      return {
        way: { cluster: { ...trusted, 'proxy-url': url }, user: right },
        code: 'ServiceUnavailable',
        says: new RegExp(`407.*through the proxy ${url}$`),
        remedy: /reaches it/,
      };
    },
  ],
};

for (const [name, [options, refusalOf]] of Object.entries(wrong)) {
  test(`told what is wrong: ${name}`, { timeout: 60_000 }, async (t) => {
    const at = await scene(t, options);
    const { way, code, says, remedy } = await refusalOf(at);
    const { client: cluster, dialer } = await connected(at, kubeconfig(at, way));
    for (const asked of [cluster.list(namespaceKind), dialer.open(podAt())]) {
      await assert.rejects(asked, (thrown: unknown) => {
        assert.ok(thrown instanceof ApiError, String(thrown));
        assert.equal(thrown.code, code, thrown.message);
        assert.match(thrown.message, says);
        assert.match(thrown.remedy ?? '', remedy);
        return true;
      });
    }
  });
}

test('a program that never ends is not waited for', async (t) => {
  const at = await scene(t);
  const { exec, asked: started } = at.program('echo $$ > "$(dirname "$0")/pid"; exec sleep 600');
  const clock = createFakeClock();
  const config = kubeconfig(at, { cluster: trusted, user: { exec } });
  const access = await openAccess({ kubeconfig: config, inCluster: undefined, clock });
  const asked = access.credentials();
  asked.catch(() => undefined);
  const pid = (): number => Number(readOr(join(at.folder, 'pid')));
  try {
    const deadline = Date.now() + 20_000;
    while (pid() === 0) {
      assert.ok(Date.now() < deadline, 'the program did not start');
      await systemClock.sleep(5);
    }
    await clock.advance(61_000);
    const late = { code: 'CREDENTIALS_FAILED', message: /login: nothing came for 60 s/ };
    await assert.rejects(asked, late);
    const again = access.credentials();
    again.catch(() => undefined);
    await clock.advance(61_000);
    await assert.rejects(again, late);
    assert.equal(started(), 1);
  } finally {
    if (pid() > 0) process.kill(pid());
  }
});

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
