/** What writing does to an object, and what of it is refused, in every ObjectClient. */
import assert from 'node:assert/strict';
import { endpointSliceKind, podKind, serviceKind } from '../kube/index.ts';
import { names, pod, service, version, web, type StoreTests } from './suite-parts.suite.ts';

export const writing: StoreTests = {
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
};

export const refusing: StoreTests = {
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
