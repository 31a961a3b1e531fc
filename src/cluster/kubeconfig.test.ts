/** Kubeconfigs: what leads to a cluster is found, and what is missing is named. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { ClusterError } from './errors.ts';
import { parseKubeconfig } from './kubeconfig.ts';

const base = {
  'current-context': 'here',
  contexts: [{ name: 'here', context: { cluster: 'c', user: 'u' } }],
  clusters: [{ name: 'c', cluster: { server: 'https://192.0.2.1:6443' } }],
  users: [{ name: 'u', user: {} as object }],
};
const read = (config: unknown, context?: string): ReturnType<typeof parseKubeconfig> =>
  parseKubeconfig({ path: '/etc/kube/config', text: JSON.stringify(config), context });

const users: Readonly<Record<string, readonly [user: object, want: object]>> = {
  'a token': [{ token: 't' }, { token: { kind: 'text', text: 't' } }],
  'a token in a file beside it': [
    { tokenFile: 'token' },
    { token: { kind: 'file', path: '/etc/kube/token' } },
  ],
  'a certificate as data': [
    { 'client-certificate-data': 'Y2VydA==', 'client-key': '/k' },
    { cert: { kind: 'text', text: 'cert' }, key: { kind: 'file', path: '/k' } },
  ],
  'name and password': [
    { username: 'me', password: 'p' },
    { basic: { username: 'me', password: 'p' } },
  ],
  'a program beside it': [
    {
      exec: {
        apiVersion: 'v1',
        command: './login',
        args: ['-n', 3],
        env: [{ name: 'A', value: 'b' }],
      },
    },
    {
      beyond: {
        program: {
          apiVersion: 'v1',
          command: '/etc/kube/login',
          args: ['-n', '3'],
          env: [{ name: 'A', value: 'b' }],
          installHint: undefined,
          provideClusterInfo: false,
        },
        provider: undefined,
        proxy: undefined,
      },
    },
  ],
  'a provider': [
    { 'auth-provider': { name: 'oidc' } },
    { beyond: { program: undefined, provider: { name: 'oidc' }, proxy: undefined } },
  ],
};

for (const [name, [user, want]] of Object.entries(users)) {
  test(`who asks: ${name}`, async () => {
    const found = await read({ ...base, users: [{ name: 'u', user }] });
    assert.partialDeepStrictEqual(found, {
      server: 'https://192.0.2.1:6443',
      verify: true,
      ...want,
    });
  });
}

const refused: Readonly<Record<string, readonly [config: unknown, says: RegExp]>> = {
  'no mapping': [[], /it is no mapping/],
  'no current context': [{}, /it has no current-context/],
  'a context that is not there': [{ ...base, contexts: [] }, /no context named here/],
  'a cluster that is not there': [{ ...base, clusters: [] }, /no cluster named c/],
  'a user that is not there': [{ ...base, users: [] }, /no user named u/],
  'a program without a name': [
    { ...base, users: [{ name: 'u', user: { exec: { apiVersion: 'v1' } } }] },
    /exec without a command/,
  ],
  'a program of no version': [
    { ...base, users: [{ name: 'u', user: { exec: { command: 'login' } } }] },
    /exec without an apiVersion/,
  ],
  'a proxy that is no URL': [
    {
      ...base,
      clusters: [{ name: 'c', cluster: { server: 'https://x', 'proxy-url': 'ftp://y' } }],
    },
    /proxy-url is no URL of http, https or socks5/,
  ],
  'a server that is no URL': [
    { ...base, clusters: [{ name: 'c', cluster: { server: 'there' } }] },
    /no server that is a URL/,
  ],
};

for (const [name, [config, says]] of Object.entries(refused)) {
  test(`refused: ${name}`, async () => {
    await assert.rejects(read(config), (thrown: unknown) => {
      assert.ok(thrown instanceof ClusterError && thrown.code === 'KUBECONFIG_INVALID');
      assert.match(thrown.message, says);
      assert.ok(thrown.remedy !== undefined);
      return true;
    });
  });
}

test('another context may be named', async () => {
  const contexts = [...base.contexts, { name: 'there', context: { cluster: 'd' } }];
  const clusters = [...base.clusters, { name: 'd', cluster: { server: 'http://192.0.2.2' } }];
  const found = await read({ ...base, contexts, clusters }, 'there');
  assert.equal(found.server, 'http://192.0.2.2');
});

test('any text is read or refused', async () => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.string(), fc.json()), async (text) => {
      try {
        await parseKubeconfig({ path: 'x', text });
      } catch (thrown) {
        assert.ok(thrown instanceof ClusterError, String(thrown));
      }
    }),
    { numRuns: 300 },
  );
});
