/** `switchyard gateway` as a command: what comes in, what is told of it, and how it ends. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { ask, startShop } from '../support/shop.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const host = 'shop.default';

/** Says who the client is told to be, and begins at once but takes its time where it is asked to. */
const serves = `
const { HOST, PORT } = process.env;
require('node:http').createServer((request, response) => {
  const answer = () => response.end(request.headers['x-forwarded-for'] + ' ' + request.headers.forwarded);
  if (request.url !== '/slow') return answer();
  response.write('begun ');
  setTimeout(answer, 700);
}).listen(Number(PORT), HOST);
`;

/** All that comes until the other side ends. */
function said(at: string, words: string): Promise<string> {
  const [address = '', port = ''] = at.split(':');
  return new Promise((resolve) => {
    const socket = connect({ host: address, port: Number(port) });
    let all = '';
    socket.setEncoding('latin1').on('data', (part: string) => (all += part));
    socket.on('error', () => undefined);
    socket.setTimeout(10_000, () => socket.destroy());
    socket.once('close', () => resolve(all));
    socket.write(words);
  });
}

/** At an address of this test's own. */
async function freePlace(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.231');
  await once(server, 'listening');
  const { address, port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return `${address}:${port}`;
}

/** The answer, of which the head is there. */
async function begun(at: string, name: string): Promise<IncomingMessage> {
  const asked = get(`http://${at}/slow`, { agent: false, headers: { host: name } });
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  return answer;
}

test(
  'the PROXY protocol says who the client is, the log and the metrics what was asked',
  { skip: linux },
  async (t) => {
    const shop = await startShop(t, { 'switchyard.dev/balance': 'request' }, 2, { serves });
    const args = ['--accept-proxy-protocol', '--access-log', '100', '--metrics', '127.0.0.1:0'];
    const gateway = await startGatewayProcess(t, shop, {
      name: 'behind',
      args: [...args, '--log-format', 'json'],
    });
    const head = `GET /a?b HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
    const intro = 'PROXY TCP4 203.0.113.7 198.51.100.1 4711 443\r\n';
    const answer = await said(gateway.at, `${intro}${head}`);
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.match(answer, /203\.0\.113\.7 for=203\.0\.113\.7;host="shop\.default";proto=http/);
    assert.equal(await said(gateway.at, head), '', 'who says nothing of the kind is cut off');

    const pages = /health are at http:\/\/(\S+)\/metrics/.exec(gateway.said)?.[1] ?? '';
    assert.equal((await ask(pages, { agent: false, path: '/ready' })).status, 200);
    const metrics = await ask(pages, { agent: false, path: '/metrics' });
    assert.match(
      metrics.text,
      /^switchyard_http_requests_total\{namespace="default",service="shop",.*entry="name",.*code="200"\} 1$/m,
    );
    const log = await gateway.program.printed('"Request"');
    const line = log.split('\n').find((each) => each.includes('"Request"'));
    const { method, path, status, attempts } = JSON.parse(line ?? '{}') as Record<string, unknown>;
    assert.deepEqual(
      { method, path, status, attempts },
      { method: 'GET', path: '/a?b', status: 200, attempts: 1 },
    );
  },
);

test('a gateway that is told to end answers what is under way', { skip: linux }, async (t) => {
  const shop = await startShop(t, { 'switchyard.dev/balance': 'request' }, 1, { serves });
  const place = await freePlace();
  const gateway = await startGatewayProcess(t, shop, {
    name: 'ending',
    args: ['--serve', `default/shop:http=${place}`, '--engine', 'portable'],
  });
  assert.match(gateway.said, new RegExp(`default/shop:http at ${place}\n`));
  assert.equal((await ask(place, { agent: false })).status, 200, 'whatever name is asked for');
  const underWay = [await begun(place, 'any'), await begun(gateway.at, host)];
  gateway.program.kill('SIGTERM');
  for (const answer of underWay) assert.match(await text(answer), /^begun \S+ for=/);
  const ended = await gateway.program.ended;
  assert.equal(ended.status, 0, ended.stderr);
  await assert.rejects(ask(gateway.at, { agent: false, host }), /ECONNREFUSED/);
});
