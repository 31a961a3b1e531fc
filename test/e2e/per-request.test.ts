/** `balance: request`: a client that keeps its connection is spread over all Pods, request by request. */
import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import process from 'node:process';
import { test } from 'node:test';
import { ask, startShop, type Shop } from '../support/shop.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';

/** How many of `requests` on one connection each Pod answered. */
async function countOf(shop: Shop, agent: Agent, requests: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let i = 0; i < requests; i++) {
    const { pod, status } = await ask(shop.at, { agent });
    assert.equal(status, 200);
    counts.set(pod, (counts.get(pod) ?? 0) + 1);
  }
  return counts;
}

test(
  'one keep-alive client: exactly in turn, and a new Pod has its share at once',
  { skip: linux },
  async (t) => {
    const shop = await startShop(t, { 'switchyard.dev/balance': 'request' }, 3);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    t.after(() => agent.destroy());
    const first = await countOf(shop, agent, 300);
    assert.deepEqual([...first.values()], [100, 100, 100]);
    const open = Object.values(agent.freeSockets).flat().length;
    assert.equal(open, 1, 'one connection for all of them');

    const pods = await shop.scale(4);
    const second = await countOf(shop, agent, 400);
    assert.deepEqual(new Set(second.keys()), new Set(pods));
    assert.deepEqual([...second.values()], [100, 100, 100, 100]);

    const counted = await shop.endpoints();
    const total = counted.reduce((sum, { connections }) => sum + connections, 0);
    assert.equal(total, 700, 'every request is counted, at its Pod');
    shop.program.kill('SIGTERM');
    assert.equal((await shop.program.ended).status, 0);
  },
);

test('by connection the same client stays where it was', { skip: linux }, async (t) => {
  const shop = await startShop(t, {}, 3);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  assert.deepEqual([...(await countOf(shop, agent, 30)).values()], [30]);
});

test('a hash of a header: one user, one Pod; others are spread', { skip: linux }, async (t) => {
  const shop = await startShop(t, { 'switchyard.dev/hash': 'query:user' }, 3);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const podsOf = async (user: string): Promise<readonly string[]> => {
    const seen = new Set<string>();
    for (let i = 0; i < 6; i++)
      seen.add((await ask(shop.at, { agent, path: `/?user=${user}` })).pod);
    return [...seen];
  };
  const homes: string[] = [];
  for (let user = 0; user < 30; user++) {
    const pods = await podsOf(`user-${user}`);
    assert.equal(pods.length, 1, `user-${user} is at ${pods.join()}`);
    homes.push(...pods);
  }
  assert.equal(new Set(homes).size, 3);
});
