import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { LocalError } from './errors.ts';
import { openSocketPath } from './local-path.ts';
import { requestLocal } from './local-request.ts';
import { serveLocal, type LocalHandler, type LocalRequest } from './local-server.ts';

const get = { method: 'GET', url: '/x', timeoutMs: 5_000 } as const;

const echo: LocalHandler = async ({ method, url, body }) => ({
  kind: 'json',
  status: 200,
  body: { method, path: url.pathname, query: url.searchParams.get('q'), body },
});

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sy-local-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function serve(t: TestContext, path: string, handler: LocalHandler = echo): Promise<void> {
  const server = await serveLocal(path, handler);
  t.after(() => server.close());
}

const code = (wanted: string) => (thrown: unknown) =>
  thrown instanceof LocalError && thrown.code === wanted;

/** A socket file whose process died without removing it. */
async function leaveStaleSocket(path: string): Promise<void> {
  const child = spawn(process.execPath, [
    '-e',
    `require('node:net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
  ]);
  await once(child, 'exit');
  assert.ok(existsSync(path), 'the dead process left its socket');
}

test('a request with a body is answered in JSON', async (t) => {
  const path = join(folderFor(t), 'a.sock');
  await serve(t, path);
  const reply = await requestLocal(path, {
    method: 'POST',
    url: '/v1/things?q=1%202',
    body: { n: [1, 'ü'] },
    timeoutMs: 5_000,
  });
  assert.deepEqual(reply, {
    status: 200,
    body: { method: 'POST', path: '/v1/things', query: '1 2', body: { n: [1, 'ü'] } },
  });
});

test('only this user can open the socket', async (t) => {
  const folder = join(folderFor(t), 'wide');
  mkdirSync(folder, { mode: 0o755 });
  const path = join(folder, 'a.sock');
  await serve(t, path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(folder).mode & 0o777, 0o700);
});

test(
  'a folder of another user is refused',
  { skip: process.getuid?.() !== 0 && 'needs root to make such a folder' },
  async (t) => {
    const folder = join(folderFor(t), 'theirs');
    mkdirSync(folder);
    const { chownSync } = await import('node:fs');
    chownSync(folder, 65534, 65534);
    await assert.rejects(serveLocal(join(folder, 'a.sock'), echo), code('LOCAL_NOT_PRIVATE'));
  },
);

test('lines arrive one by one, in order, while the answer runs', async (t) => {
  const path = join(folderFor(t), 'a.sock');
  const { promise: firstSeen, resolve: sawFirst } = Promise.withResolvers<void>();
  await serve(t, path, async () => ({
    kind: 'lines',
    write: async (emit) => {
      await emit({ n: 1 });
      // Without a line-wise answer the client would wait for this and this for the client.
      await firstSeen;
      for (let n = 2; n <= 500; n++) await emit({ n, pad: 'ä'.repeat(500) });
    },
  }));
  const seen: unknown[] = [];
  const reply = await requestLocal(path, {
    ...get,
    onLine: (line) => {
      assert.ok(typeof line === 'object' && line !== null && 'n' in line);
      seen.push(line.n);
      sawFirst();
    },
  });
  assert.deepEqual(reply, { status: 200, body: undefined });
  assert.deepEqual(
    seen,
    Array.from({ length: 500 }, (_, i) => i + 1),
  );
});

test('a live socket is refused and keeps serving', async (t) => {
  const path = join(folderFor(t), 'a.sock');
  await serve(t, path);
  await assert.rejects(serveLocal(path, echo), code('LOCAL_IN_USE'));
  assert.equal((await requestLocal(path, get)).status, 200);
});

test('the socket of a dead process is replaced', async (t) => {
  const path = join(folderFor(t), 'a.sock');
  await leaveStaleSocket(path);
  await assert.rejects(requestLocal(path, get), code('LOCAL_NOT_SERVED'));
  await serve(t, path);
  assert.equal((await requestLocal(path, get)).status, 200);
});

test('of two that find the same stale socket exactly one serves', async (t) => {
  for (let round = 0; round < 20; round++) {
    const path = join(folderFor(t), 'a.sock');
    await leaveStaleSocket(path);
    const results = await Promise.allSettled([serveLocal(path, echo), serveLocal(path, echo)]);
    const servers = results.flatMap((r) => (r.status === 'fulfilled' ? [r.value] : []));
    try {
      assert.equal(servers.length, 1, JSON.stringify(results));
      assert.equal((await requestLocal(path, get)).status, 200);
    } finally {
      for (const server of servers) await server.close();
    }
  }
});

test('a file that is no socket is left alone', async (t) => {
  const path = join(folderFor(t), 'a.sock');
  writeFileSync(path, 'mine');
  await assert.rejects(serveLocal(path, echo), LocalError);
  assert.ok(statSync(path).isFile());
});

test('closing removes the socket, is harmless twice, and the path can be served again', async (t) => {
  const path = join(folderFor(t), 'a.sock');
  const server = await serveLocal(path, echo);
  await server.close();
  await server.close();
  assert.ok(!existsSync(path));
  await serve(t, path);
  assert.equal((await requestLocal(path, get)).status, 200);
});

test('a path longer than the system takes works on Linux and is refused elsewhere', async (t) => {
  const path = join(folderFor(t), 'long'.repeat(20), 'even-longer'.repeat(10), 'control.sock');
  if (process.platform === 'linux') {
    await serve(t, path);
    assert.ok(statSync(path).isSocket());
    assert.equal((await requestLocal(path, get)).status, 200);
    await assert.rejects(serveLocal(path, echo), code('LOCAL_IN_USE'));
  }
  await assert.rejects(openSocketPath(path, { system: 'darwin' }), code('LOCAL_PATH_TOO_LONG'));
});

test('no socket and no folder are told apart from failures', async (t) => {
  const folder = folderFor(t);
  await assert.rejects(requestLocal(join(folder, 'no.sock'), get), code('LOCAL_NOT_SERVED'));
  await assert.rejects(requestLocal(join(folder, 'no/no.sock'), get), code('LOCAL_NOT_SERVED'));
});

test('a request body over the bound is refused with 413 and broken JSON with 400', async (t) => {
  const path = join(folderFor(t), 'a.sock');
  let handled = 0;
  await serve(t, path, async () => {
    handled++;
    return { kind: 'json', status: 200, body: {} };
  });
  const reply = await requestLocal(path, { ...get, method: 'POST', body: 'x'.repeat(1 << 20) });
  assert.equal(reply.status, 413);
  const raw = connect(path);
  raw.end('POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 2\r\n\r\n{]');
  const [head] = await once(raw, 'data');
  assert.match(String(head), /^HTTP\/1\.1 400 /);
  assert.equal(handled, 0);
});

test('silence ends with LOCAL_TIMED_OUT, before the answer and inside it', async (t) => {
  const folder = folderFor(t);
  const mute = createServer(() => undefined);
  const mutePath = join(folder, 'mute.sock');
  mute.listen(mutePath);
  await once(mute, 'listening');
  t.after(() => mute.close());
  await assert.rejects(requestLocal(mutePath, { ...get, timeoutMs: 50 }), code('LOCAL_TIMED_OUT'));
  const path = join(folder, 'a.sock');
  await serve(t, path, async ({ signal }) => ({
    kind: 'lines',
    write: async (emit) => {
      await emit({ begun: true });
      await aborted(signal);
    },
  }));
  await assert.rejects(requestLocal(path, { ...get, timeoutMs: 50 }), code('LOCAL_TIMED_OUT'));
});

const aborted = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted ? Promise.resolve() : once(signal, 'abort');

test('a client that gives up aborts the work, and so does closing the server', async (t) => {
  const path = join(folderFor(t), 'a.sock');
  const requests: LocalRequest[] = [];
  const { promise: bothHere, resolve: haveBoth } = Promise.withResolvers<void>();
  const server = await serveLocal(path, async (request) => {
    requests.push(request);
    if (requests.length === 2) haveBoth();
    await aborted(request.signal);
    return { kind: 'json', status: 200, body: {} };
  });
  const giveUp = new AbortController();
  const first = requestLocal(path, { ...get, signal: giveUp.signal });
  const second = requestLocal(path, get);
  const outcomes = Promise.allSettled([first, second]);
  await bothHere;
  giveUp.abort();
  await assert.rejects(first, code('LOCAL_ABORTED'));
  await server.close();
  await assert.rejects(second, code('LOCAL_FAILED'));
  await outcomes;
  assert.ok(requests.every((r) => r.signal.aborted));
});

test('a handler that throws is a 500, an answer that breaks is cut off', async (t) => {
  const folder = folderFor(t);
  const path = join(folder, 'a.sock');
  await serve(t, path, async () => {
    throw new Error('broken');
  });
  assert.deepEqual(await requestLocal(path, get), { status: 500, body: { error: 'broken' } });
  const other = join(folder, 'b.sock');
  await serve(t, other, async () => ({
    kind: 'lines',
    write: async (emit) => {
      await emit({ begun: true });
      throw new Error('broken');
    },
  }));
  await assert.rejects(requestLocal(other, get), code('LOCAL_FAILED'));
});
