/** Cookie affinity at a plain Service: sessions stay where their endpoint lives, and no request fails. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { run, temporaryFolder } from '../support/program.ts';
import { browser, noBrowser } from '../support/browse.ts';
import { Session, startLoad } from '../support/load.ts';
import { startShop } from '../support/shop.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const curl = ['/usr/bin/curl', '/bin/curl'].find((path) => existsSync(path));

const sticky = { 'switchyard.dev/affinity': 'cookie' };
const sessions = 16;

test('sessions stay through scaling and a rolling restart', { skip: linux }, async (t) => {
  const shop = await startShop(t, sticky, 3);
  const all = Array.from({ length: sessions }, () => new Session());
  const load = await startLoad(t, [{ at: shop.at }], all);
  const startedAt = all.map(({ way }) => way[0]);
  assert.equal(new Set(startedAt).size, 3, 'sessions begin spread over all Pods');

  await shop.scale(6);
  await load.atLeast(20);
  assert.deepEqual(
    all.map(({ way }) => way),
    startedAt.map((pod) => [pod]),
    'nobody moves when Pods come',
  );

  const left = await shop.scale(2);
  await load.atLeast(20);
  for (const { way } of all) {
    const [first = '', ...others] = way;
    if (left.includes(first)) assert.deepEqual(others, [], 'nobody moves whose Pod stays');
    // Pods go one after the other: who went to one that was to go as well moves on, and then stays.
    else assert.deepEqual(way.map((pod) => left.includes(pod)).indexOf(true), way.length - 1);
  }

  const lengths = all.map(({ way }) => way.length);
  const renewed = await shop.restart();
  await load.atLeast(20);
  await load.stop();
  for (const [i, { way }] of all.entries()) {
    assert.ok(renewed.includes(way.at(-1) ?? ''), 'everybody is at a Pod that lives');
    // One Pod after the other goes: a session moves with its own, and once more if it moved to one that went later.
    const moves = way.length - (lengths[i] ?? 0);
    assert.ok(moves >= 1 && moves <= 2, way.join(' '));
  }
  assert.deepEqual(
    all.flatMap(({ failures }) => failures),
    [],
    'no request fails',
  );
  const requests = all.reduce((sum, session) => sum + session.requests, 0);
  t.diagnostic(`${requests} requests of ${sessions} sessions, none failed`);
  shop.program.kill('SIGTERM');
  assert.equal((await shop.program.ended).status, 0);
});

test(
  'curl keeps its session in its jar, and attributes are as annotated',
  { skip: linux === false ? curl === undefined && 'curl is not installed' : linux },
  async (t) => {
    const shop = await startShop(
      t,
      {
        ...sticky,
        'switchyard.dev/cookie-name': 'basket',
        'switchyard.dev/cookie-path': '/shop',
        'switchyard.dev/cookie-max-age': '1h',
        'switchyard.dev/cookie-same-site': 'strict',
      },
      3,
    );
    const folder = temporaryFolder(t);
    const jar = join(folder, 'jar');
    const asked = async (...args: readonly string[]): Promise<string> =>
      (await run(t, [curl ?? '', '-sS', '--max-time', '10', ...args], { cwd: folder })).stdout;
    const url = `http://${shop.at}/shop/cart`;
    const head = await asked('-i', '-c', jar, url);
    assert.match(
      head,
      /^Set-Cookie: basket=[\w-]{16}; Path=\/shop; Max-Age=3600; SameSite=Strict; HttpOnly\r$/im,
    );
    const pod = /\r\n\r\n(\S+)/.exec(head)?.[1];
    for (let i = 0; i < 10; i++) assert.equal((await asked('-b', jar, url)).split(' ')[0], pod);
    assert.ok(
      !/Set-Cookie/i.test(await asked('-i', '-b', jar, url)),
      'who has the cookie gets none',
    );
    await shop.scale(5);
    for (let i = 0; i < 10; i++) assert.equal((await asked('-b', jar, url)).split(' ')[0], pod);
    const without = new Set<string>();
    for (let i = 0; i < 5; i++) without.add((await asked(url)).split(' ')[0] ?? '');
    assert.equal(without.size, 5, 'new clients go round');
  },
);

test(
  'Chromium keeps its session, over pages and over its own restarts',
  { skip: linux === false ? noBrowser : linux },
  async (t) => {
    const shop = await startShop(t, { ...sticky, 'switchyard.dev/cookie-max-age': '1h' }, 3);
    const visits = browser(t);
    const visit = (): Promise<readonly string[]> => visits(`http://${shop.at}/page`);
    const first = await visit();
    assert.equal(first.length, 1, 'ten requests of a page, one Pod');
    await shop.scale(5);
    assert.deepEqual(await visit(), first, 'still there after scaling up');
    const renewed = await shop.restart();
    const [second = '', ...others] = await visit();
    assert.deepEqual(others, []);
    assert.ok(renewed.includes(second), 'a new Pod after a rolling restart');
    assert.deepEqual(await visit(), [second], 'and it stays there');
  },
);
