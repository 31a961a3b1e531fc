/** A reflector keeps its picture true through everything a server can do to it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../obs/index.ts';
import { createFakeClock } from '../sys/index.ts';
import type { ObjectClient, WatchEvent, WatchOptions } from './client.ts';
import { ApiError } from './errors.ts';
import { serviceKind, type Service } from './kinds.ts';
import { createReflector, type Reflector } from './reflector.ts';

type Step =
  | WatchEvent<Service>
  | { readonly type: 'fail'; readonly error: Error }
  | { readonly type: 'end' };

/** A client whose answers are written down beforehand; a watch without a script stays open. */
class ScriptedClient {
  readonly calls: string[] = [];
  readonly lists: (Error | { readonly names: readonly string[]; readonly version: string })[] = [];
  readonly watches: (readonly Step[])[] = [];

  list(): Promise<unknown> {
    this.calls.push('list');
    const next = this.lists.shift();
    if (next === undefined || next instanceof Error) {
      return Promise.reject(next ?? new Error('nothing scripted'));
    }
    const items = next.names.map((name) => service(name, next.version));
    return Promise.resolve({ items, resourceVersion: next.version });
  }

  async *watch(_kind: unknown, options: WatchOptions): AsyncGenerator<WatchEvent<Service>> {
    this.calls.push(`watch ${options.resourceVersion}`);
    const script = this.watches.shift();
    for (const step of script ?? []) {
      if (step.type === 'fail') throw step.error;
      if (step.type === 'end') return;
      yield step;
    }
    await new Promise<void>((resolve) => options.signal.addEventListener('abort', () => resolve()));
  }
}

function service(name: string, resourceVersion: string): Service {
  return { apiVersion: 'v1', kind: 'Service', metadata: { name, namespace: 'd', resourceVersion } };
}

const added = (name: string, version: string): Step => ({
  type: 'ADDED',
  object: service(name, version),
});
const fail = (error: Error): Step => ({ type: 'fail', error });
const expired = new ApiError('Expired', 'too old resource version');

interface Rig {
  readonly client: ScriptedClient;
  readonly clock: ReturnType<typeof createFakeClock>;
  readonly seen: string[];
  readonly reflector: Reflector;
}

function rig(onEvent?: (name: string) => void): Rig {
  const client = new ScriptedClient();
  const clock = createFakeClock();
  const seen: string[] = [];
  const reflector = createReflector<Service>({
    client: client as unknown as ObjectClient,
    kind: serviceKind,
    clock,
    random: () => 0,
    log: silentLogger,
    onReplace: (items) => seen.push(`all ${items.map((item) => item.metadata.name).join(' ')}`),
    onEvent: (event) => {
      onEvent?.(event.object.metadata.name);
      seen.push(`${event.type} ${event.object.metadata.name}`);
    },
  });
  return { client, clock, seen, reflector };
}

const never = new AbortController().signal;

test('lists, then watches from the version of the list, in order', async () => {
  const { client, clock, seen, reflector } = rig();
  client.lists.push({ names: ['a', 'b'], version: '5' });
  client.watches.push([added('c', '6'), { type: 'DELETED', object: service('a', '7') }]);
  assert.equal(reflector.status().state, 'starting');
  await reflector.start(never);
  await reflector.synced;
  await clock.advance(0);
  assert.deepEqual(client.calls, ['list', 'watch 5']);
  assert.deepEqual(seen, ['all a b', 'ADDED c', 'DELETED a']);
  assert.equal(reflector.status().state, 'ready');
  await reflector.stop();
  await reflector.stop();
  assert.equal(reflector.status().state, 'stopped');
});

test('goes on after a failure from the last version it passed on, bookmarks included', async () => {
  const { client, clock, seen, reflector } = rig();
  client.lists.push({ names: [], version: '5' });
  client.watches.push([
    added('c', '6'),
    { type: 'BOOKMARK', resourceVersion: '9' },
    fail(new Error('reset')),
  ]);
  client.watches.push([added('d', '10')]);
  await reflector.start(never);
  await clock.advance(99);
  assert.deepEqual(client.calls, ['list', 'watch 5']);
  assert.deepEqual(reflector.status(), { state: 'degraded', detail: 'reset' });
  await clock.advance(1);
  assert.deepEqual(client.calls, ['list', 'watch 5', 'watch 9']);
  assert.deepEqual(seen, ['all ', 'ADDED c', 'ADDED d']);
  assert.equal(reflector.status().state, 'ready');
  await reflector.stop();
});

test('lists again at once when the version is too old, later when that keeps happening', async () => {
  const { client, clock, seen, reflector } = rig();
  for (const version of ['5', '8', '9']) client.lists.push({ names: [version], version });
  client.watches.push([fail(expired)], [fail(expired)], []);
  await reflector.start(never);
  await clock.advance(0);
  assert.deepEqual(client.calls, ['list', 'watch 5', 'list', 'watch 8']);
  assert.equal(clock.sleepers, 1);
  await clock.advance(200);
  assert.deepEqual(client.calls.slice(4), ['list', 'watch 9']);
  assert.deepEqual(seen, ['all 5', 'all 8', 'all 9']);
  await reflector.stop();
});

test('waits longer and longer, never less than 100 ms nor more than 30 s', async () => {
  const { client, clock, reflector } = rig();
  for (let i = 0; i < 12; i++) client.lists.push(new Error('down'));
  client.lists.push({ names: [], version: '1' });
  const starting = reflector.start(never);
  await clock.advance(0);
  const at: number[] = [0];
  let calls = 1;
  for (let ms = 0; ms < 120_000 && client.calls.length < 14; ms += 50) {
    await clock.advance(50);
    if (client.calls.length > calls) at.push(clock.now());
    calls = client.calls.length;
  }
  await starting;
  const waits = at.slice(1).map((ms, i) => ms - (at[i] ?? 0));
  // Half of the ceiling, which doubles from 200 ms to 30 s, as chance says 0.
  assert.deepEqual(
    waits,
    [100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 15_000, 15_000, 15_000, 15_000],
  );
  await reflector.stop();
});

test('a server that ends every watch is not hammered, and one that ends it after its time is no failure', async () => {
  const { client, clock, reflector } = rig();
  client.lists.push({ names: [], version: '5' });
  client.watches.push([{ type: 'end' }], [{ type: 'end' }]);
  await reflector.start(never);
  await clock.advance(99);
  assert.equal(client.calls.length, 2);
  await clock.advance(1);
  assert.equal(client.calls.length, 3);
  await clock.advance(199);
  assert.equal(client.calls.length, 3);
  await clock.advance(1);
  assert.equal(client.calls.length, 4);
  assert.equal(reflector.status().state, 'ready');
  await reflector.stop();
});

test('a change whose listener failed comes again', async () => {
  let failures = 1;
  const { client, clock, seen, reflector } = rig((name) => {
    if (name === 'd' && failures-- > 0) throw new Error('listener');
  });
  client.lists.push({ names: [], version: '5' });
  client.watches.push([added('c', '6'), added('d', '7')], [added('d', '7'), added('e', '8')]);
  await reflector.start(never);
  await clock.advance(100);
  assert.deepEqual(client.calls, ['list', 'watch 5', 'watch 6']);
  assert.deepEqual(seen, ['all ', 'ADDED c', 'ADDED d', 'ADDED e']);
  await reflector.stop();
});

test('start rejects when it is given up, and nothing is passed on afterwards', async () => {
  const { client, clock, seen, reflector } = rig();
  client.lists.push(new Error('down'), { names: ['a'], version: '1' });
  const giveUp = new AbortController();
  const starting = reflector.start(giveUp.signal);
  await clock.advance(0);
  giveUp.abort(new Error('given up'));
  await assert.rejects(starting, { message: 'given up' });
  await clock.advance(60_000);
  assert.deepEqual(client.calls, ['list']);
  assert.deepEqual(seen, []);
  assert.equal(clock.sleepers, 0);
});
