/** The API server as its clients meet it: who may ask, how lists and watches go on, what a slow watcher costs. */
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { connect as connectHttp2, constants } from 'node:http2';
import { test, type TestContext } from 'node:test';
import { startApi, type ApiReply, type TestApi, type TestApiOptions } from './support/api.ts';

const maps = '/api/v1/namespaces/default/configmaps';
const json = { 'content-type': 'application/json' };

async function server(t: TestContext, options?: TestApiOptions): Promise<TestApi> {
  const api = await startApi(options);
  t.after(() => api.stop());
  return api;
}

async function create(api: TestApi, name: string, data = 'x'): Promise<string> {
  const body = JSON.stringify({ metadata: { name, labels: { name } }, data: { data } });
  const reply = await api.request({ method: 'POST', path: maps, headers: json, body });
  assert.equal(reply.status, 201, reply.text);
  return JSON.parse(reply.text).metadata.resourceVersion;
}

interface Event {
  readonly type: string;
  readonly object: {
    readonly kind: string;
    readonly code?: number;
    readonly metadata: {
      readonly name?: string;
      readonly resourceVersion: string;
      readonly annotations?: object;
    };
  };
}

/** The events of a watch until `enough` says so, or the server ends it. */
async function watch(
  api: TestApi,
  path: string,
  enough: (events: readonly Event[]) => boolean = () => false,
): Promise<readonly Event[]> {
  const ending = new AbortController();
  const events: Event[] = [];
  let rest = '';
  const reply = api.request({
    path,
    signal: AbortSignal.any([ending.signal, AbortSignal.timeout(20_000)]),
    onText: (text) => {
      const lines = `${rest}${text}`.split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) events.push(JSON.parse(line));
      if (enough(events)) ending.abort();
    },
  });
  await reply.catch((thrown: unknown) => {
    if (!ending.signal.aborted) throw thrown;
  });
  return events;
}

const shown = (events: readonly Event[]): readonly string[] =>
  events.map(({ type, object }) => `${type} ${object.metadata.name ?? ''}`.trim());

test('only the token, our own hosts, and no web page', async (t) => {
  const api = await server(t);
  const ask = (headers: Readonly<Record<string, string>>, path = maps): Promise<ApiReply> =>
    api.request({ path, headers });
  const refusals: readonly (readonly [Readonly<Record<string, string>>, number, string])[] = [
    [{ authorization: 'Bearer wrong' }, 401, 'Unauthorized'],
    [{ authorization: '' }, 401, 'Unauthorized'],
    [{ authorization: `Basic ${api.token}` }, 401, 'Unauthorized'],
    [{ host: 'evil.example' }, 403, 'Forbidden'],
    [{ host: '[::1' }, 403, 'Forbidden'],
    [{ origin: 'https://evil.example' }, 403, 'Forbidden'],
  ];
  for (const [headers, status, reason] of refusals) {
    const reply = await ask(headers);
    assert.equal(reply.status, status, JSON.stringify(headers));
    assert.equal(JSON.parse(reply.text).reason, reason);
  }
  assert.equal((await ask({ host: 'localhost:1' })).status, 200);
  assert.equal((await ask({ authorization: '' }, '/readyz')).text, 'ok');
  assert.match((await ask({}, '/metrics')).text, /apiserver_request_total\{verb="GET"/);
  assert.equal(statSync(api.kubeconfig).mode & 0o777, 0o600);
});

test('HTTP/2, and more than is taken', async (t) => {
  const api = await server(t);
  const session = connectHttp2(api.url, { ca: api.ca });
  t.after(() => session.close());
  const status = await new Promise((resolve, reject) => {
    session.once('error', reject);
    const headers = { ':path': maps, authorization: `Bearer ${api.token}` };
    const stream = session.request(headers);
    stream.once('error', reject);
    stream.once('response', (head) => resolve(head[constants.HTTP2_HEADER_STATUS]));
    stream.resume();
  });
  assert.equal(status, 200);
  const body = JSON.stringify({ metadata: { name: 'big' }, data: { a: 'x'.repeat(4 << 20) } });
  const big = await api
    .request({ method: 'POST', path: maps, headers: json, body })
    .catch(() => undefined);
  assert.ok(big === undefined || big.status === 413);
  const long = await api.request({ path: `/api/v1/${'x'.repeat(20_000)}` });
  assert.equal(long.status, 400);
  assert.deepEqual(api.errors, []);
});

test('types that cannot be read or given say which setting to change', async (t) => {
  const api = await server(t);
  const accept = await api.request({ path: maps, headers: { accept: 'text/csv' } });
  assert.equal(accept.status, 406);
  assert.match(accept.text, /AcceptContentTypes/);
  const pod = Buffer.from('k8s\0\n\x0b\n\x02v1\x12\x05Event\x12\x02\n\x00', 'latin1');
  const protobuf = await api.request({
    method: 'POST',
    path: '/api/v1/namespaces/default/events',
    headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
    body: pod,
  });
  assert.equal(protobuf.status, 415);
  assert.match(protobuf.text, /rest\.Config\.ContentType/);
});

test('pages are one moment, whatever happens between them', async (t) => {
  const api = await server(t);
  for (const name of ['a', 'b', 'c', 'd']) await create(api, name);
  const first = JSON.parse((await api.request({ path: `${maps}?limit=2` })).text);
  assert.equal(first.metadata.remainingItemCount, 2);
  await api.request({ method: 'DELETE', path: `${maps}/c` });
  await create(api, 'bb');
  const next = `${maps}?limit=2&continue=${first.metadata.continue}`;
  const second = JSON.parse((await api.request({ path: next })).text);
  const names = [...first.items, ...second.items].map((item) => item.metadata.name);
  assert.deepEqual(names, ['a', 'b', 'c', 'd']);
  assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
  assert.equal(second.metadata.continue, undefined);
  const gone = Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv: 1, start: '/a\0' }));
  const old = await api.request({ path: `${maps}?continue=${gone.toString('base64url')}` });
  assert.equal(JSON.parse(old.text).reason, 'Expired');
  assert.equal((await api.request({ path: `${maps}?continue=nonsense` })).status, 400);
});

test('a watch goes on where a list, or another watch, ended', async (t) => {
  const api = await server(t);
  const version = await create(api, 'a');
  await create(api, 'b');
  await api.request({ method: 'DELETE', path: `${maps}/a` });
  const from = (at: string): string => `${maps}?watch=1&resourceVersion=${at}`;
  const events = await watch(api, from(version), (seen) => seen.length === 2);
  assert.deepEqual(shown(events), ['ADDED b', 'DELETED a']);
  const resumed = events[0]?.object.metadata.resourceVersion ?? '';
  assert.deepEqual(shown(await watch(api, from(resumed), (seen) => seen.length === 1)), [
    'DELETED a',
  ]);
});

test('objects first, and the bookmark that ends them', async (t) => {
  const api = await server(t);
  await create(api, 'a');
  const path = `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true`;
  const events = await watch(api, path, (seen) => seen.length === 2);
  assert.deepEqual(shown(events), ['ADDED a', 'BOOKMARK']);
  assert.deepEqual(events[1]?.object.metadata.annotations, { 'k8s.io/initial-events-end': 'true' });
  const ended = await watch(api, `${path}&timeoutSeconds=1`);
  assert.deepEqual(shown(ended), ['ADDED a', 'BOOKMARK']);
});

test('selectors turn changes into comings and goings', async (t) => {
  const api = await server(t);
  const version = await create(api, 'a');
  const patch = (name: string | null): Promise<ApiReply> =>
    api.request({
      method: 'PATCH',
      path: `${maps}/a`,
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify({ metadata: { labels: { name } } }),
    });
  await patch('z');
  await patch('a');
  const path = `${maps}?watch=1&resourceVersion=${version}&labelSelector=name%3Da`;
  const events = await watch(api, path, (seen) => seen.length === 2);
  assert.deepEqual(shown(events), ['DELETED a', 'ADDED a']);
});

test('a version that is gone is 410, in a watch as an event', async (t) => {
  const api = await server(t, { historySize: 4 });
  const version = await create(api, 'a');
  for (let n = 0; n < 10; n++) await create(api, `more-${n}`);
  const events = await watch(api, `${maps}?watch=1&resourceVersion=${version}`);
  assert.deepEqual(
    events.map(({ type, object }) => [type, object.code]),
    [['ERROR', 410]],
  );
});

test('a watcher that does not read costs nothing, and is cut when the history has passed it', async (t) => {
  const api = await server(t, { historySize: 50 });
  const version = await create(api, 'a');
  const session = connectHttp2(api.url, { ca: api.ca });
  t.after(() => session.destroy());
  const stream = session.request({
    ':path': `${maps}?watch=1&resourceVersion=${version}`,
    authorization: `Bearer ${api.token}`,
  });
  await new Promise((resolve) => stream.once('response', resolve));
  // Nothing is read: the window of the stream is soon full.
  for (let n = 0; n < 150; n++) await create(api, `big-${n}`, 'x'.repeat(20_000));
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (piece: string) => {
    text += piece;
  });
  await new Promise((resolve) => stream.once('end', resolve));
  const last = JSON.parse(text.trim().split('\n').at(-1) ?? '{}');
  assert.equal(last.type, 'ERROR');
  assert.equal(last.object.code, 410);
  assert.ok(text.length < 150 * 20_000);
});

test('an informer of @kubernetes/client-node sees everything once', async (t) => {
  const api = await server(t);
  await create(api, 'a');
  // oxlint-disable-next-line eslint/no-restricted-imports -- here it is the client that is shown to work.
  const { KubeConfig, CoreV1Api, makeInformer } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  config.loadFromFile(api.kubeconfig);
  const client = config.makeApiClient(CoreV1Api);
  const list = (): ReturnType<typeof client.listNamespacedConfigMap> =>
    client.listNamespacedConfigMap({ namespace: 'default' });
  const informer = makeInformer(config, maps, list);
  const seen: string[] = [];
  const done = Promise.withResolvers<void>();
  const note = (what: string) => (found: { readonly metadata?: { readonly name?: string } }) => {
    seen.push(`${what} ${found.metadata?.name}`);
    if (what === 'delete') done.resolve();
  };
  informer.on('add', note('add'));
  informer.on('update', note('update'));
  informer.on('delete', note('delete'));
  informer.on('error', (thrown: unknown) => done.reject(thrown));
  await informer.start();
  t.after(() => informer.stop());
  const body = { metadata: { name: 'b' }, data: { a: '1' } };
  const made = await client.createNamespacedConfigMap({ namespace: 'default', body });
  await client.replaceNamespacedConfigMap({
    name: 'b',
    namespace: 'default',
    body: { metadata: made.metadata ?? {}, data: { a: '2' } },
  });
  await client.deleteNamespacedConfigMap({ name: 'b', namespace: 'default' });
  await done.promise;
  assert.deepEqual(seen, ['add a', 'add b', 'update b', 'delete b']);
  assert.equal(informer.get('a', 'default')?.metadata?.name, 'a');
  await assert.rejects(client.readNamespacedConfigMap({ name: 'b', namespace: 'default' }), {
    code: 404,
  });
});

const container = { name: 'web', image: 'web:1' };

test('a dry run shows the generation that a write would make', async (t) => {
  const api = await server(t);
  const deployments = '/apis/apps/v1/namespaces/default/deployments';
  const path = `${deployments}/web`;
  const template = { metadata: { labels: { app: 'web' } }, spec: { containers: [container] } };
  const spec = { replicas: 1, selector: { matchLabels: { app: 'web' } }, template };
  const made = await api.request({
    method: 'POST',
    path: deployments,
    headers: json,
    body: JSON.stringify({ metadata: { name: 'web' }, spec }),
  });
  assert.equal(made.status, 201, made.text);
  const headers = { 'content-type': 'application/merge-patch+json' };
  const patched = async (query: string, patch: object): Promise<number> => {
    const body = JSON.stringify(patch);
    const reply = await api.request({ method: 'PATCH', path: `${path}${query}`, headers, body });
    assert.equal(reply.status, 200, reply.text);
    return (JSON.parse(reply.text) as { metadata: { generation: number } }).metadata.generation;
  };
  const scaled = { spec: { replicas: 2 } };
  const labels = { metadata: { labels: { tier: 'web' } } };
  const before = await patched('?dryRun=All', labels);
  assert.equal(await patched('?dryRun=All', scaled), before + 1);
  assert.equal(await patched('', labels), before);
  assert.equal(await patched('', scaled), before + 1);
});

test('health in one word, or check by check', async (t) => {
  const api = await server(t);
  const answers: Readonly<Record<string, readonly [number, string]>> = {
    '/healthz': [200, 'ok'],
    '/readyz?verbose': [200, '[+]ping ok\nreadyz check passed\n'],
    '/livez?verbose=true': [200, '[+]ping ok\nlivez check passed\n'],
    '/livez/ping': [200, 'ok'],
    '/healthz/nonsense': [404, '404 page not found\n'],
  };
  for (const [path, [status, text]] of Object.entries(answers)) {
    const reply = await api.request({ path });
    assert.deepEqual([reply.status, reply.text], [status, text], path);
  }
});

/** A field of a protobuf message that holds text or another message. */
function field(number: number, content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  return Buffer.concat([Buffer.from([number * 8 + 2, bytes.length]), bytes]);
}

test('a protobuf body keeps the empty texts of a list: the core group of a rule is one', async (t) => {
  const api = await server(t);
  const type = Buffer.concat([field(1, 'rbac.authorization.k8s.io/v1'), field(2, 'Role')]);
  const rule = Buffer.concat([field(1, 'get'), field(2, ''), field(2, 'apps'), field(3, 'pods')]);
  const role = Buffer.concat([field(1, field(1, 'reader')), field(2, rule)]);
  const reply = await api.request({
    method: 'POST',
    path: '/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles',
    headers: { 'content-type': 'application/vnd.kubernetes.protobuf' },
    body: Buffer.concat([Buffer.from('k8s\0'), field(1, type), field(2, role)]),
  });
  assert.equal(reply.status, 201, reply.text);
  assert.deepEqual(JSON.parse(reply.text).rules, [
    { verbs: ['get'], apiGroups: ['', 'apps'], resources: ['pods'] },
  ]);
});

test('events are selected by all that the API server selects them by', async (t) => {
  const api = await server(t);
  const events = '/api/v1/namespaces/default/events';
  for (const [name, apiVersion] of [
    ['a', 'v1'],
    ['b', 'apps/v1'],
  ] as const) {
    const involvedObject = { apiVersion, kind: 'Any', name: 'web', namespace: 'default' };
    const value = { metadata: { name }, involvedObject, reportingComponent: `part-${name}` };
    const body = JSON.stringify(value);
    const made = await api.request({ method: 'POST', path: events, headers: json, body });
    assert.equal(made.status, 201, made.text);
  }
  const selected = async (selector: string): Promise<readonly string[]> => {
    const reply = await api.request({
      path: `${events}?fieldSelector=${encodeURIComponent(selector)}`,
    });
    assert.equal(reply.status, 200, reply.text);
    const { items } = JSON.parse(reply.text) as { items: { metadata: { name: string } }[] };
    return items.map(({ metadata }) => metadata.name);
  };
  const web = 'involvedObject.kind=Any,involvedObject.name=web';
  assert.deepEqual(await selected(`${web},involvedObject.apiVersion=apps/v1`), ['b']);
  assert.deepEqual(await selected(`${web},reportingComponent=part-a`), ['a']);
  assert.deepEqual(await selected('involvedObject.resourceVersion=1'), []);
  assert.deepEqual(await selected('involvedObject.fieldPath='), ['a', 'b']);
});
