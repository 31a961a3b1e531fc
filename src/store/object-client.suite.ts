/** What every raw ObjectClient keeps to, whatever holds the objects; each store runs it in a test of its own. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  endpointSliceKind,
  namespaceKind,
  podKind,
  serviceKind,
  type ListOptions,
  type ObjectClient,
  type Pod,
  type Service,
  type WatchEvent,
} from '../kube/index.ts';
import type { FakeClock } from '../sys/index.ts';

export interface SuiteStore {
  readonly store: ObjectClient;
  /** The clock the store reads. */
  readonly clock: FakeClock;
}

export interface SuiteOptions {
  /** A fresh, empty store that keeps this many changes of a kind. */
  create(historySize: number): Promise<SuiteStore> | SuiteStore;
  /** What this store differs in: the title of a test and why it does not hold. */
  readonly skip?: Readonly<Record<string, string>> | undefined;
}

type Body = (suite: SuiteStore) => Promise<void>;

/** Declares the tests. */
export function objectClientSuite(name: string, options: SuiteOptions): void {
  const { skip = {} } = options;
  const tests = { ...writing, ...refusing, ...listing, ...watching };
  for (const [title, body] of Object.entries(tests)) {
    const why = Object.hasOwn(skip, title) ? skip[title] : undefined;
    test(`${name}: ${title}`, { skip: why ?? false }, async () => body(await options.create(64)));
  }
  test(`${name}: what is skipped is in the suite`, () => {
    assert.deepEqual(
      Object.keys(skip).filter((title) => !Object.hasOwn(tests, title)),
      [],
    );
  });
}

const never = new AbortController().signal;
const web = { namespace: 'shop', name: 'web' };

const writing: Readonly<Record<string, Body>> = {
  'an object is stored with uid, time, generation and version': async ({ store, clock }) => {
    await clock.advance(Date.UTC(2026, 10, 22, 11, 30, 7, 999));
    const made = await store.create(serviceKind, service('web'));
    assert.match(made.metadata.uid ?? '', /./);
    assert.equal(made.metadata.creationTimestamp, '2026-11-22T11:30:07Z');
    assert.equal(made.metadata.generation, 1);
    assert.match(made.metadata.resourceVersion ?? '', /^[1-9][0-9]*$/);
    assert.deepEqual(await store.get(serviceKind, web), made);
  },
  'a delete with grace marks; only a shorter one changes the mark; none left deletes': async ({
    store,
    clock,
  }) => {
    await clock.advance(Date.UTC(2026, 10, 22, 11, 0, 0));
    await store.create(serviceKind, service('web'));
    await store.delete(serviceKind, web, { gracePeriodSeconds: 30 });
    const marked = await store.get(serviceKind, web);
    assert.equal(marked.metadata.deletionTimestamp, '2026-11-22T11:00:30Z');
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 30);
    await store.delete(serviceKind, web, { gracePeriodSeconds: 60 });
    assert.deepEqual(await store.get(serviceKind, web), marked);
    const { deletionTimestamp: _mark, ...bare } = marked.metadata;
    const updated = await store.update(serviceKind, {
      ...marked,
      metadata: { ...bare, labels: { a: 'b' } },
    });
    assert.equal(updated.metadata.deletionTimestamp, '2026-11-22T11:00:30Z');
    await store.delete(serviceKind, web, { gracePeriodSeconds: 2 });
    const shorter = await store.get(serviceKind, web);
    assert.equal(shorter.metadata.deletionGracePeriodSeconds, 2);
    await store.delete(serviceKind, web, { gracePeriodSeconds: 0 });
    await assert.rejects(store.get(serviceKind, web), { code: 'NotFound' });
  },
  'an object with finalizers stays until the last is taken off': async ({ store }) => {
    const made = service('web');
    const metadata = { ...made.metadata, finalizers: ['example.com/a'] };
    await store.create(serviceKind, { ...made, metadata });
    const { resourceVersion } = await store.list(serviceKind);
    await store.delete(serviceKind, web);
    const marked = await store.get(serviceKind, web);
    assert.equal(marked.metadata.deletionGracePeriodSeconds, 0);
    await store.patch(serviceKind, web, { metadata: { finalizers: [] } });
    await assert.rejects(store.get(serviceKind, web), { code: 'NotFound' });
    const stop = new AbortController();
    const seen: string[] = [];
    for await (const event of store.watch(serviceKind, { resourceVersion, signal: stop.signal })) {
      seen.push(event.type);
      if (event.type === 'DELETED') stop.abort();
    }
    assert.deepEqual(seen, ['MODIFIED', 'DELETED']);
  },
  'what is given is not changed, what is returned cannot be': async ({ store }) => {
    const given = service('web', { spec: { ports: [{ port: 80 }] } });
    const copy = structuredClone(given);
    const made = await store.create(serviceKind, given);
    assert.deepEqual(given, copy);
    assert.equal(Object.isFrozen(given), false);
    assert.ok(Object.isFrozen(made) && Object.isFrozen(made.spec?.ports?.[0]));
  },
  'versions grow over all kinds': async ({ store }) => {
    const a = await store.create(serviceKind, service('web'));
    const b = await store.create(podKind, pod('web'));
    assert.ok(version(b) > version(a));
    assert.equal((await store.list(serviceKind)).resourceVersion, b.metadata.resourceVersion);
  },
  'generation counts changes of the spec only': async ({ store }) => {
    await store.create(serviceKind, service('web'));
    const label = { metadata: { labels: { a: '1' } } };
    assert.equal((await store.patch(serviceKind, web, label)).metadata.generation, 1);
    const spec = { spec: { type: 'NodePort' } };
    assert.equal((await store.patch(serviceKind, web, spec)).metadata.generation, 2);
    const status = { status: { loadBalancer: {} }, spec: { type: 'ClusterIP' } };
    const patched = await store.patch(serviceKind, web, status, { subresource: 'status' });
    assert.equal(patched.metadata.generation, 2);
    assert.deepEqual(patched.status, { loadBalancer: {} });
    assert.equal(patched.spec?.type, 'NodePort');
  },
  'a write that changes nothing is no change': async ({ store }) => {
    const made = await store.create(serviceKind, service('web'));
    const again = [
      await store.update(serviceKind, structuredClone(made)),
      await store.update(serviceKind, service('web')),
      await store.patch(serviceKind, web, { metadata: { annotations: null } }),
    ];
    for (const same of again) {
      assert.equal(same.metadata.resourceVersion, made.metadata.resourceVersion);
    }
    assert.equal((await store.list(serviceKind)).resourceVersion, made.metadata.resourceVersion);
  },
  'an update cannot change what the store set': async ({ store }) => {
    const made = await store.create(serviceKind, service('web'));
    const { resourceVersion } = made.metadata;
    assert.ok(resourceVersion !== undefined);
    const metadata = { ...web, resourceVersion, creationTimestamp: 'x', generation: 9 };
    const updated = await store.update(serviceKind, { ...service('web'), metadata });
    assert.equal(updated.metadata.creationTimestamp, made.metadata.creationTimestamp);
    assert.equal(updated.metadata.generation, 1);
  },
  'a patch deletes with null and keeps the rest': async ({ store }) => {
    await store.create(serviceKind, service('web', { spec: { type: 'X', clusterIP: 'y' } }));
    const patched = await store.patch(serviceKind, web, { spec: { type: null } });
    assert.deepEqual(patched.spec, { clusterIP: 'y' });
  },
};

const refusing: Readonly<Record<string, Body>> = {
  'what is not there': async ({ store }) => {
    const message = 'services "web" not found';
    await assert.rejects(store.get(serviceKind, web), { code: 'NotFound', message });
    await assert.rejects(store.update(serviceKind, service('web')), { code: 'NotFound' });
    await assert.rejects(store.patch(serviceKind, web, {}), { code: 'NotFound' });
    await assert.rejects(store.delete(serviceKind, web), { code: 'NotFound' });
    await assert.rejects(store.get(endpointSliceKind, web), {
      message: 'endpointslices.discovery.k8s.io "web" not found',
    });
  },
  'what is there already': async ({ store }) => {
    await store.create(serviceKind, service('web'));
    const message = 'services "web" already exists';
    await assert.rejects(store.create(serviceKind, service('web')), {
      code: 'AlreadyExists',
      message,
    });
    await store.create(podKind, pod('web'));
  },
  'a version that is not the newest': async ({ store }) => {
    const made = await store.create(serviceKind, service('web'));
    await store.patch(serviceKind, web, { metadata: { labels: { a: '1' } } });
    const refused = {
      code: 'Conflict',
      message:
        'Operation cannot be fulfilled on services "web": the object has been modified; please apply your changes to the latest version and try again',
    };
    await assert.rejects(store.update(serviceKind, made), refused);
    const { resourceVersion } = made.metadata;
    await assert.rejects(store.patch(serviceKind, web, { metadata: { resourceVersion } }), refused);
  },
  'preconditions of a delete': async ({ store }) => {
    const made = await store.create(serviceKind, service('web'));
    await assert.rejects(store.delete(serviceKind, web, { preconditions: { uid: 'other' } }), {
      code: 'Conflict',
      message: `Operation cannot be fulfilled on Service "web": the UID in the precondition (other) does not match the UID in record (${made.metadata.uid}). The object might have been deleted and then recreated`,
    });
    const stale = { preconditions: { resourceVersion: '0' } };
    await assert.rejects(store.delete(serviceKind, web, stale), { code: 'Conflict' });
    const { uid, resourceVersion } = made.metadata;
    await store.delete(serviceKind, web, { preconditions: { uid, resourceVersion } });
    await assert.rejects(store.get(serviceKind, web), { code: 'NotFound' });
  },
  'objects that do not fit the place': async ({ store }) => {
    const bad = { code: 'BadRequest' };
    const nowhere = { ...service('web'), metadata: { name: 'web' } };
    await assert.rejects(store.create(serviceKind, nowhere), bad);
    await assert.rejects(store.create(serviceKind, { ...service('web'), kind: 'Pod' }), bad);
    const versioned = { ...service('web'), metadata: { ...web, resourceVersion: '1' } };
    await assert.rejects(store.create(serviceKind, versioned), bad);
    await store.create(serviceKind, service('web'));
    await assert.rejects(store.patch(serviceKind, web, { metadata: { name: 'api' } }), bad);
    await assert.rejects(store.patch(serviceKind, web, { kind: 'Pod' }), bad);
    await assert.rejects(store.patch(serviceKind, web, { metadata: null }), bad);
  },
};

const listing: Readonly<Record<string, Body>> = {
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

const watching: Readonly<Record<string, Body>> = {
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
  'a delete in the foreground, or of orphans, leaves the object with a finalizer': async ({
    store,
  }) => {
    for (const [propagationPolicy, finalizer] of [
      ['Foreground', 'foregroundDeletion'],
      ['Orphan', 'orphan'],
    ] as const) {
      await store.create(serviceKind, service('a'));
      await store.delete(serviceKind, { ...web, name: 'a' }, { propagationPolicy });
      const { metadata } = await store.get(serviceKind, { ...web, name: 'a' });
      assert.deepEqual(metadata.finalizers, [finalizer]);
      assert.equal(metadata.deletionGracePeriodSeconds, 0);
      await store.delete(serviceKind, { ...web, name: 'a' }, { propagationPolicy });
      const again = await store.get(serviceKind, { ...web, name: 'a' });
      assert.equal(again.metadata.resourceVersion, metadata.resourceVersion);
      await store.patch(serviceKind, { ...web, name: 'a' }, { metadata: { finalizers: null } });
      assert.deepEqual(await names(store, {}), []);
    }
  },
  'a delete may change how it goes, and in the background it goes at once': async ({ store }) => {
    const name = { ...web, name: 'a' };
    await store.create(serviceKind, service('a'));
    await store.delete(serviceKind, name, { propagationPolicy: 'Foreground' });
    await store.delete(serviceKind, name, { propagationPolicy: 'Orphan' });
    assert.deepEqual((await store.get(serviceKind, name)).metadata.finalizers, ['orphan']);
    await store.delete(serviceKind, name, { propagationPolicy: 'Background' });
    assert.deepEqual(await names(store, {}), []);
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

interface ServiceParts {
  readonly labels?: Readonly<Record<string, string>>;
  readonly spec?: NonNullable<Service['spec']>;
}

function service(name: string, { labels, spec }: ServiceParts = {}, namespace = 'shop'): Service {
  const metadata = { name, namespace, ...(labels === undefined ? {} : { labels }) };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: spec ?? {} };
}

function pod(name: string): Pod {
  return { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: 'shop' } };
}

function version(object: Service | Pod): number {
  return Number(object.metadata.resourceVersion);
}

function eventText(event: WatchEvent<Service> | undefined): string {
  if (event === undefined) return 'nothing';
  return event.type === 'BOOKMARK' ? event.type : `${event.type} ${event.object.metadata.name}`;
}

async function names(store: ObjectClient, options: ListOptions): Promise<readonly string[]> {
  const { items } = await store.list(serviceKind, options);
  return items.map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
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
