/** Workloads under load: what people do to them costs no request while an endpoint is ready. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { emptyHome, run, start, temporaryFolder, type Ended } from '../support/program.ts';
import { root } from '../support/tree.ts';

const launcher = [join(root, 'switchyard')];
const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';

const server = `
const http = require('node:http');
const { HOST, PORT, POD_NAME, VERSION = '1' } = process.env;
console.log('serving as ' + POD_NAME);
http.createServer((request, response) => {
  if (request.url === '/crash') {
    console.error('told to crash');
    process.exit(3);
  }
  response.end(VERSION + ' ' + POD_NAME);
}).listen(Number(PORT), HOST);
`;

interface Home {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

interface EndpointJson {
  readonly address: string;
  readonly pod: string;
  readonly state: string;
}

async function cli(t: TestContext, home: Home, ...args: readonly string[]): Promise<Ended> {
  const ended = await run(t, [...launcher, ...args], home);
  assert.equal(ended.status, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`);
  return ended;
}

async function ask<T>(t: TestContext, home: Home, ...args: readonly string[]): Promise<T> {
  return JSON.parse((await cli(t, home, ...args, '-o', 'json')).stdout) as T;
}

async function endpoints(t: TestContext, home: Home): Promise<readonly EndpointJson[]> {
  return await ask(t, home, 'get', 'endpoints', 'web');
}

/** Asks until the endpoints are as wanted. */
async function settles(
  t: TestContext,
  home: Home,
  isAsWanted: (endpoints: readonly EndpointJson[]) => boolean,
): Promise<readonly EndpointJson[]> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const now = await endpoints(t, home);
    if (isAsWanted(now)) return now;
    assert.ok(Date.now() < deadline, `still ${JSON.stringify(now)}`);
  }
}

const allReady =
  (count: number) =>
  (now: readonly EndpointJson[]): boolean =>
    now.length === count && now.every(({ state }) => state === 'ready');

function get(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    // A connection each: that is what a Service spreads.
    const asked = request(url, { agent: false, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve(text));
      response.once('error', reject);
    });
    asked.once('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.once('error', reject);
    asked.end();
  });
}

interface Load {
  readonly answers: Map<string, number>;
  readonly failures: string[];
  count(): number;
  stop(): Promise<void>;
}

/** 32 clients, each with one connection after the other. */
function load(url: string): Load {
  const answers = new Map<string, number>();
  const failures: string[] = [];
  const stopping = new AbortController();
  const began = Date.now();
  let requests = 0;
  const clients = Array.from({ length: 32 }, async () => {
    // A thousand failures say all there is to say; going on would drown the test that must report them.
    while (!stopping.signal.aborted && failures.length < 1_000) {
      requests++;
      try {
        const text = await get(url);
        answers.set(text, (answers.get(text) ?? 0) + 1);
      } catch (thrown) {
        failures.push(`after ${Date.now() - began} ms: ${String(thrown)}`);
      }
    }
  });
  return {
    answers,
    failures,
    count: () => requests,
    stop: async () => {
      stopping.abort();
      await Promise.all(clients);
    },
  };
}

test(
  'run, scale, a rolling update and a crash loop under 32 connections: no failed request',
  { skip: linux },
  async (t) => {
    const folder = temporaryFolder(t);
    writeFileSync(join(folder, 'server.cjs'), server);
    const home: Home = { cwd: folder, env: emptyHome(temporaryFolder(t)) };
    const node = process.execPath;
    const serve = ['--', node, 'server.cjs'];
    const up = start(t, [...launcher, 'run', 'web', '-r', '3', '-p', '8080', ...serve], home);
    try {
      await up.printed('Ready');
      await underLoad(t, home);
    } finally {
      // Also after a failure: killed, it would leave its Pods' processes behind.
      up.kill('SIGTERM');
      const ended = await up.ended;
      t.diagnostic(`ended with ${ended.status}`);
      assert.equal(ended.status, 0);
    }
  },
);

async function underLoad(t: TestContext, home: Home): Promise<void> {
  const node = process.execPath;
  const first = await settles(t, home, allReady(3));
  interface ServiceJson {
    readonly frontends: readonly { readonly reachable: readonly string[] }[];
  }
  const [service] = await ask<readonly ServiceJson[]>(t, home, 'get', 'services', 'web');
  const url = `http://${service?.frontends[0]?.reachable[0]}/`;
  const pod = first[0]?.pod.split('/')[1] ?? '';
  assert.match((await cli(t, home, 'logs', pod)).stdout, new RegExp(`^serving as ${pod}$`, 'm'));

  const running = load(url);
  t.after(() => running.stop());
  await cli(t, home, 'scale', 'deployment/web', '--replicas', '6');
  await settles(t, home, allReady(6));
  await cli(t, home, 'scale', 'web', '-r', '2');
  await settles(t, home, allReady(2));
  await cli(t, home, 'scale', 'web', '-r', '3');
  const before = await settles(t, home, allReady(3));
  assert.deepEqual(running.failures, [], 'scaling costs no request');

  const versions = Array.from({ length: 10 }, (_, i) => String(i + 2));
  let last = before;
  for (const version of versions) {
    const serveIt = `VERSION=${version} exec '${node}' server.cjs`;
    await cli(t, home, 'bind', 'deployment/web', '--command', serveIt);
    const old = new Set(last.map(({ pod: name }) => name));
    last = await settles(
      t,
      home,
      (now) => allReady(3)(now) && now.every(({ pod: name }) => !old.has(name)),
    );
    assert.deepEqual(running.failures, [], `the rolling update to ${version} costs no request`);
  }
  const command = `VERSION=11 exec '${node}' server.cjs`;

  // A version that ends at once never gets ready: the Pods that are keep serving.
  await cli(t, home, 'bind', 'deployment/web', '--command', 'echo broken; exit 1');
  await settles(t, home, (now) => now.length === 4);
  const [sick] = (await endpoints(t, home)).filter(({ state }) => state !== 'ready');
  const sickName = sick?.pod.split('/')[1] ?? '';
  const loops = (text: string): boolean => text.split('broken').length > 3;
  const deadline = Date.now() + 60_000;
  while (!loops((await cli(t, home, 'logs', sickName)).stdout)) {
    assert.ok(Date.now() < deadline, 'the broken version is not started again and again');
  }
  assert.equal((await endpoints(t, home)).filter(({ state }) => state === 'ready').length, 3);
  await cli(t, home, 'bind', 'deployment/web', '--command', command);
  await settles(t, home, allReady(3));
  assert.deepEqual(running.failures, [], 'a crash loop beside Pods that serve costs no request');

  // Told directly, not through the Service: the request that kills has no answer by its nature.
  const [victim] = await endpoints(t, home);
  assert.ok(victim);
  for (let crashes = 0; crashes < 3; crashes++) {
    await settles(t, home, allReady(3));
    await assert.rejects(get(`http://${victim.address}/crash`));
  }
  await settles(t, home, allReady(3));
  await running.stop();
  const atOnce = running.failures.length;
  // A crash ends what the process was answering at that moment; nobody can save those. At most all 32.
  assert.ok(atOnce <= 3 * 32, running.failures.join('\n'));
  const others = running.failures.filter((text) => !/ECONNRESET|socket hang up/.test(text));
  assert.deepEqual(others, [], 'a crash loop costs only what the process was answering');
  const name = victim.pod.split('/')[1] ?? '';
  assert.match((await cli(t, home, 'logs', name)).stdout, /told to crash/);
  const seen = new Set([...running.answers.keys()].map((text) => text.split(' ')[0]));
  for (const version of ['1', ...versions]) assert.ok(seen.has(version), `nobody got ${version}`);
  t.diagnostic(`${running.count()} requests, ${atOnce} cut off by three crashes`);
}
