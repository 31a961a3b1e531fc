/** Several gateways over one API: a session that began at one goes on at the others, and none of them fails a request. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import process from 'node:process';
import { test } from 'node:test';
import { browser, noBrowser } from '../support/browse.ts';
import { startGatewayProcess } from '../support/gateway-process.ts';
import { Session, startLoad, type Load } from '../support/load.ts';
import { run, temporaryFolder } from '../support/program.ts';
import { startShop } from '../support/shop.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const curl = ['/usr/bin/curl', '/bin/curl'].find((path) => existsSync(path));
const sticky = { 'switchyard.dev/affinity': 'cookie' };
const host = 'shop.default';

/** Every gateway has seen what the one of `up` has when no session moves any more. */
async function settled(load: Load, all: readonly Session[]): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const before = all.map(({ way }) => way.length);
    await load.atLeast(12);
    if (all.every(({ way }, i) => way.length === before[i])) return;
    assert.ok(
      Date.now() < deadline,
      `sessions move: ${all.map(({ way }) => way.join(' ')).join('; ')}`,
    );
  }
}

test(
  'sessions go on at each of three gateways, through scaling and a rolling restart',
  { skip: linux },
  async (t) => {
    const shop = await startShop(t, sticky, 3);
    const a = await startGatewayProcess(t, shop, { name: 'a' });
    const b = await startGatewayProcess(t, shop, { name: 'b' });
    const all = Array.from({ length: 9 }, () => new Session());
    const places = [{ at: shop.at }, { at: a.at, host }, { at: b.at, host }];
    const load = await startLoad(t, places, all);
    await settled(load, all);
    const startedAt = all.map(({ way }) => way[0]);
    assert.deepEqual(
      all.map(({ way }) => way),
      startedAt.map((pod) => [pod]),
      'a session is at the same Pod whichever gateway is asked',
    );

    await shop.scale(5);
    await settled(load, all);
    assert.deepEqual(
      all.map(({ way }) => way),
      startedAt.map((pod) => [pod]),
      'nobody moves when Pods come',
    );

    const left = await shop.scale(2);
    await settled(load, all);
    for (const { way } of all) {
      const [first = ''] = way;
      if (left.includes(first)) assert.deepEqual(way, [first], 'nobody moves whose Pod stays');
      assert.ok(left.includes(way.at(-1) ?? ''), way.join(' '));
    }

    const renewed = await shop.restart();
    await settled(load, all);
    for (const { way } of all) assert.ok(renewed.includes(way.at(-1) ?? ''), way.join(' '));

    await load.stop();
    assert.deepEqual(
      all.flatMap(({ failures }) => failures),
      [],
      'no request fails',
    );
    const requests = all.reduce((sum, session) => sum + session.requests, 0);
    t.diagnostic(`${requests} requests of ${all.length} sessions over three gateways, none failed`);
    for (const { program } of [a, b]) {
      program.kill('SIGTERM');
      const ended = await program.ended;
      assert.equal(ended.status, 0, ended.stderr);
    }
  },
);

test(
  "curl's jar serves at every gateway, also at one that is started again",
  { skip: linux === false ? curl === undefined && 'curl is not installed' : linux },
  async (t) => {
    const shop = await startShop(t, sticky, 3);
    const first = await startGatewayProcess(t, shop, { name: 'first' });
    const second = await startGatewayProcess(t, shop, { name: 'second' });
    const folder = temporaryFolder(t);
    const asked = async (at: string, ...args: readonly string[]): Promise<string> => {
      const command = [curl ?? '', '-sS', '--max-time', '10', '-b', 'jar', '-H', `Host: ${host}`];
      return (await run(t, [...command, ...args, `http://${at}/`], { cwd: folder })).stdout;
    };
    const pod = (await asked(first.at, '-c', 'jar')).split(' ')[0];
    for (const at of [second.at, shop.at, first.at]) {
      assert.equal((await asked(at)).split(' ')[0], pod);
      assert.ok(!/Set-Cookie/i.test(await asked(at, '-i')), 'the cookie is honoured as it is');
    }
    // Nothing of a session is in the process.
    second.program.kill('SIGKILL');
    await second.program.ended;
    assert.equal((await asked(first.at)).split(' ')[0], pod, 'the others go on');
    const third = await startGatewayProcess(t, shop, { name: 'second' });
    assert.equal((await asked(third.at)).split(' ')[0], pod);
  },
);

test(
  'Chromium keeps its session when it comes by another gateway',
  { skip: linux || noBrowser },
  async (t) => {
    const visit = browser(t);
    const shop = await startShop(t, { ...sticky, 'switchyard.dev/cookie-max-age': '1h' }, 3);
    const gateway = await startGatewayProcess(t, shop, { name: 'other' });
    const port = gateway.at.split(':').at(-1);
    const own = /localhost:([0-9]+)/.exec(await shop.program.printed('Ready'))?.[1];
    // A cookie is its host's at any port: both names are the same to the browser.
    const [first = '', ...others] = await visit(`http://shop.default.localhost:${own}/page`);
    assert.deepEqual(others, [], 'ten requests of a page, one Pod');
    assert.deepEqual(await visit(`http://shop.default.localhost:${port}/page`), [first]);
    await shop.scale(5);
    assert.deepEqual(await visit(`http://shop.default.localhost:${port}/page`), [first]);
    const renewed = await shop.restart();
    const [moved = ''] = await visit(`http://shop.default.localhost:${port}/page`);
    assert.ok(renewed.includes(moved));
    assert.deepEqual(await visit(`http://shop.default.localhost:${own}/page`), [moved]);
  },
);
