/**
 * `up --data-dir` killed with -9 at random moments under 16 writers over HTTPS, and watchers that go on from where they
 * were: 10 times, 60 in `npm run soak` (the store by itself is killed 200 times there).
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiClient, type ApiEvent, type ApiObject } from '../support/api-client.ts';
import { launcher, needsLinux, newHome } from '../support/cli.ts';
import { start } from '../support/program.ts';

const kills = process.env['SWITCHYARD_SOAK'] === '1' ? 60 : 10;
const writers = 16;
const watchers = 3;
const answersEach = 30;
const path = '/api/v1/namespaces/default/configmaps';

interface Answered {
  readonly name: string;
  readonly id: string | undefined;
}

/** What the test holds the instance to, over all its lives. */
class Ledger {
  /** By version. */
  readonly answered = new Map<number, Answered>();
  readonly events = Array.from({ length: watchers }, () => new Map<number, ApiEvent>());
  readonly last = Array.from({ length: watchers }, () => 0);
  highest = 0;
  /** Writes answered without a version: deletions. */
  deletions = 0;

  answer(version: number, answered: Answered): void {
    assert.equal(this.answered.has(version), false, `version ${version} was given twice`);
    this.answered.set(version, answered);
    this.highest = Math.max(this.highest, version);
  }

  see(watcher: number, event: ApiEvent): void {
    if (event.type === 'BOOKMARK') return;
    assert.notEqual(event.type, 'ERROR', JSON.stringify(event));
    const version = Number(event.object.metadata.resourceVersion);
    const last = this.last[watcher] ?? 0;
    assert.ok(version > last, `event ${version} after ${last}: a double`);
    this.last[watcher] = version;
    this.highest = Math.max(this.highest, version);
    this.events[watcher]?.set(version, event);
  }
}

/** Until the instance is gone. Half of its objects are its own, half are everybody's. */
async function write(client: ApiClient, writer: number, ledger: Ledger): Promise<void> {
  for (let i = 0; ; i++) {
    const name = i % 2 === 0 ? `own-${writer}-${i % 14}` : `shared-${(i * 7 + writer) % 5}`;
    const id = `${process.hrtime.bigint()} ${writer} ${i}`;
    const body = { metadata: { name }, data: { id, text: id.repeat(1 + ((i * 13) % 100)) } };
    const verb = ['POST', 'PUT', 'PUT', 'PUT', 'DELETE'][(i + writer) % 5] ?? 'PUT';
    const where = verb === 'POST' ? path : `${path}/${name}`;
    try {
      const { status, body: stored } = await client.send(
        verb,
        where,
        verb === 'DELETE' ? undefined : body,
      );
      if (status !== 200 && status !== 201) continue;
      if (verb === 'DELETE') ledger.deletions++;
      else
        ledger.answer(Number(stored.metadata.resourceVersion), { name, id: stored.data?.['id'] });
    } catch (thrown) {
      if (thrown instanceof assert.AssertionError) throw thrown;
      // Killed: this write may be there or not.
      return;
    }
  }
}

/** Played from the beginning, what a watch said must be what is there; a gap shows as a change of what is not. */
function play(events: ReadonlyMap<number, ApiEvent>): ReadonlyMap<string, ApiEvent> {
  const played = new Map<string, ApiEvent>();
  for (const event of events.values()) {
    const { name } = event.object.metadata;
    assert.equal(!played.has(name), event.type === 'ADDED', `${event.type} ${name}: a gap`);
    if (event.type === 'DELETED') played.delete(name);
    else played.set(name, event);
  }
  return played;
}

const versionOf = ({ metadata }: ApiObject): string | undefined => metadata.resourceVersion;

/** Addresses follow the name: the same test twice on one host must not take them from itself between two lives. */
const instance = `k${process.pid}`;

test(
  `up is killed with -9, ${kills} times under ${writers} writers: nothing answered is lost, no watch has a gap or a double`,
  { skip: needsLinux },
  async (t) => {
    const home = newHome(t);
    const folder = home.env['HOME'] ?? '';
    const ledger = new Ledger();
    for (let round = 0; round <= kills; round++) {
      const args = [
        '--instance',
        instance,
        '--data-dir',
        join(folder, 'data'),
        '--log-level',
        'error',
      ];
      const program = start(t, [...launcher, 'up', ...args], home);
      await program.printed('Ready');
      const client = new ApiClient(join(folder, '.local/state/switchyard', instance));
      // The last one comes after all others, whoever was told of them.
      const marker = { metadata: { name: `life-${round}` } };
      const { body: made } = await client.send('POST', path, marker);
      const { body: list } = await client.send('GET', path);
      const version = Number(list.metadata.resourceVersion);
      assert.ok(version >= ledger.highest, `version ${version} after ${ledger.highest}`);
      if (round === 0) ledger.last.fill(Number(made.metadata.resourceVersion) - 1);
      const watching = ledger.last.map((last, i) =>
        client.watch(`${path}?watch=1&resourceVersion=${last}`, (event) => ledger.see(i, event)),
      );
      if (round === kills) {
        // The end: everything that was written is there to be seen.
        const end = Number(made.metadata.resourceVersion);
        assert.ok(end > ledger.highest);
        while (ledger.last.some((last) => last < end)) await sleep(10);
        const items = list.items ?? [];
        for (const events of ledger.events) {
          for (const [at, { name, id }] of ledger.answered) {
            const event = events.get(at);
            assert.equal(event?.object.metadata.name, name, `write ${at} of ${name} is lost`);
            assert.equal(event.object.data?.['id'], id, `write ${at} of ${name} is another`);
          }
          assert.deepEqual(
            new Map([...play(events)].map(([name, event]) => [name, versionOf(event.object)])),
            new Map(items.map((item) => [item.metadata.name, versionOf(item)])),
          );
        }
        for (const { metadata, data = {} } of items) {
          const { id = '', text = '' } = data;
          if (id === '') continue;
          assert.equal(text.replaceAll(id, ''), '', `${metadata.name} is half written`);
        }
        t.diagnostic(`${ledger.answered.size} writes and ${ledger.deletions} deletions answered`);
        program.kill('SIGTERM');
      } else {
        const writing = Array.from({ length: writers }, (_, i) => write(client, i, ledger));
        // However slow the machine is, there is something to be lost; then at a moment nobody can foresee.
        const enough = ledger.answered.size + answersEach;
        while (ledger.answered.size < enough) await sleep(5);
        await sleep(Math.random() * 600);
        program.kill('SIGKILL');
        await program.ended;
        await Promise.all(writing);
      }
      await program.ended;
      client.close();
      await Promise.all(watching);
    }
  },
);
