import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service, ServicePortSpec } from '../kube/index.ts';
import type { RequestRules } from '../model/index.ts';
import { servicePortsOf } from './service-ports.ts';
import { serviceSettings } from './service-settings.ts';

function service(
  annotations: Record<string, string>,
  ...ports: Partial<ServicePortSpec>[]
): Service {
  const given = ports.length === 0 ? [{ name: 'http' }] : ports;
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      namespace: 'shop',
      name: 'web',
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [`switchyard.dev/${key}`, value]),
      ),
    },
    spec: { clusterIP: '10.96.0.1', ports: given.map((port, i) => ({ port: 80 + i, ...port })) },
  };
}

function rulesOf(of: Service): readonly (RequestRules | undefined)[] {
  return servicePortsOf(of).map(({ perRequest }) => perRequest);
}

const problemsOf = (of: Service): readonly string[] =>
  serviceSettings(of).problems.map(({ key, problem }) => `${key.split('/')[1] ?? ''}: ${problem}`);

test('a cookie says what its annotations say', () => {
  const [rules] = rulesOf(
    service({
      affinity: 'cookie',
      'cookie-name': 'basket',
      'cookie-path': '/shop',
      'cookie-domain': '.Shop.example',
      'cookie-max-age': '90m',
      'cookie-same-site': 'NONE',
      'cookie-secure': 'true',
      'cookie-http-only': 'false',
    }),
  );
  assert.deepEqual(rules?.cookie, {
    name: 'basket',
    path: '/shop',
    domain: 'shop.example',
    maxAgeSeconds: 5_400,
    sameSite: 'None',
    secure: true,
    httpOnly: false,
  });
});

test('by default it is a session cookie with a name of the Service, hidden from scripts', () => {
  const [rules] = rulesOf(service({ affinity: 'cookie' }));
  const { name, ...others } = rules?.cookie ?? assert.fail('there is no cookie');
  assert.match(name, /^sy-[0-9a-f]{8}$/);
  assert.deepEqual(others, {
    path: '/',
    domain: undefined,
    maxAgeSeconds: undefined,
    sameSite: 'Lax',
    secure: false,
    httpOnly: true,
  });
});

test('SameSite=None without Secure, which browsers refuse, becomes Lax', () => {
  const [rules] = rulesOf(service({ affinity: 'cookie', 'cookie-same-site': 'None' }));
  assert.equal(rules?.cookie?.sameSite, 'Lax');
});

test('what cannot be read is reported, and what is documented holds', () => {
  const wrong = {
    affinity: 'cookie',
    'cookie-name': 'a b',
    'cookie-path': 'shop',
    'cookie-domain': 'a;b',
    'cookie-max-age': '0s',
    'cookie-same-site': 'Some',
    'cookie-secure': 'yes',
    'cookie-http-only': '1',
    hash: 'body',
    'hash-bound': '1',
    retries: '11',
    'retry-on': 'always',
    'response-timeout': '0',
    'slow-start': '500d',
    'trusted-proxies': '10.0.0.0/33',
    'tls-secret': 'Web',
  };
  const of = service(wrong);
  const keys = problemsOf(of).map((text) => text.slice(0, text.indexOf(':')));
  assert.deepEqual(
    keys.toSorted(),
    Object.keys(wrong)
      .filter((key) => key !== 'affinity')
      .toSorted(),
  );
  assert.deepEqual(rulesOf(of), rulesOf(service({ affinity: 'cookie' })));
});

const sources: Readonly<Record<string, RequestRules['hash']>> = {
  'header:X-User': { by: { kind: 'header', name: 'x-user' }, bound: 1.25 },
  'cookie:user': { by: { kind: 'cookie', name: 'user' }, bound: 1.25 },
  'query:u': { by: { kind: 'query', name: 'u' }, bound: 1.25 },
  path: { by: { kind: 'path' }, bound: 1.25 },
  source: { by: { kind: 'source' }, bound: 1.25 },
};

for (const [text, hash] of Object.entries(sources)) {
  test(`hash ${text} balances requests`, () => {
    const [rules] = rulesOf(service({ hash: text }));
    assert.deepEqual([rules?.affinity, rules?.hash], ['none', hash]);
  });
}

test('only ports that say HTTP; TLS needs a Secret; each other one is told', () => {
  const ports = [
    { name: 'http' },
    { name: 'grpc' },
    { name: 'web', appProtocol: 'kubernetes.io/h2c' },
    { name: 'https' },
    { name: 'db' },
    { name: 'http-udp', protocol: 'UDP' },
  ] as const;
  const bare = service({ balance: 'request' }, ...ports);
  const protocols = rulesOf(bare).map((rules) => rules?.protocol);
  assert.deepEqual(protocols, ['http/1.1', 'h2c', 'h2c', undefined, undefined, undefined]);
  const told = problemsOf(bare);
  assert.equal(told.length, 3);
  assert.match(
    told[0] ?? '',
    /^balance: port https speaks TLS, and switchyard\.dev\/tls-secret names no Secret/,
  );
  assert.match(told[1] ?? '', /^balance: port db does not say that it is HTTP/);
  const secured = rulesOf(service({ affinity: 'cookie', 'tls-secret': 'web-tls' }, ...ports));
  assert.deepEqual(
    secured.map((rules) => [rules?.tlsSecret, rules?.cookie?.secure]),
    [
      [undefined, false],
      [undefined, false],
      [undefined, false],
      ['web-tls', true],
      [undefined, undefined],
      [undefined, undefined],
    ],
  );
});

test('retries, timeouts, slow start and proxies', () => {
  const [rules] = rulesOf(
    service({
      balance: 'request',
      retries: '0',
      'retry-on': 'reset, timeout,503',
      'response-timeout': '250ms',
      'slow-start': '30s',
      'trusted-proxies': '10.0.0.0/8, fd00::/8',
    }),
  );
  assert.deepEqual(rules?.retry, {
    retries: 0,
    on: ['reset', 'timeout', 503],
    responseTimeoutMs: 250,
  });
  assert.deepEqual([rules.slowStartMs, rules.trustedProxies], [30_000, ['10.0.0.0/8', 'fd00::/8']]);
});
