/** Verbs and their options over HTTP, one by one: what each is for, and what is refused. */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { test, type TestContext } from 'node:test';
import {
  startApi,
  type ApiReply,
  type ApiRequest,
  type TestApi,
  type TestApiOptions,
} from './support/api.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const json = { 'content-type': 'application/json' };

async function server(t: TestContext, options?: TestApiOptions): Promise<TestApi> {
  const api = await startApi(options);
  t.after(() => api.stop());
  return api;
}

interface Asked extends Omit<ApiRequest, 'body'> {
  readonly value?: unknown;
}

function ask(api: TestApi, { value, ...asked }: Asked): Promise<ApiReply> {
  if (value === undefined) return api.request(asked);
  const headers = { ...json, ...asked.headers };
  return api.request({ ...asked, headers, body: JSON.stringify(value) });
}

async function make(api: TestApi, name: string, metadata: object = {}): Promise<string> {
  const value = { metadata: { name, ...metadata } };
  const reply = await ask(api, { method: 'POST', path: maps, value });
  assert.equal(reply.status, 201, reply.text);
  return (JSON.parse(reply.text) as { metadata: { resourceVersion: string } }).metadata
    .resourceVersion;
}

async function namesAt(api: TestApi, path: string): Promise<readonly string[]> {
  const { text } = await api.request({ path });
  const { items } = JSON.parse(text) as { items: readonly { metadata: { name: string } }[] };
  return items.map(({ metadata }) => metadata.name);
}

test('YAML in, JSON out; an answer in YAML or protobuf is not to be had', async (t) => {
  const api = await server(t);
  const made = await api.request({
    method: 'POST',
    path: maps,
    headers: { 'content-type': 'application/yaml' },
    body: 'metadata:\n  name: yaml\ndata: {a: "1"}\n',
  });
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers['content-type'], 'application/json');
  assert.deepEqual(JSON.parse(made.text).data, { a: '1' });
  for (const accept of ['application/yaml', 'application/vnd.kubernetes.protobuf']) {
    assert.equal((await api.request({ path: maps, headers: { accept } })).status, 406, accept);
  }
  const either = 'application/vnd.kubernetes.protobuf,application/json';
  assert.equal((await api.request({ path: maps, headers: { accept: either } })).status, 200);
  const answers: Readonly<Record<string, number>> = {
    'metadata: {name: first}\n---\nmetadata: {name: second}\n': 201,
    'metadata: [': 400,
    'metadata: {name: x}\n data: y\n': 400,
    'metadata: *nothing': 400,
    '- a\n- b\n': 400,
  };
  for (const [body, status] of Object.entries(answers)) {
    const headers = { 'content-type': 'application/yaml' };
    const reply = await api.request({ method: 'POST', path: maps, headers, body });
    assert.equal(reply.status, status, `${body}: ${reply.text}`);
  }
  assert.deepEqual(await namesAt(api, maps), ['first', 'yaml']);
});

test('unknown and doubled fields: warned of, refused or dropped, as fieldValidation says', async (t) => {
  const api = await server(t);
  const body = (name: string): string =>
    `{"metadata":{"name":"${name}"},"nope":1,"data":{"a":"1","a":"2"}}`;
  const send = (name: string, query: string): Promise<ApiReply> =>
    api.request({ method: 'POST', path: maps + query, headers: json, body: body(name) });
  const warnings = ['299 - "unknown field \\"nope\\""', '299 - "duplicate field \\"data.a\\""'];
  for (const query of ['', '?fieldValidation=Warn']) {
    const warned = await send(`warned${query.length}`, query);
    assert.equal(warned.status, 201);
    assert.equal(warned.headers['warning'], warnings.join(', '));
    const kept = JSON.parse(warned.text) as { nope?: number; data: object };
    assert.deepEqual([kept.nope, kept.data], [undefined, { a: '2' }]);
  }
  const ignored = await send('ignored', '?fieldValidation=Ignore');
  assert.deepEqual([ignored.status, ignored.headers['warning']], [201, undefined]);
  const strict = await send('strict', '?fieldValidation=Strict');
  assert.equal(strict.status, 400);
  assert.match(
    strict.text,
    /strict decoding error: unknown field \\"nope\\", duplicate field \\"data.a\\"/,
  );
  const patched = await api.request({
    method: 'PATCH',
    path: `${maps}/ignored?fieldValidation=Warn`,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: '{"nope":1}',
  });
  assert.deepEqual([patched.status, patched.headers['warning']], [200, warnings[0]]);
  assert.equal((await send('other', '?fieldValidation=Perhaps')).status, 400);
  assert.deepEqual(await namesAt(api, maps), ['ignored', 'warned0', 'warned21']);
});

test('generateName gives a name of its own each time', async (t) => {
  const api = await server(t);
  const names = new Set<string>();
  for (let n = 0; n < 20; n++) {
    const value = { metadata: { generateName: 'made-' } };
    const reply = await ask(api, { method: 'POST', path: maps, value });
    assert.equal(reply.status, 201, reply.text);
    const { metadata } = JSON.parse(reply.text) as { metadata: { name: string } };
    assert.match(metadata.name, /^made-[a-z0-9]{5}$/);
    names.add(metadata.name);
  }
  assert.equal(names.size, 20);
});

test('a list is of the version that is asked for, or says why not', async (t) => {
  const api = await server(t);
  const old = await make(api, 'a');
  const now = await make(api, 'b');
  const match = 'resourceVersionMatch';
  const answers: Readonly<Record<string, number>> = {
    '': 200,
    'resourceVersion=0': 200,
    [`resourceVersion=${old}`]: 200,
    [`resourceVersion=0&${match}=NotOlderThan`]: 200,
    [`resourceVersion=${old}&${match}=NotOlderThan`]: 200,
    [`resourceVersion=${now}&${match}=Exact`]: 200,
    [`resourceVersion=${old}&${match}=Exact`]: 410,
    'resourceVersion=999999': 504,
    [`resourceVersion=999999&${match}=NotOlderThan`]: 504,
    'resourceVersion=x': 400,
    [`${match}=Exact`]: 422,
    [`resourceVersion=0&${match}=Exact`]: 422,
    [`resourceVersion=${now}&${match}=Perhaps`]: 422,
    [`resourceVersion=${now}&${match}=Exact&continue=x`]: 422,
    'sendInitialEvents=true': 422,
    [`watch=1&${match}=NotOlderThan&resourceVersion=0`]: 422,
    'watch=1&sendInitialEvents=true': 422,
    'continue=x': 400,
  };
  for (const [query, status] of Object.entries(answers)) {
    const reply = await api.request({ path: `${maps}?${query}` });
    assert.equal(reply.status, status, `${query}: ${reply.text}`);
    if (status === 200) assert.equal(JSON.parse(reply.text).items.length, 2, query);
    else assert.equal(JSON.parse(reply.text).kind, 'Status', query);
  }
});

test('deletecollection takes what is selected, and what its options say', async (t) => {
  const api = await server(t);
  for (const name of ['a', 'b', 'c']) await make(api, name, { labels: { set: name } });
  const dry = await api.request({ method: 'DELETE', path: `${maps}?dryRun=All` });
  assert.equal(JSON.parse(dry.text).items.length, 3);
  const some = await api.request({
    method: 'DELETE',
    path: `${maps}?labelSelector=${encodeURIComponent('set in (a,b)')}`,
  });
  assert.equal(some.status, 200);
  assert.equal(JSON.parse(some.text).kind, 'ConfigMapList');
  assert.deepEqual(await namesAt(api, maps), ['c']);
  const none = await api.request({ method: 'DELETE', path: `${maps}?fieldSelector=spec.x%3D1` });
  assert.equal(none.status, 400);
  const namespaces = await api.request({ method: 'DELETE', path: '/api/v1/namespaces' });
  assert.equal(namespaces.status, 405);
});

test('a delete holds its preconditions, waits for finalizers, and goes as it is told', async (t) => {
  const api = await server(t);
  const path = `${maps}/a`;
  const version = await make(api, 'a', { finalizers: ['example.com/hold'] });
  const remove = (value: unknown): Promise<ApiReply> => ask(api, { method: 'DELETE', path, value });
  assert.equal((await remove({ preconditions: { uid: 'other' } })).status, 409);
  assert.equal((await remove({ preconditions: { resourceVersion: '1' } })).status, 409);
  assert.equal((await remove({ propagationPolicy: 'Sideways' })).status, 422);
  assert.equal((await remove({ dryRun: ['All'] })).status, 200);
  const held = await remove({ preconditions: { resourceVersion: version } });
  assert.equal(held.status, 200);
  assert.match(JSON.parse(held.text).metadata.deletionTimestamp, /^\d{4}-/);
  const freed = await api.request({
    method: 'PATCH',
    path,
    headers: { 'content-type': 'application/merge-patch+json' },
    body: '{"metadata":{"finalizers":null}}',
  });
  assert.equal(freed.status, 200);
  assert.equal((await api.request({ path })).status, 404);
  for (const [policy, finalizer] of [
    ['Foreground', 'foregroundDeletion'],
    ['Orphan', 'orphan'],
  ] as const) {
    const name = policy.toLowerCase();
    await make(api, name);
    const left = await ask(api, {
      method: 'DELETE',
      path: `${maps}/${name}`,
      value: { propagationPolicy: policy },
    });
    assert.deepEqual(JSON.parse(left.text).metadata.finalizers, [finalizer]);
  }
});

test('PartialObjectMetadata of an object, a list and a watch', async (t) => {
  const api = await server(t);
  const version = await make(api, 'a');
  await make(api, 'b');
  const accept = (as: string): Readonly<Record<string, string>> => ({
    accept: `application/json;as=${as};g=meta.k8s.io;v=v1`,
  });
  const one = await api.request({ path: `${maps}/a`, headers: accept('PartialObjectMetadata') });
  const { kind, apiVersion, metadata, ...rest } = JSON.parse(one.text);
  assert.deepEqual([kind, apiVersion, rest], ['PartialObjectMetadata', 'meta.k8s.io/v1', {}]);
  assert.equal(metadata.name, 'a');
  const list = await api.request({ path: maps, headers: accept('PartialObjectMetadataList') });
  assert.equal(JSON.parse(list.text).kind, 'PartialObjectMetadataList');
  const watch = await api.request({
    path: `${maps}?watch=1&resourceVersion=${version}&timeoutSeconds=1`,
    headers: accept('PartialObjectMetadata'),
  });
  const event = JSON.parse(watch.text.split('\n')[0] ?? '');
  assert.deepEqual(
    [event.type, event.object.kind, event.object.metadata.name],
    ['ADDED', 'PartialObjectMetadata', 'b'],
  );
});

test('discovery in both ways, OpenAPI v3 and v2, and the version', async (t) => {
  const api = await server(t);
  const get = async (
    path: string,
    accept = 'application/json',
  ): Promise<Record<string, unknown>> => {
    const reply = await api.request({ path, headers: { accept } });
    assert.equal(reply.status, 200, `${path}: ${reply.text}`);
    return JSON.parse(reply.text) as Record<string, unknown>;
  };
  assert.equal((await get('/api'))['kind'], 'APIVersions');
  assert.equal((await get('/apis'))['kind'], 'APIGroupList');
  assert.equal((await get('/apis/apps'))['kind'], 'APIGroup');
  assert.equal((await get('/apis/apps/v1'))['kind'], 'APIResourceList');
  const aggregated = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';
  assert.equal((await get('/apis', aggregated))['kind'], 'APIGroupDiscoveryList');
  const { paths } = await get('/openapi/v3');
  for (const { serverRelativeURL } of Object.values(Object(paths)) as {
    serverRelativeURL: string;
  }[]) {
    const document = await get(serverRelativeURL);
    assert.equal(document['openapi'], '3.0.0');
    assert.ok(Object.keys(Object(document['paths'])).length > 0, serverRelativeURL);
  }
  const swagger = await get('/openapi/v2');
  assert.equal(swagger['swagger'], '2.0');
  assert.ok(Object.hasOwn(Object(swagger['definitions']), 'io.k8s.api.core.v1.Service'));
  assert.equal((await get('/version'))['minor'], '36');
});

test('the token, and a second place for the kubeconfig, are for this user only', async (t) => {
  const first = await server(t);
  const kubeconfigOut = join(first.folder, 'elsewhere.yaml');
  const api = await server(t, { kubeconfigOut });
  assert.equal(api.kubeconfig, kubeconfigOut);
  assert.ok(readFileSync(kubeconfigOut, 'utf8').includes(api.url));
  for (const path of [
    kubeconfigOut,
    join(api.folder, 'kubeconfig'),
    join(api.folder, 'api/token'),
  ]) {
    assert.equal(statSync(path).mode & 0o777, 0o600, path);
  }
});

test('no more watches, headers, bytes and connections than are served', async (t) => {
  const api = await server(t, { limits: { watches: 2, bodyBytes: 1_000, connections: 6 } });
  const stop = new AbortController();
  const watching = [0, 1].map(async () => {
    const begun = Promise.withResolvers<void>();
    const path = `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
    const watch = api.request({ path, signal: stop.signal, onText: () => begun.resolve() });
    const ended = watch.then(
      () => undefined,
      () => undefined,
    );
    await begun.promise;
    return { ended };
  });
  const watches = await Promise.all(watching);
  const refused = await api.request({ path: `${maps}?watch=1` });
  assert.equal(refused.status, 429);
  assert.equal(refused.headers['retry-after'], '5');
  assert.match(refused.text, /no more than 2 watches are served/);
  const value = { metadata: { name: 'big' }, data: { a: 'x'.repeat(1_000) } };
  assert.equal((await ask(api, { method: 'POST', path: maps, value })).status, 413);
  const long = await api.request({ path: maps, headers: { 'x-long': 'x'.repeat(40_000) } });
  assert.equal(long.status, 431);
  // Connections beyond the limit are closed before a word; those that are open go on.
  const { port } = new URL(api.url);
  const outcomes = await Promise.all(
    Array.from({ length: 8 }, async () => {
      const socket = connect({ host: '127.0.0.1', port: Number(port), ca: api.ca });
      t.after(() => socket.destroy());
      return await new Promise<string>((resolve) => {
        socket.once('secureConnect', () => resolve('served'));
        socket.once('error', () => resolve('closed'));
        socket.once('close', () => resolve('closed'));
      });
    }),
  );
  assert.ok(outcomes.includes('closed') && outcomes.filter((one) => one === 'served').length <= 6);
  stop.abort();
  for (const { ended } of watches) await ended;
});
