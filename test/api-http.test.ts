/** What HTTP/1.1 and HTTP/2 do each in their own way comes out the same. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type ClientHttp2Session, type ClientHttp2Stream } from 'node:http2';
import { test, type TestContext } from 'node:test';
import { startApi, type TestApi } from './support/api.ts';

const maps = '/api/v1/namespaces/default/configmaps';

interface Asked {
  readonly api: TestApi;
  readonly session: ClientHttp2Session;
}

async function server(t: TestContext): Promise<Asked> {
  const api = await startApi();
  const session = connect(api.url, { ca: api.ca });
  t.after(async () => {
    session.destroy();
    await api.stop();
  });
  return { api, session };
}

function ask(
  { api, session }: Asked,
  headers: Readonly<Record<string, string>>,
): ClientHttp2Stream {
  const stream = session.request({ authorization: `Bearer ${api.token}`, ...headers });
  stream.on('error', () => undefined);
  return stream;
}

async function statusOf(stream: ClientHttp2Stream): Promise<unknown> {
  const [head] = await once(stream, 'response');
  return head[':status'];
}

test('a HEAD has the length of the body and no body', async (t) => {
  const asked = await server(t);
  const plain = await asked.api.request({ method: 'HEAD', path: '/version' });
  assert.equal(plain.text, '');
  assert.equal(plain.status, 200);
  const stream = ask(asked, { ':method': 'HEAD', ':path': '/version' });
  const [head] = await once(stream, 'response');
  assert.equal(head['content-length'], plain.headers['content-length']);
  let bytes = 0;
  stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
  await once(stream, 'end');
  assert.equal(bytes, 0);
});

test('a body that grows beyond the limit is refused while it comes, and the session goes on', async (t) => {
  const asked = await server(t);
  const stream = ask(asked, {
    ':method': 'POST',
    ':path': maps,
    'content-type': 'application/json',
  });
  const status = statusOf(stream);
  const piece = Buffer.alloc(1 << 20, 'x');
  for (let i = 0; i < 5; i++) stream.write(piece);
  assert.equal(await status, 413);
  assert.equal(await statusOf(ask(asked, { ':path': maps })), 200);
  assert.deepEqual(asked.api.errors, []);
});

test('a body that says it is beyond the limit is refused, and its sender hears of it', async (t) => {
  const { api } = await server(t);
  const headers = { 'content-type': 'application/json' };
  const body = Buffer.alloc(8 << 20, 'x');
  const reply = await api.request({ method: 'POST', path: maps, headers, body });
  assert.equal(reply.status, 413);
});

test('who waits to be told to go on is told', async (t) => {
  const asked = await server(t);
  const stream = ask(asked, {
    ':method': 'POST',
    ':path': maps,
    'content-type': 'application/json',
    expect: '100-continue',
  });
  const status = statusOf(stream);
  await once(stream, 'continue');
  stream.end(JSON.stringify({ metadata: { name: 'waited' } }));
  assert.equal(await status, 201);
});

test('who breaks off in the middle of a body has written nothing', async (t) => {
  const asked = await server(t);
  const headers = { ':method': 'POST', ':path': maps, 'content-type': 'application/json' };
  const stream = ask(asked, headers);
  stream.write('{"metadata":{"name":"half"}}');
  // The server has it when it has answered what was asked after it.
  assert.equal(await statusOf(ask(asked, { ':path': maps })), 200);
  asked.session.destroy();
  await once(asked.session, 'close');
  const { text } = await asked.api.request({ path: maps });
  assert.deepEqual(JSON.parse(text).items, []);
});
