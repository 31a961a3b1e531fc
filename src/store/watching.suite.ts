/** What lists and watches show, and when they end, in every ObjectClient. */
import assert from 'node:assert/strict';
import {
  namespaceKind,
  podKind,
  serviceKind,
  type ListOptions,
  type ObjectClient,
  type Service,
  type WatchEvent,
} from '../kube/index.ts';
import { names, pod, service, version, web, type StoreTests } from './suite-parts.suite.ts';

const never = new AbortController().signal;

export const listing: StoreTests = {
  'by namespace and name, in order': async ({ store }) => {
    for (const [namespace, name] of [
      ['b', 'x'],
      ['a-b', 'x'],
      ['a', 'y'],
      ['a', 'x'],
    ] as const) {
      await store.create(serviceKind, service(name, {}, namespace));
    }
    await store.create(namespaceKind, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: 'a' },
    });
    assert.deepEqual(await names(store, {}), ['a-b/x', 'a/x', 'a/y', 'b/x']);
    assert.deepEqual(await names(store, { namespace: 'a' }), ['a/x', 'a/y']);
    assert.deepEqual(await names(store, { namespace: 'none' }), []);
    await store.delete(serviceKind, { namespace: 'a', name: 'x' });
    await store.create(serviceKind, service('z', {}, 'a'));
    assert.deepEqual(await names(store, { namespace: 'a' }), ['a/y', 'a/z']);
  },
  'by labels and fields': async ({ store }) => {
    await store.create(serviceKind, service('a', { labels: { app: 'web' } }));
    await store.create(serviceKind, service('b', { labels: { app: 'api' } }));
    assert.deepEqual(await names(store, { labelSelector: 'app in (web)' }), ['shop/a']);
    assert.deepEqual(await names(store, { fieldSelector: 'metadata.name!=a' }), ['shop/b']);
    await assert.rejects(store.list(serviceKind, { labelSelector: '==x' }), { code: 'BadRequest' });
    await assert.rejects(store.list(serviceKind, { fieldSelector: 'spec.x=1' }), {
      code: 'BadRequest',
    });
  },
};

export const watching: StoreTests = {
  'every change after a version, each once': async ({ store }) => {
    const made = await store.create(serviceKind, service('a'));
    await store.create(podKind, pod('a'));
    await store.patch(serviceKind, { ...web, name: 'a' }, { metadata: { labels: { a: '1' } } });
    await store.delete(serviceKind, { ...web, name: 'a' });
    const after = made.metadata.resourceVersion;
    assert.deepEqual(await watched(store, { resourceVersion: after }), ['MODIFIED a', 'DELETED a']);
  },
  'from now when no version is named, whenever the first event is asked for': async ({ store }) => {
    await store.create(serviceKind, service('a'));
    const stop = new AbortController();
    const watch = store.watch(serviceKind, { signal: stop.signal });
    await store.create(serviceKind, service('b'));
    assert.deepEqual(await take(watch, 1), ['ADDED b']);
    stop.abort();
  },
  'events arrive while one waits, and the signal ends the watch': async ({ store }) => {
    const stop = new AbortController();
    const events = store.watch(serviceKind, { signal: stop.signal })[Symbol.asyncIterator]();
    const first = events.next();
    await store.create(serviceKind, service('a'));
    assert.equal(eventText((await first).value), 'ADDED a');
    const second = events.next();
    stop.abort();
    assert.deepEqual(await second, { done: true, value: undefined });
  },
  'a deletion carries the last state and its own version': async ({ store }) => {
    const made = await store.create(serviceKind, service('a', { spec: { type: 'X' } }));
    await store.delete(serviceKind, { ...web, name: 'a' });
    const stop = new AbortController();
    const { resourceVersion } = made.metadata;
    for await (const event of store.watch(serviceKind, { resourceVersion, signal: stop.signal })) {
      assert.ok(event.type === 'DELETED');
      assert.equal(event.object.spec?.type, 'X');
      assert.ok(version(event.object) > version(made));
      stop.abort();
    }
  },
  'an object that starts or stops matching comes and goes': async ({ store }) => {
    const start = (await store.list(serviceKind)).resourceVersion;
    const label = (app: string): object => ({ metadata: { labels: { app } } });
    await store.create(serviceKind, service('a'));
    await store.patch(serviceKind, { ...web, name: 'a' }, { ...label('web') });
    await store.patch(serviceKind, { ...web, name: 'a' }, { spec: { type: 'X' } });
    await store.patch(serviceKind, { ...web, name: 'a' }, { ...label('api') });
    await store.delete(serviceKind, { ...web, name: 'a' });
    const options = { resourceVersion: start, labelSelector: 'app=web' };
    assert.deepEqual(await watched(store, options), ['ADDED a', 'MODIFIED a', 'DELETED a']);
    const other = { resourceVersion: start, namespace: 'other' };
    assert.deepEqual(await watched(store, other), []);
  },
  'a version that is too old, or from another store, is Expired': async ({ store }) => {
    const first = (await store.list(serviceKind)).resourceVersion;
    for (let i = 0; i < 65; i++) await store.create(serviceKind, service(`s${i}`));
    const after = async (resourceVersion: string): Promise<readonly string[]> =>
      await take(store.watch(serviceKind, { resourceVersion, signal: never }), 64);
    const expired = { code: 'Expired' };
    await assert.rejects(after(first), expired);
    assert.equal((await after(String(Number(first) + 1))).at(-1), 'ADDED s64');
    await assert.rejects(after('999999'), expired);
  },
  'a malformed version or selector is told by the iteration': async ({ store }) => {
    await assert.rejects(watched(store, { resourceVersion: 'x' }), { code: 'BadRequest' });
    await assert.rejects(watched(store, { labelSelector: '==' }), { code: 'BadRequest' });
  },
  'a watcher that does not keep up is Expired, the others are not': async ({ store }) => {
    const stop = new AbortController();
    const slow = store.watch(serviceKind, { signal: stop.signal })[Symbol.asyncIterator]();
    const quick = store.watch(serviceKind, { signal: stop.signal })[Symbol.asyncIterator]();
    for (let i = 0; i < 100; i++) {
      await store.create(serviceKind, service(`s${i}`));
      assert.equal(eventText((await quick.next()).value), `ADDED s${i}`);
    }
    await assert.rejects(slow.next(), { code: 'Expired' });
    stop.abort();
  },
  'changes of other kinds age no watch': async ({ store }) => {
    const stop = new AbortController();
    const watch = store.watch(serviceKind, { signal: stop.signal });
    for (let i = 0; i < 200; i++) await store.create(podKind, pod(`p${i}`));
    await store.create(serviceKind, service('a'));
    assert.deepEqual(await take(watch, 1), ['ADDED a']);
    stop.abort();
  },
  'watchers share their events': async ({ store }) => {
    const stop = new AbortController();
    const options = { signal: stop.signal };
    const watches = [store.watch(serviceKind, options), store.watch(serviceKind, options)];
    await store.create(serviceKind, service('a'));
    const [one, two] = await Promise.all(
      watches.map(async (watch) => (await watch[Symbol.asyncIterator]().next()).value),
    );
    assert.ok(one !== undefined && one === two);
    stop.abort();
  },
};

function eventText(event: WatchEvent<Service> | undefined): string {
  if (event === undefined) return 'nothing';
  return event.type === 'BOOKMARK' ? event.type : `${event.type} ${event.object.metadata.name}`;
}

async function take(
  watch: AsyncIterable<WatchEvent<Service>>,
  count: number,
): Promise<readonly string[]> {
  const events: string[] = [];
  for await (const event of watch) if (events.push(eventText(event)) === count) break;
  return events;
}

/** What a watch replays up to now: a last object that everybody selects ends it. */
async function watched(
  store: ObjectClient,
  options: ListOptions & { readonly resourceVersion?: string | undefined },
): Promise<readonly string[]> {
  const stop = new AbortController();
  const watch = store.watch(serviceKind, { ...options, signal: stop.signal });
  const { resourceVersion } = await store.list(serviceKind);
  const last = `end-${resourceVersion}`;
  await store.create(serviceKind, service(last, { labels: { app: 'web' } }, options.namespace));
  const events: string[] = [];
  for await (const event of watch) {
    const text = eventText(event);
    if (text === `ADDED ${last}`) stop.abort();
    else events.push(text);
  }
  return events;
}
