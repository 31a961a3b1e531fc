/**
 * Nothing acknowledged is lost: a process that writes is killed at random moments, over and over, and what it had
 * answered is held against what is there afterwards. 30 times, 200 in `npm run soak`.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open as openFile, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { configMapKind } from '../../src/kube/index.ts';
import { openDurableStore } from '../../src/store/index.ts';
import { systemClock } from '../../src/sys/index.ts';

const kills = process.env['SWITCHYARD_SOAK'] === '1' ? 200 : 30;
const child = new URL('../support/store-writers.ts', import.meta.url).pathname;

interface Stored {
  readonly stored: string;
  readonly version: string;
  readonly data: unknown;
}

interface Seen {
  readonly saw: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly name: string;
  readonly version: string;
  readonly data: unknown;
}

type Line = Stored | Seen | { readonly deleted: string } | { readonly open: string };

/** Runs the writers, kills them after a while, and gives all that they said. */
async function runAndKill(folder: string, from: number, afterMs: number): Promise<readonly Line[]> {
  // A file, not a pipe: what was said before the kill is there, however busy this process was.
  const path = `${folder}.said`;
  const said = await openFile(path, 'w');
  try {
    const writers = spawn(process.execPath, [child, folder, String(from)], {
      stdio: ['ignore', said.fd, 'inherit'],
    });
    const exited = once(writers, 'exit');
    // Some die while they open the store, most while they write.
    const isEarly = Math.random() < 0.1;
    while (!isEarly && (await said.stat()).size === 0) await sleep(5);
    await sleep(afterMs);
    writers.kill('SIGKILL');
    const [code, signal] = await exited;
    assert.deepEqual([code, signal], [null, 'SIGKILL'], 'the writers ended by themselves');
    const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Line);
  } finally {
    await said.close();
  }
}

test(`kill -9, ${kills} times under 16 writers: nothing answered is lost, no watch has a gap or a double`, async () => {
  const root = await mkdtemp(join(tmpdir(), 'switchyard-kill-'));
  const folder = join(root, 'data');
  /** What each watch event said, by version; and what was answered. */
  const events = new Map<number, Seen>();
  const answers = new Map<number, Stored>();
  let lastSeen = 0;
  let highest = 0;
  let answered = 0;
  try {
    for (let round = 0; round < kills; round++) {
      const afterMs = Math.random() * 300;
      for (const line of await runAndKill(folder, lastSeen, afterMs)) {
        if ('open' in line) {
          assert.ok(Number(line.open) >= highest, `version ${line.open} after ${highest}`);
          highest = Number(line.open);
        } else if ('saw' in line) {
          const version = Number(line.version);
          assert.ok(version > lastSeen, `event ${version} after ${lastSeen}: a double`);
          lastSeen = version;
          highest = Math.max(highest, version);
          events.set(version, line);
        } else if ('stored' in line) {
          const version = Number(line.version);
          assert.equal(answers.has(version), false, `version ${version} was given twice`);
          answers.set(version, line);
          highest = Math.max(highest, version);
          answered++;
        } else {
          answered++;
        }
      }
    }
    const store = await openDurableStore({
      folder,
      clock: systemClock,
      newUid: () => 'x',
      keepChanges: 100_000,
      historySize: 100_000,
    });
    const { items, resourceVersion } = await store.client.list(configMapKind);
    assert.ok(Number(resourceVersion) >= highest);
    // The end of the history, which the last kill cut off from the watcher.
    const stop = new AbortController();
    const options = { resourceVersion: String(lastSeen), signal: stop.signal };
    const watch = store.client.watch(configMapKind, options)[Symbol.asyncIterator]();
    while (lastSeen < Number(resourceVersion)) {
      const { value } = await watch.next();
      if (value === undefined || value.type === 'BOOKMARK') continue;
      const { metadata, data } = value.object;
      lastSeen = Number(metadata.resourceVersion);
      const version = metadata.resourceVersion ?? '';
      events.set(lastSeen, { saw: value.type, name: metadata.name, version, data });
    }
    stop.abort();
    await store.close();
    for (const [version, { stored, data }] of answers) {
      const event = events.get(version);
      assert.equal(
        event?.name,
        stored,
        `the answered write ${version} of ${stored} is in no watch`,
      );
      assert.deepEqual(event?.data, data, `the write ${version} of ${stored} is not whole`);
    }
    // Played from the beginning, what the watches said is what is there now.
    const played = new Map<string, Seen>();
    for (const event of events.values()) {
      const before = played.get(event.name);
      assert.equal(
        before === undefined,
        event.saw === 'ADDED',
        `${event.saw} ${event.name}: a gap`,
      );
      if (event.saw === 'DELETED') played.delete(event.name);
      else played.set(event.name, event);
    }
    assert.deepEqual(
      items.map(({ metadata, data }) => [metadata.name, metadata.resourceVersion, data]),
      [...played.values()]
        .map(({ name, version, data }) => [name, version, data])
        .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    );
    assert.ok(answered > kills * 10, `only ${answered} writes were answered`);
  } finally {
    await rm(root, { recursive: true });
  }
});
