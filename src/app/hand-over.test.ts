/** What is refused before anything is touched, and that the running side goes on when nobody serves in the end. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { messageOf } from '../model/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { loadLibc } from '../sys/ffi/index.ts';
import { joinMeeting } from '../sys/handover/index.ts';
import { createLogger } from '../obs/index.ts';
import { handoverProtocol, unpackEstate, type LeftEstate } from './estate.ts';
import { createHandOver, type HandOver } from './hand-over.ts';

const libc = await loadLibc().catch(messageOf);
const skip = typeof libc === 'string' ? libc : false;

const left: LeftEstate = {
  startedAt: 'then',
  claim: undefined,
  serviceRange: '127.70.0.0/17',
  store: { compacted: 7, revisions: [] },
  dataFolder: undefined,
  driver: { sockets: [], memory: { choices: [], health: [], lingerMs: 0, flows: [] } },
  node: { pods: [], logs: [] },
};

interface Rig {
  readonly handOver: HandOver;
  readonly folder: string;
  readonly calls: string[];
  /** Resolves at the next call of this name. */
  readonly called: (name: string) => Promise<void>;
}

function rig(t: TestContext): Rig {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-handover-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const calls: string[] = [];
  const waiting = new Map<string, () => void>();
  const note = (name: string): void => {
    calls.push(name);
    waiting.get(name)?.();
  };
  const handOver = createHandOver({
    folder,
    start: {
      files: [],
      engine: 'portable',
      drainSeconds: undefined,
      dnsUpstreams: [],
      metrics: undefined,
    },
    log: createLogger({
      level: 'error',
      format: 'text',
      clock: createFakeClock(),
      write: () => undefined,
    }),
    suspend: async () => {
      note('suspend');
      return left;
    },
    resume: async () => note('resume'),
    release: async () => note('release'),
  });
  const called = (name: string): Promise<void> =>
    calls.includes(name) ? Promise.resolve() : new Promise((resolve) => waiting.set(name, resolve));
  return { handOver, folder, calls, called };
}

test('another protocol is refused and nothing is touched', async (t) => {
  const { handOver, folder, calls } = rig(t);
  await assert.rejects(handOver.offer('999'), { code: 'HANDOVER_VERSION_MISMATCH' });
  await assert.rejects(handOver.offer('none'), { code: 'HANDOVER_VERSION_MISMATCH' });
  assert.deepEqual([calls, readdirSync(folder)], [[], []]);
});

test(
  'one at a time; a successor that goes away leaves everything as it was',
  { skip },
  async (t) => {
    if (typeof libc === 'string') return;
    const { handOver, calls, called } = rig(t);
    const { path } = await handOver.offer(String(handoverProtocol));
    await assert.rejects(handOver.offer(String(handoverProtocol)), { code: 'HANDOVER_BUSY' });
    const channel = await joinMeeting(libc, path);
    await channel.send({ kind: 'ready' });
    await channel.receive(5_000);
    channel.close();
    await called('resume');
    assert.deepEqual(calls, ['suspend', 'resume']);
  },
);

test(
  'what was left arrives, and the running side lets go when the other serves',
  { skip },
  async (t) => {
    if (typeof libc === 'string') return;
    const { handOver, calls } = rig(t);
    const { path } = await handOver.offer(String(handoverProtocol));
    const channel = await joinMeeting(libc, path);
    await channel.send({ kind: 'ready' });
    const estate = unpackEstate(await channel.receive(5_000), libc);
    assert.deepEqual([estate.startedAt, estate.store.compacted], ['then', 7]);
    await channel.send({ kind: 'serving', pid: 42 });
    assert.deepEqual((await channel.receive(5_000)).value, { kind: 'released' });
    assert.equal(await handOver.replaced, 42);
    assert.deepEqual(calls, ['suspend', 'release']);
    channel.close();
  },
);

test('an estate of another protocol is not unpacked', { skip }, () => {
  if (typeof libc === 'string') return;
  for (const value of [{ protocol: 1 }, {}, null, 'text']) {
    assert.throws(() => unpackEstate({ value, descriptors: [] }, libc), {
      code: 'HANDOVER_VERSION_MISMATCH',
    });
  }
});
