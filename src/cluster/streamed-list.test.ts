/** A list that a server streams is the list by pages; a server that does not stream is asked by pages from then on. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { ScriptedApi, type Fault } from '../../test/support/scripted-api.ts';
import { isKubeObject, serviceKind, type Service } from '../kube/index.ts';
import { createClusterClient, type ClusterClient } from './cluster-client.ts';
import { accessTo, hurriedClock, testService } from './testing.ts';

const count = 12;

async function served(
  t: TestContext,
  options: { readonly streams: boolean; readonly fault?: Fault },
): Promise<{ api: ScriptedApi; client: ClusterClient; pages: number[] }> {
  let isFirst = true;
  const api = new ScriptedApi({
    streams: options.streams,
    faultOf: () => {
      const fault = isFirst ? options.fault : undefined;
      isFirst = false;
      return fault;
    },
  });
  await api.start();
  for (let i = 0; i < count; i++) api.set(serviceKind, testService(i));
  const pages: number[] = [];
  const client = createClusterClient({
    access: accessTo(api.url),
    clock: hurriedClock(50),
    random: Math.random,
    userAgent: 'test',
    pageSize: 5,
    onPage: (_kind, soFar) => pages.push(soFar),
  });
  t.after(() => {
    client.close();
    api.stop();
  });
  return { api, client, pages };
}

function names({ items }: { readonly items: readonly Service[] }): readonly string[] {
  assert.ok(items.every((item) => isKubeObject(item) && Object.isFrozen(item)));
  return items.map(({ metadata }) => metadata.name).toSorted();
}

const all = Array.from({ length: count }, (_, i) => `s${i}`).toSorted();
const verbs = ({ requests }: ScriptedApi): readonly string[] => requests.map(({ verb }) => verb);

test('streamed: one request, all objects, and a version to watch from', async (t) => {
  const { api, client, pages } = await served(t, { streams: true });
  const list = await client.list(serviceKind);
  assert.deepEqual(names(list), all);
  assert.deepEqual(verbs(api), ['watch']);
  assert.deepEqual(pages, [count]);
  const signal = new AbortController();
  t.after(() => signal.abort());
  const { resourceVersion } = list;
  const watch = client.watch(serviceKind, { resourceVersion, signal: signal.signal });
  api.set(serviceKind, testService(99));
  for await (const event of watch) {
    assert.ok(event.type === 'ADDED' && event.object.metadata.name === 's99');
    break;
  }
});

test('by pages where it is not known, and asked for only once', async (t) => {
  const { api, client, pages } = await served(t, { streams: false });
  assert.deepEqual(names(await client.list(serviceKind)), all);
  assert.deepEqual(names(await client.list(serviceKind)), all);
  assert.deepEqual(verbs(api), ['watch', ...Array<string>(6).fill('list')]);
  assert.deepEqual(pages, [5, 10, 12, 5, 10, 12]);
});

for (const fault of ['truncated', 'garbage', 'cut'] as const) {
  test(`a stream that is ${fault} is no list, and is streamed again`, async (t) => {
    const { api, client } = await served(t, { streams: true, fault: { kind: fault } });
    await assert.rejects(client.list(serviceKind));
    assert.deepEqual(names(await client.list(serviceKind)), all);
    assert.deepEqual(verbs(api), ['watch', 'watch']);
  });
}

test('what is refused for another reason is refused', async (t) => {
  const fault = { kind: 'status', code: 403 } as const;
  const { api, client } = await served(t, { streams: true, fault });
  await assert.rejects(client.list(serviceKind), { code: 'Forbidden' });
  assert.equal(api.requests.length, 1);
});
