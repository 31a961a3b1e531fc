/** `--workers 2` as a command: requests are carried by two threads and counted as by one, through all that may change. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { createEngine } from '../../src/sys/net/index.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { ask, startShop } from '../support/shop.ts';

const { notEpoll } = await createEngine({ prefer: 'auto' });
const skip =
  process.platform === 'linux' ? (notEpoll ?? false) : 'needs epoll, which only Linux has';

function keptClients(t: TestContext, count: number): readonly Agent[] {
  return Array.from({ length: count }, () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    return agent;
  });
}

interface Asked {
  readonly at: string;
  readonly host?: string;
  readonly clients: readonly Agent[];
}

/** How many requests each Pod answered, of as many over all these connections at a time. */
async function spread(
  { at, clients, ...how }: Asked,
  requests: number,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  let left = requests;
  const lane = async (agent: Agent): Promise<void> => {
    while (left-- > 0) {
      const { pod, status } = await ask(at, { ...how, agent });
      assert.equal(status, 200);
      counts.set(pod, (counts.get(pod) ?? 0) + 1);
    }
  };
  await Promise.all(clients.map(lane));
  return counts;
}

test('up --workers 2: turns over eight kept connections are those of one', { skip }, async (t) => {
  const annotations = { 'switchyard.dev/balance': 'request' };
  const shop = await startShop(t, annotations, 3, { args: ['--workers', '2'] });
  const clients = keptClients(t, 8);
  const first = await spread({ at: shop.at, clients }, 300);
  assert.deepEqual([...first.values()], [100, 100, 100]);

  const pods = await shop.scale(4);
  const second = await spread({ at: shop.at, clients }, 400);
  assert.deepEqual(new Set(second.keys()), new Set(pods));
  assert.deepEqual([...second.values()], [100, 100, 100, 100]);
  const counted = await shop.endpoints();
  const total = counted.reduce((sum, { connections }) => sum + connections, 0);
  assert.equal(total, 700, 'every request is counted, at its Pod');

  const byName = /localhost:([0-9]+)/.exec(await shop.program.printed('Ready'))?.[1];
  const named = await ask(`127.0.0.1:${byName}`, { agent: false, host: 'shop.default.localhost' });
  assert.equal(named.status, 200);
  const explained = await shop.cli('explain', 'request', `http://${shop.at}/`, '--real');
  assert.match(explained, new RegExp(pods.join('|')), 'who was chosen is told');
  shop.program.kill('SIGTERM');
  const ended = await shop.program.ended;
  assert.equal(ended.status, 0);
  assert.doesNotMatch(ended.stderr, / (error|warn) /);
});

test('gateway --workers 2: by name, counted in its metrics', { skip }, async (t) => {
  const shop = await startShop(t, { 'switchyard.dev/balance': 'request' }, 3);
  const gateway = await startGatewayProcess(t, shop, {
    name: 'two-threads',
    args: ['--workers', '2', '--metrics', '127.0.0.1:0', '--access-log', '100'],
  });
  const clients = keptClients(t, 8);
  const got = await spread({ at: gateway.at, host: 'shop.default', clients }, 300);
  assert.deepEqual([...got.values()], [100, 100, 100]);
  const pages = /health are at http:\/\/(\S+)\/metrics/.exec(gateway.said)?.[1] ?? '';
  const { text } = await ask(pages, { agent: false, path: '/metrics' });
  const counts = text
    .split('\n')
    .filter((line) => line.startsWith('switchyard_http_requests_total{'))
    .map((line) => Number(line.split(' ').at(-1)));
  assert.deepEqual(counts, [100, 100, 100]);
  gateway.program.kill('SIGTERM');
  const { status, stderr } = await gateway.program.ended;
  assert.equal(status, 0);
  assert.equal(stderr.match(/ Request /g)?.length, 300, 'each is in the log');
});
