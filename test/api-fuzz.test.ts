/** Whatever comes in, a Status comes back, nothing is logged as our failure, and the server goes on. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { fc } from './support/properties.ts';
import { startApi, type ApiReply, type ApiRequest, type TestApi } from './support/api.ts';

const runs = process.env['SWITCHYARD_SOAK'] === '1' ? 20_000 : 250;

let api: TestApi;
before(async () => {
  api = await startApi();
  const web = { metadata: { name: 'web' }, spec: { selector: { a: 'b' }, ports: [{ port: 80 }] } };
  await api.request({
    method: 'POST',
    path: services,
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(web),
  });
});
after(() => api.stop());

const services = '/api/v1/namespaces/default/services';

/** An answer that is an object or a Status, and no failure of ours. */
function assertProper(reply: ApiReply, asked: ApiRequest): void {
  const about = `${asked.method ?? 'GET'} ${asked.path} ${String(asked.body).slice(0, 300)}: ${reply.status} ${reply.text.slice(0, 300)}`;
  assert.ok(reply.status >= 200 && reply.status < 500, about);
  const type = String(reply.headers['content-type']);
  if (type.startsWith('application/json')) {
    const body = JSON.parse(reply.text);
    if (reply.status >= 400) {
      assert.equal(body.kind, 'Status', about);
      assert.equal(body.code, reply.status, about);
      assert.ok(body.reason !== '' && body.message !== '', about);
    }
  } else assert.ok(reply.status === 404 || reply.status === 200, about);
}

async function fuzz(requests: fc.Arbitrary<ApiRequest>): Promise<void> {
  await fc.assert(
    fc.asyncProperty(requests, async (asked) => {
      assertProper(await api.request({ signal: AbortSignal.timeout(20_000), ...asked }), asked);
    }),
    { numRuns: runs },
  );
  assert.deepEqual(api.errors, []);
  assert.equal((await api.request({ path: `${services}/web` })).status, 200);
}

const word = fc.oneof(
  fc.constantFrom(
    'api',
    'apis',
    'v1',
    'apps',
    'namespaces',
    'default',
    'services',
    'pods',
    'web',
    'status',
    'scale',
    'log',
    'exec',
    'openapi',
    'v3',
    '..',
    '%2e%2e',
    '%',
    '%zz',
    '__proto__',
    'constructor',
  ),
  fc.stringMatching(/^[a-z0-9.%-]{0,6}$/),
);

test('paths', () =>
  fuzz(
    fc
      .record({
        method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
        path: fc.array(word, { maxLength: 8 }).map((words) => `/${words.join('/')}`),
      })
      .filter(({ method, path }) => method !== 'DELETE' || !path.endsWith('/web'))
      .map((asked) => (asked.method === 'HEAD' ? { ...asked, method: 'GET' } : asked)),
  ));

const queryValue = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '1',
    '-1',
    'true',
    'All',
    'Exact',
    'NotOlderThan',
    '99999999',
    'a=b,!c',
    'a in (b',
  ),
  fc.string({ maxLength: 12 }),
);
const queryKey = fc.constantFrom(
  'labelSelector',
  'fieldSelector',
  'limit',
  'continue',
  'resourceVersion',
  'resourceVersionMatch',
  'sendInitialEvents',
  'dryRun',
  'fieldValidation',
  'fieldManager',
  'includeObject',
);

test('selectors and other queries of lists', async () => {
  const requests = fc.dictionary(queryKey, queryValue, { maxKeys: 4 }).map((query) => ({
    path: `${services}?${new URLSearchParams(query).toString()}`,
  }));
  await fc.assert(
    fc.asyncProperty(requests, async (asked) => {
      const reply = await api.request(asked);
      // A version of the future is the one that times out.
      if (reply.status !== 504) assertProper(reply, asked);
    }),
    { numRuns: runs },
  );
  assert.deepEqual(api.errors, []);
});

const json = fc.jsonValue({ maxDepth: 4 });
const field = fc.constantFrom(
  'apiVersion',
  'kind',
  'metadata',
  'name',
  'namespace',
  'labels',
  'annotations',
  'managedFields',
  'finalizers',
  'ownerReferences',
  'resourceVersion',
  'generateName',
  'uid',
  'spec',
  'status',
  'ports',
  'selector',
  'type',
  'clusterIP',
  'template',
  'containers',
  '$patch',
  '$setElementOrder/ports',
  '__proto__',
);
const { node } = fc.letrec((tie) => ({
  node: fc.oneof(
    { maxDepth: 4 },
    json,
    fc.constantFrom('web', 'v1', 'Service', 'ClusterIP', 80, null),
    fc.array(tie('node'), { maxLength: 3 }),
    fc.dictionary(field, tie('node'), { maxKeys: 4 }),
  ),
}));
const object = fc.dictionary(field, node, { maxKeys: 5 });

const plurals = fc.constantFrom(
  services,
  '/api/v1/namespaces/default/pods',
  '/api/v1/namespaces/default/configmaps',
  '/api/v1/namespaces/default/secrets',
  '/api/v1/namespaces/default/events',
  '/api/v1/namespaces/default/endpoints',
  '/apis/apps/v1/namespaces/default/deployments',
  '/apis/apps/v1/namespaces/default/statefulsets',
  '/apis/discovery.k8s.io/v1/namespaces/default/endpointslices',
  '/apis/networking.k8s.io/v1/namespaces/default/ingresses',
  '/api/v1/nodes',
);

test('bodies of creates, as JSON and as YAML', () =>
  fuzz(
    fc
      .tuple(plurals, object, fc.constantFrom('json', 'yaml'), fc.boolean())
      .map(([path, body, type, whole]) => ({
        method: 'POST',
        path: `${path}?dryRun=All`,
        headers: { 'content-type': `application/${type}` },
        body: JSON.stringify(whole ? { ...body, metadata: { name: 'fuzz' } } : body),
      })),
  ));

test('a kind or version that is no text', async () => {
  for (const [field, type, value] of [
    ['kind', 'object', { toString: false }],
    ['kind', 'number', 5],
    ['apiVersion', 'array', [[{ toString: false }]]],
  ] as const) {
    const body = JSON.stringify({ [field]: value, metadata: { name: 'odd' } });
    const headers = { 'content-type': 'application/json' };
    const reply = await api.request({ method: 'POST', path: services, headers, body });
    assert.equal(reply.status, 400);
    assert.equal(
      JSON.parse(reply.text).message,
      `couldn't get version/kind; json parse error: json: cannot unmarshal ${type} into Go struct field .${field} of type string`,
    );
  }
});

test('bodies that are no JSON, no YAML and no protobuf', () =>
  fuzz(
    fc
      .tuple(
        fc.constantFrom(
          'application/json',
          'application/yaml',
          'application/vnd.kubernetes.protobuf',
          'text/csv',
        ),
        fc.oneof(
          fc.uint8Array({ maxLength: 60 }),
          fc
            .uint8Array({ maxLength: 60 })
            .map((bytes) =>
              Buffer.concat([
                Buffer.from('k8s\0\n\x0f\n\x02v1\x12\x09Namespace\x12', 'latin1'),
                bytes,
              ]),
            ),
        ),
      )
      .map(([type, bytes]) => ({
        method: 'POST',
        path: '/api/v1/namespaces?dryRun=All',
        headers: { 'content-type': type },
        body: Buffer.from(bytes),
      })),
  ));

const operation = fc.record(
  {
    op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test'),
    path: fc.array(field, { maxLength: 3 }).map((parts) => `/${parts.join('/')}`),
    from: fc.constantFrom('/spec', '/metadata', '/spec/ports/0'),
    value: node,
  },
  { requiredKeys: ['op', 'path'] },
);

test('patches of every type', () =>
  fuzz(
    fc
      .oneof(
        fc.tuple(fc.constant('json-patch+json'), fc.array(operation, { maxLength: 3 })),
        fc.tuple(
          fc.constantFrom('merge-patch+json', 'strategic-merge-patch+json', 'apply-patch+yaml'),
          object,
        ),
      )
      .map(([type, body]) => ({
        method: 'PATCH',
        path: `${services}/web?fieldManager=fuzz&dryRun=All${type.startsWith('apply') ? '&force=true' : ''}`,
        headers: { 'content-type': `application/${type}` },
        body: JSON.stringify(body),
      })),
  ));

test('patches that are kept leave an object that can be read and patched again', async () => {
  await fc.assert(
    fc.asyncProperty(
      object,
      fc.constantFrom('merge-patch', 'strategic-merge-patch'),
      async (patch, type) => {
        const { metadata: _metadata, kind: _kind, apiVersion: _version, ...body } = patch;
        const asked = {
          method: 'PATCH',
          path: `${services}/web`,
          headers: { 'content-type': `application/${type}+json` },
          body: JSON.stringify(body),
        };
        assertProper(await api.request(asked), asked);
      },
    ),
    { numRuns: runs },
  );
  assert.deepEqual(api.errors, []);
  const found = JSON.parse((await api.request({ path: `${services}/web` })).text);
  assert.equal(found.kind, 'Service');
});
