/** Pages for programs on this host, with real requests. */
import assert from 'node:assert/strict';
import { request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import test, { type TestContext } from 'node:test';
import type { SocketAddress } from '../../model/index.ts';
import { servePages } from './page-server.ts';

async function serve(t: TestContext, address = '127.9.98.1'): Promise<SocketAddress> {
  const server = await servePages({ address, port: 0 }, async (path) => {
    if (path === '/broken') throw new Error('as the test says');
    return path === '/page' ? { contentType: 'text/plain', body: 'grüß Gott' } : undefined;
  });
  t.after(() => server.close());
  return server.address;
}

interface Asked {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
}

async function ask(
  { address, port }: SocketAddress,
  { method = 'GET', path = '/page', host = `${address}:${port}` }: Asked = {},
): Promise<{ readonly status: number | undefined; readonly text: string }> {
  const sent = request({ host: address, port, method, path, headers: { host } });
  sent.end();
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer.setEncoding('utf8')) text += String(chunk);
  return { status: answer.statusCode, text };
}

test('a page is answered, with or without a query, and its head', async (t) => {
  const at = await serve(t);
  assert.deepEqual(await ask(at), { status: 200, text: 'grüß Gott' });
  assert.deepEqual(await ask(at, { path: '/page?x=1' }), { status: 200, text: 'grüß Gott' });
  assert.deepEqual(await ask(at, { method: 'HEAD' }), { status: 200, text: '' });
});

const refusals: Readonly<Record<string, Asked & { readonly want: number }>> = {
  'a page that is not there': { path: '/', want: 404 },
  'a page that cannot be made': { path: '/broken', want: 500 },
  'another method': { method: 'POST', want: 405 },
  "a web page's own name for this host": { host: 'evil.example', want: 421 },
  'a name that looks like loopback': { host: '127.0.0.1.evil.example:80', want: 421 },
};

for (const [name, { want, ...asked }] of Object.entries(refusals)) {
  test(`refused: ${name}`, async (t) => {
    const { status } = await ask(await serve(t), asked);
    assert.equal(status, want);
  });
}

for (const host of ['localhost', 'localhost:1', '127.0.0.1', '127.0.0.1:9', '[::1]:80', '[::1]']) {
  test(`the host ${host} is loopback`, async (t) => {
    assert.equal((await ask(await serve(t), { host })).status, 200);
  });
}

test('an address in use is refused by name, and closing twice does no harm', async (t) => {
  const at = await serve(t);
  await assert.rejects(
    servePages(at, async () => undefined),
    { code: 'NET_ADDRESS_IN_USE' },
  );
  const other = await servePages({ address: at.address, port: 0 }, async () => undefined);
  await other.close();
  await other.close();
});
