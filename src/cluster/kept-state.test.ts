/** The kept state: comes back as it was; what is damaged, of another version or of another cluster is not used. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { labels, type KubeObject } from '../kube/index.ts';
import { createKeptState, type KeptState, type KeptSubject } from './kept-state.ts';
import { accessTo, createTestProxy, forwarded, testService, testSlice } from './testing.ts';

const subject: KeptSubject = {
  server: 'https://192.0.2.1',
  node: 'node-a',
  following: ['services'],
};

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-kept-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'state');
}

const objects: readonly KubeObject[] = Array.from({ length: 400 }, (_, i) => testService(i));

async function saved(t: TestContext): Promise<{ readonly path: string; readonly kept: KeptState }> {
  const folder = folderOf(t);
  const kept = createKeptState(folder, subject);
  await kept.save({ savedAtMs: 7, objects });
  return { path: join(folder, 'objects.jsonl'), kept };
}

test('it comes back as it was, for this user only', async (t) => {
  const { path, kept } = await saved(t);
  assert.deepEqual(await kept.load(), { savedAtMs: 7, objects });
  assert.equal(statSync(path).mode & 0o777, 0o600);
});

test('there is none, or it is of something else', async (t) => {
  assert.equal(await createKeptState(folderOf(t), subject).load(), undefined);
  const { path } = await saved(t);
  for (const other of [
    { ...subject, server: 'https://192.0.2.2' },
    { ...subject, node: 'node-b' },
    { ...subject, following: ['pods'] },
  ]) {
    assert.equal(await createKeptState(join(path, '..'), other).load(), undefined);
  }
});

test('cut anywhere or changed anywhere, it is not used', async (t) => {
  const { path, kept } = await saved(t);
  const whole = readFileSync(path, 'utf8');
  for (let cut = 0; cut < whole.length; cut += 997) {
    writeFileSync(path, whole.slice(0, cut));
    await assert.rejects(kept.load(), { code: 'KEPT_STATE_DAMAGED' });
    const flipped = whole[cut] === '0' ? '1' : '0';
    writeFileSync(path, whole.slice(0, cut) + flipped + whole.slice(cut + 1));
    await assert.rejects(kept.load(), { code: 'KEPT_STATE_DAMAGED' });
  }
  writeFileSync(path, whole.replace('"switchyardState":1', '"switchyardState":2'));
  await assert.rejects(kept.load(), { code: 'KEPT_STATE_DAMAGED' });
});

test('a node starts by it when nobody answers', async (t) => {
  const access = accessTo('http://127.0.0.218:9');
  const kept: KeptState = {
    load: async () => ({
      savedAtMs: 7,
      objects: [testService(1), testSlice(1, labels.serviceName, [5])],
    }),
    save: async () => assert.fail('what was kept is not written again'),
  };
  const proxy = createTestProxy({ access, kept, applied: () => undefined });
  await proxy.start();
  t.after(() => proxy.stop());
  assert.deepEqual(forwarded(proxy.planner.applied().plan), { 'default/s1': ['10.1.0.5:8080'] });
  const { state, detail } = proxy.mirror.status();
  assert.equal(state, 'degraded');
  assert.match(
    detail ?? '',
    /away since .*; forwarding by the state kept at 1970-01-01T00:00:00.007Z/,
  );
});
