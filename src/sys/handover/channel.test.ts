/** Two ends of one conversation: order, size, descriptors, and what a broken end leaves behind. */
import assert from 'node:assert/strict';
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { messageOf } from '../../model/index.ts';
import { loadLibc, type Libc } from '../ffi/index.ts';
import { joinMeeting, openMeeting, type Channel } from './index.ts';

const libc = await loadLibc().catch(messageOf);
const skip = typeof libc === 'string' ? libc : false;

interface Pair {
  readonly libc: Libc;
  readonly folder: string;
  readonly near: Channel;
  readonly far: Channel;
}

async function meet(t: TestContext): Promise<Pair> {
  if (typeof libc === 'string') throw new Error(libc);
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-handover-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'handover.sock');
  const meeting = await openMeeting(libc, path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  const coming = meeting.met(5_000);
  const far = await joinMeeting(libc, path);
  const near = await coming;
  await meeting.close();
  t.after(() => {
    near.close();
    far.close();
  });
  return { libc, folder, near, far };
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length;

test(
  'a message comes whole, however large, and with its descriptors in order',
  { skip },
  async (t) => {
    const { folder, near, far } = await meet(t);
    const names = Array.from({ length: 450 }, (_, i) => join(folder, String(i)));
    const before = openDescriptors();
    const sent = names.map((name, i) => {
      writeFileSync(name, String(i));
      return openSync(name, 'r');
    });
    const big = { text: 'ä'.repeat(1_000_000) };
    const sending = near.send(big, sent).then(() => near.send('next'));
    const first = await far.receive(10_000);
    const second = await far.receive(10_000);
    await sending;
    assert.deepEqual(first.value, big);
    assert.equal(second.value, 'next');
    assert.deepEqual([first.descriptors.length, second.descriptors.length], [450, 0]);
    for (const fd of sent) closeSync(fd);
    for (const [i, fd] of first.descriptors.entries()) {
      const bytes = Buffer.alloc(8);
      assert.equal(bytes.toString('utf8', 0, readSync(fd, bytes, 0, 8, 0)), String(i));
      closeSync(fd);
    }
    assert.equal(openDescriptors(), before);
  },
);

test(
  'whoever waits hears that the other has gone, and what never came is closed',
  { skip },
  async (t) => {
    const { folder, near, far } = await meet(t);
    const before = openDescriptors();
    const fd = openSync(folder, 'r');
    await near.send('never received', [fd]);
    await near.send('never received either', [fd, fd]);
    closeSync(fd);
    near.close();
    const first = await far.receive(5_000);
    assert.equal(fstatSync(first.descriptors[0] ?? -1).isDirectory(), true);
    closeSync(first.descriptors[0] ?? -1);
    await far
      .receive(5_000)
      .then(({ descriptors }) => descriptors.forEach((each) => closeSync(each)));
    await assert.rejects(far.receive(5_000), { code: 'HANDOVER_BROKEN' });
    await assert.rejects(far.send('too late'), { code: 'HANDOVER_BROKEN' });
    far.close();
    assert.equal(openDescriptors(), before - 2);
  },
);

test('silence has an end', { skip }, async (t) => {
  const { far } = await meet(t);
  await assert.rejects(far.receive(1), { code: 'HANDOVER_BROKEN' });
});

test('nobody waits, nobody comes', { skip }, async (t) => {
  if (typeof libc === 'string') return;
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-handover-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'handover.sock');
  await assert.rejects(joinMeeting(libc, path), { code: 'HANDOVER_BROKEN' });
  const meeting = await openMeeting(libc, path);
  await assert.rejects(meeting.met(1), { code: 'HANDOVER_BROKEN' });
  await meeting.close();
  assert.deepEqual(readdirSync(folder), []);
});
