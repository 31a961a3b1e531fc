/** Random histories: a store must list and replay exactly what a naive model of it says. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import {
  isAlreadyExists,
  isNotFound,
  parseLabelSelector,
  serviceKind,
  type ObjectClient,
  type Service,
} from '../kube/index.ts';

/** One write; most hit objects that are there, some do not. */
interface Step {
  readonly verb: 'create' | 'update' | 'patch' | 'delete';
  readonly name: string;
  readonly namespace: string;
  readonly app: string;
  readonly type: string;
}

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record<Step>({
    verb: fc.constantFrom('create', 'create', 'update', 'patch', 'delete'),
    name: fc.constantFrom('a', 'b'),
    namespace: fc.constantFrom('x', 'y'),
    app: fc.constantFrom('web', 'api'),
    type: fc.constantFrom('A', 'B'),
  }),
  { maxLength: 40 },
);

const watchers = fc.record({
  from: fc.nat({ max: 40 }),
  namespace: fc.constantFrom(undefined, 'x'),
  labelSelector: fc.constantFrom(undefined, 'app=web', 'app!=web', '!none'),
});

interface ModelEvent {
  readonly before: Service | undefined;
  readonly after: Service | undefined;
}

/** Declares the property; the store must keep at least 64 changes. */
export function storeModelSuite(
  name: string,
  create: () => Promise<ObjectClient> | ObjectClient,
  { histories = 300 }: { readonly histories?: number } = {},
): void {
  test(`${name}: every history is listed and replayed as the model says`, async () => {
    await fc.assert(
      fc.asyncProperty(steps, watchers, async (history, watcher) => {
        const store = await create();
        const { objects, log } = await play(store, history);
        const { items, resourceVersion } = await store.list(serviceKind);
        assert.deepEqual(items.map(textOf), [...objects.values()].map(textOf).toSorted());
        assert.equal(Number(resourceVersion), log.length);
        const from = Math.min(watcher.from, log.length);
        const got = await replay(store, { ...watcher, from });
        assert.deepEqual(got, expected(log.slice(from), watcher));
      }),
      { numRuns: histories },
    );
  });
}

async function play(
  store: ObjectClient,
  history: readonly Step[],
): Promise<{ objects: Map<string, Service>; log: ModelEvent[] }> {
  const objects = new Map<string, Service>();
  const log: ModelEvent[] = [];
  for (const step of history) {
    const key = `${step.namespace}/${step.name}`;
    const before = objects.get(key);
    const wanted = objectOf(step);
    const after = step.verb === 'delete' ? undefined : wanted;
    const isMissing = step.verb !== 'create' && before === undefined;
    const isThere = step.verb === 'create' && before !== undefined;
    const writing = write(store, step, wanted);
    if (isMissing) await assert.rejects(writing, isNotFound);
    else if (isThere) await assert.rejects(writing, isAlreadyExists);
    else {
      await writing;
      const changed =
        before === undefined || after === undefined || textOf(before) !== textOf(after);
      if (changed) log.push({ before, after });
      if (after === undefined) objects.delete(key);
      else objects.set(key, after);
    }
  }
  return { objects, log };
}

async function write(store: ObjectClient, step: Step, wanted: Service): Promise<unknown> {
  switch (step.verb) {
    case 'create':
      return await store.create(serviceKind, wanted);
    case 'update':
      return await store.update(serviceKind, wanted);
    case 'patch': {
      const { metadata, spec } = wanted;
      return await store.patch(serviceKind, step, { metadata: { labels: metadata.labels }, spec });
    }
    case 'delete':
      return await store.delete(serviceKind, step);
  }
}

interface Watcher {
  readonly from: number;
  readonly namespace: string | undefined;
  readonly labelSelector: string | undefined;
}

async function replay(store: ObjectClient, watcher: Watcher): Promise<readonly string[]> {
  const { from, namespace, labelSelector } = watcher;
  const stop = new AbortController();
  const watch = store.watch(serviceKind, {
    namespace,
    labelSelector,
    resourceVersion: String(from),
    signal: stop.signal,
  });
  // The last change of all matches every watcher.
  const end = objectOf({ name: 'end', namespace: 'x', app: 'end', type: 'A' });
  const labels = { app: labelSelector === 'app=web' ? 'web' : 'end' };
  await store.create(serviceKind, { ...end, metadata: { ...end.metadata, labels } });
  const events: string[] = [];
  for await (const event of watch) {
    assert.ok(event.type !== 'BOOKMARK');
    if (event.object.metadata.name === 'end') stop.abort();
    else events.push(`${event.type} ${textOf(event.object)}`);
  }
  return events;
}

function expected(log: readonly ModelEvent[], watcher: Omit<Watcher, 'from'>): readonly string[] {
  const selector = parseLabelSelector(watcher.labelSelector ?? '');
  const sees = (object: Service | undefined): boolean =>
    object !== undefined &&
    (watcher.namespace === undefined || object.metadata.namespace === watcher.namespace) &&
    selector.matches(object.metadata.labels);
  return log.flatMap(({ before, after }) => {
    if (after !== undefined && sees(after)) {
      return [`${sees(before) ? 'MODIFIED' : 'ADDED'} ${textOf(after)}`];
    }
    return before !== undefined && sees(before) ? [`DELETED ${textOf(before)}`] : [];
  });
}

function objectOf({ name, namespace, app, type }: Omit<Step, 'verb'>): Service {
  const metadata = { name, namespace, labels: { app } };
  return { apiVersion: 'v1', kind: 'Service', metadata, spec: { type } };
}

/** What the model knows of an object; sorts as lists do. */
function textOf({ metadata, spec }: Service): string {
  return `${metadata.namespace}/${metadata.name} ${metadata.labels?.['app']} ${spec?.type}`;
}
