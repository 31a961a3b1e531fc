/** Cookie affinity at a plain Service: sessions stay where their endpoint lives, and no request fails. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { Agent } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { run, temporaryFolder } from '../support/program.ts';
import { ask, startShop, type Shop } from '../support/shop.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const chromium = ['/usr/bin/chromium', '/usr/bin/chromium-browser'].find((path) =>
  existsSync(path),
);
const curl = ['/usr/bin/curl', '/bin/curl'].find((path) => existsSync(path));

const sticky = { 'switchyard.dev/affinity': 'cookie' };
const sessions = 16;

/** A browser with one session, asking again and again on connections it keeps. */
class Session {
  /** Pods that answered, each once in a row. */
  readonly way: string[] = [];
  readonly failures: string[] = [];
  requests = 0;
  private cookie: string | undefined;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 1 });

  async run(at: string, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.failures.length < 10) {
      this.requests++;
      try {
        const { status, pod, text, cookies } = await ask(at, {
          agent: this.agent,
          cookie: this.cookie,
        });
        if (status !== 200) this.failures.push(`status ${status}: ${text}`);
        else if (this.way.at(-1) !== pod) this.way.push(pod);
        this.cookie = cookies[0] ?? this.cookie;
      } catch (thrown) {
        this.failures.push(String(thrown));
      }
    }
    this.agent.destroy();
  }
}

/** Runs sessions while something is done to the Service; whose Pod stays must stay with it. */
async function during(t: TestContext, shop: Shop, all: readonly Session[]): Promise<Load> {
  const stopping = new AbortController();
  const running = all.map((session) => session.run(shop.at, stopping.signal));
  const stop = async (): Promise<void> => {
    stopping.abort();
    await Promise.all(running);
  };
  t.after(stop);
  const atLeast = async (requests: number): Promise<void> => {
    const deadline = Date.now() + 20_000;
    const before = all.map((session) => session.requests);
    while (all.some((session, i) => session.requests < (before[i] ?? 0) + requests)) {
      assert.ok(Date.now() < deadline, 'sessions are not answered');
      await ask(shop.at, { agent: false });
    }
  };
  await atLeast(3);
  return { atLeast, stop };
}

interface Load {
  /** Waits until every session has been answered so often again. */
  atLeast(requests: number): Promise<void>;
  stop(): Promise<void>;
}

test('sessions stay through scaling and a rolling restart', { skip: linux }, async (t) => {
  const shop = await startShop(t, sticky, 3);
  const all = Array.from({ length: sessions }, () => new Session());
  const load = await during(t, shop, all);
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
    else
      assert.deepEqual([others.length, left.includes(others[0] ?? '')], [1, true], way.join(' '));
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
  { skip: linux === false ? chromium === undefined && 'Chromium is not installed' : linux },
  async (t) => {
    const shop = await startShop(t, { ...sticky, 'switchyard.dev/cookie-max-age': '1h' }, 3);
    const profile = temporaryFolder(t);
    const visit = async (): Promise<readonly string[]> => {
      const command = [
        chromium ?? '',
        '--headless=new',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-dev-shm-usage',
        '--no-first-run',
        '--disable-background-networking',
        `--user-data-dir=${profile}`,
        '--virtual-time-budget=8000',
        '--dump-dom',
        `http://${shop.at}/page`,
      ];
      const { stdout, stderr } = await run(t, command, { cwd: profile });
      const seen = /SEEN ([\w,-]+)/.exec(stdout)?.[1];
      assert.ok(seen !== undefined, `${stdout}\n${stderr}`);
      return [...new Set(seen.split(','))];
    };
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
