/** A new process in the place of one that balances requests: no request is lost, no session moves, browsers stay where they are. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { createEngine } from '../../src/sys/net/index.ts';
import { Session, startLoad } from '../support/load.ts';
import { start } from '../support/program.ts';
import { ask, startShop } from '../support/shop.ts';
import { root } from '../support/tree.ts';

const { notEpoll } = await createEngine({ prefer: 'auto' });
const skip =
  process.platform === 'linux' ? (notEpoll ?? false) : 'a process is replaced on Linux only';

for (const workers of ['1', '2']) {
  const title = `a hand-over loses no request of a Service with cookie affinity, ${workers} threads`;
  void test(title, { skip }, (t) => handOver(t, ['--workers', workers]));
}

async function handOver(t: TestContext, args: readonly string[]): Promise<void> {
  // Other instances on this host come and go at the usual port; whoever has it now, ours takes and keeps another.
  const usual = createServer().listen(8_880, '127.0.0.1');
  t.after(() => usual.close());
  await once(usual, 'listening').catch(() => undefined);
  const shop = await startShop(t, { 'switchyard.dev/affinity': 'cookie' }, 3, { args });
  const portOf = (said: string): string | undefined => /localhost:([0-9]+)/.exec(said)?.[1];
  const port = portOf(await shop.program.printed('Ready'));
  const all = Array.from({ length: 6 }, () => new Session());
  const load = await startLoad(t, [{ at: shop.at }], all);
  const startedAt = all.map(({ way }) => way[0]);

  const command = [join(root, 'switchyard'), 'up', '-f', 'shop.json', '--replace', ...args];
  const next = start(t, [...command, '--instance', 'default'], shop.home);
  const said = await next.printed('Ready');
  await load.atLeast(20);
  const ended = await shop.program.ended;
  assert.equal(ended.status, 0, ended.stderr);
  assert.match(ended.stderr, new RegExp(`Replaced by process ${next.pid}`));
  // From here on it is alone.
  await load.atLeast(20);
  await load.stop();
  assert.deepEqual(
    all.flatMap(({ failures }) => failures),
    [],
    'no request fails',
  );
  assert.deepEqual(
    all.map(({ way }) => way),
    startedAt.map((pod) => [pod]),
    'nobody moves',
  );
  assert.equal(portOf(said), port, 'browsers find it where it was');
  const answer = await ask(`127.0.0.1:${port}`, { agent: false, host: `shop.default.localhost` });
  assert.equal(answer.status, 200);
  const requests = all.reduce((sum, session) => sum + session.requests, 0);
  t.diagnostic(`${requests} requests over a hand-over, none failed`);
}
