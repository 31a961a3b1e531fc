/** Every way into a cluster that a kubeconfig can name, over real sockets: each lists, watches and forwards a port. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { openAccess } from '../../src/cluster/index.ts';
import { createFakeClock } from '../../src/sys/index.ts';
import { connectProxy, socksProxy } from '../support/proxies.ts';
import {
  byCertificate,
  byToken,
  client,
  connectedBy,
  data,
  given,
  named,
  nowMs,
  right,
  scene,
  server,
  serverOfOld,
  trusted,
  use,
  useAll,
  withCluster,
  type Options,
  type Scene,
  type Way,
} from '../support/ways-in.ts';

withCluster();

const ways: Readonly<Record<string, readonly [Options, (at: Scene) => Way | Promise<Way>]>> = {
  'a certificate as data': [
    { admits: byCertificate },
    () => ({
      cluster: trusted,
      user: {
        'client-certificate-data': data(client.cert),
        'client-key-data': data(client.key),
      },
    }),
  ],
  'a certificate in files beside the kubeconfig': [
    { admits: byCertificate },
    ({ file }) => {
      file('client.crt', client.cert);
      file('client.key', client.key);
      file('ca.crt', server.ca.cert);
      return {
        cluster: { 'certificate-authority': 'ca.crt' },
        user: { 'client-certificate': 'client.crt', 'client-key': 'client.key' },
      };
    },
  ],
  'a token': [{}, () => ({ cluster: trusted, user: right })],
  'name and password': [
    { admits: ({ authorization }) => authorization === `Basic ${data('me:secret')}` },
    () => ({ cluster: trusted, user: { username: 'me', password: 'secret' } }),
  ],
  'a token in a file that is renewed': [
    {},
    ({ file, token, guarded }) => {
      file('token', 'right\n');
      return {
        cluster: trusted,
        user: { tokenFile: 'token' },
        meanwhile: () => {
          file('token', 'renewed\n');
          token('renewed');
        },
        // The watch and the port-forward each had the old one.
        held: () => assert.ok(guarded.refused.length >= 1 && guarded.refused.length <= 2),
      };
    },
  ],
  'a program, and one certificate for all': [
    { admits: byCertificate },
    ({ program }) => {
      const status = { clientCertificateData: client.cert, clientKeyData: client.key };
      const { exec, asked } = program(given(status));
      return { cluster: trusted, user: { exec }, held: () => assert.equal(asked(), 1) };
    },
  ],
  'a program whose token expires: it is asked before it is refused': [
    {},
    ({ program, guarded }) => {
      const past = new Date(nowMs - 1_000).toISOString();
      const { exec, asked } = program(given({ token: 'right', expirationTimestamp: past }));
      return {
        cluster: trusted,
        user: { exec },
        held: () => {
          assert.ok(asked() >= 3, `${asked()}`);
          assert.deepEqual(guarded.refused, []);
        },
      };
    },
  ],
  'a program that is told for which cluster': [
    {},
    ({ program, guarded, file }) => {
      const said = file('said', '');
      const body = `echo "$KUBERNETES_EXEC_INFO $EXTRA $1" > ${said}\n${given({ token: 'right' })}`;
      const { exec } = program(body);
      const more = { args: ['get'], env: [{ name: 'EXTRA', value: 'more' }] };
      return {
        cluster: trusted,
        user: { exec: { ...exec, ...more, provideClusterInfo: true } },
        held: () => {
          const [, info = '', rest] = /^(.*) (more get)\n$/.exec(readFileSync(said, 'utf8')) ?? [];
          assert.equal(rest, 'more get');
          assert.deepEqual(JSON.parse(info), {
            apiVersion: 'client.authentication.k8s.io/v1',
            kind: 'ExecCredential',
            spec: { interactive: false, cluster: { server: guarded.url, ...trusted } },
          });
        },
      };
    },
  ],
  'a proxy by HTTP CONNECT': [
    {},
    async ({ t, guarded }) => {
      const { url, asked } = await connectProxy(t);
      return {
        cluster: { ...trusted, 'proxy-url': url },
        user: right,
        held: () => assert.deepEqual([...new Set(asked)], [guarded.url.slice('https://'.length)]),
      };
    },
  ],
  'a proxy by SOCKS5': [
    {},
    async ({ t, guarded }) => {
      const { url, asked } = await socksProxy(t);
      return {
        cluster: { ...trusted, 'proxy-url': url },
        user: right,
        held: () => assert.deepEqual([...new Set(asked)], [guarded.url.slice('https://'.length)]),
      };
    },
  ],
  'a proxy, a name for the server, a certificate, and a token file that is renewed': [
    {
      own: named,
      admits: (from, token) => byCertificate(from) && byToken(from, token),
    },
    async ({ t, file, token }) => {
      const { url, asked } = await connectProxy(t);
      file('token', 'right');
      return {
        cluster: {
          'certificate-authority-data': data(named.ca.cert),
          'tls-server-name': 'cluster.test',
          'proxy-url': url,
        },
        user: {
          tokenFile: 'token',
          'client-certificate-data': data(client.cert),
          'client-key-data': data(client.key),
        },
        meanwhile: () => {
          file('token', 'renewed');
          token('renewed');
        },
        held: () => assert.ok(asked.length >= 3),
      };
    },
  ],
  'a name for the server': [
    { own: named },
    () => ({
      cluster: {
        'certificate-authority-data': data(named.ca.cert),
        'tls-server-name': 'cluster.test',
      },
      user: right,
    }),
  ],
  'any certificate of the server': [
    { own: serverOfOld },
    () => ({ cluster: { 'insecure-skip-tls-verify': true }, user: right }),
  ],
};

for (const [name, [options, wayOf]] of Object.entries(ways)) {
  test(`in by ${name}`, { timeout: 60_000 }, async (t) => {
    const at = await scene(t, options);
    await useAll(at, await wayOf(at));
  });
}

test('in from within a Pod; its token is read again before the old one is refused', async (t) => {
  const at = await scene(t);
  at.file('ca.crt', server.ca.cert);
  at.file('token', 'right');
  const { hostname: host, port } = new URL(at.guarded.url);
  const inCluster = { host, port, folder: at.folder };
  const clock = createFakeClock();
  const access = await openAccess({ kubeconfig: undefined, inCluster, clock });
  await use(connectedBy(at, access), {
    meanwhile: async () => {
      at.file('token', 'renewed');
      at.token('renewed');
      await clock.advance(61_000);
    },
    held: () => assert.deepEqual(at.guarded.refused, []),
  });
});

test('outside of a Pod and without a kubeconfig it is said what to give', async () => {
  const clock = createFakeClock();
  await assert.rejects(openAccess({ kubeconfig: undefined, inCluster: undefined, clock }), {
    code: 'CLUSTER_NONE',
    remedy: /--kubeconfig FILE/,
  });
});
