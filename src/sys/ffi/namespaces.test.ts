/** Stretches in other namespaces, and that they end where they began. Needs root. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { messageOf } from '../../model/index.ts';
import { loadNamespaces } from './namespaces.ts';

const places = ['ns/net', 'ns/mnt', 'cwd', 'root'].map((name) => `/proc/thread-self/${name}`);
const where = (): readonly string[] => places.map((path) => readlinkSync(path));

const namespaces = await loadNamespaces().catch(messageOf);
const skip = whyNot() ?? false;

function whyNot(): string | undefined {
  if (typeof namespaces === 'string') return namespaces;
  const made = namespaces.create();
  if (made < 0) return `no namespaces for this user: ${namespaces.nameOf(made)}`;
  namespaces.close(made);
  return undefined;
}

test('programs started in a stretch stay in its network; this thread does not', { skip }, (t) => {
  if (typeof namespaces === 'string') return;
  const before = where();
  const made = namespaces.create();
  t.after(() => namespaces.close(made));
  let inside = '';
  const look = (): number => {
    inside = execFileSync('sh', ['-c', 'readlink /proc/self/ns/net'], { encoding: 'utf8' }).trim();
    return 7;
  };
  assert.equal(namespaces.within(`/proc/self/fd/${made}`, look), 7);
  assert.match(inside, /^net:/);
  assert.notEqual(inside, before[0]);
  assert.deepEqual(where(), before);
  const fail = (): number => {
    throw new Error('in the stretch');
  };
  assert.throws(() => namespaces.within(`/proc/self/fd/${made}`, fail), /in the stretch/);
  assert.deepEqual(where(), before);
  assert.equal(namespaces.nameOf(namespaces.within('/nowhere', look)), 'ENOENT');
});

test('a file is another one for programs of a stretch, and for nobody else', { skip }, (t) => {
  if (typeof namespaces === 'string') return;
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-namespaces-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const [source, target] = [join(folder, 'source'), join(folder, 'target')];
  writeFileSync(source, 'ours');
  writeFileSync(target, 'theirs');
  const before = where();
  let [seen, at] = ['', ''];
  const result = namespaces.withFile({ source, target }, () => {
    seen = execFileSync('cat', [target], { encoding: 'utf8' });
    at = execFileSync('pwd', { encoding: 'utf8' }).trim();
    return 0;
  });
  if (result < 0) return t.skip(`no mounts for this user: ${namespaces.nameOf(result)}`);
  assert.deepEqual([seen, at], ['ours', process.cwd()]);
  assert.equal(readFileSync(target, 'utf8'), 'theirs');
  assert.deepEqual(where(), before);
  const missing = { source, target: join(folder, 'missing') };
  assert.equal(namespaces.nameOf(namespaces.withFile(missing, () => 0)), 'ENOENT');
  assert.deepEqual(where(), before);
});
