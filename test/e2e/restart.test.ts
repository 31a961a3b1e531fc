/** Replacing a running instance: nobody who connects notices, Pods go on, and a take-over that fails changes nothing. */
import assert from 'node:assert/strict';
import { createSocket, type Socket as Datagrams } from 'node:dgram';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import { messageOf } from '../../src/model/index.ts';
import { loadLibc } from '../../src/sys/ffi/index.ts';
import { emptyHome, run, start, temporaryFolder, type Program } from '../support/program.ts';
import { root } from '../support/tree.ts';

const found = await loadLibc().catch(messageOf);
const skip = typeof found === 'string' ? found : false;
const launcher = [join(root, 'switchyard')];

/** Says its own name and process id on every connection, line by line; and the same over UDP. */
const backend = `
const name = process.env.POD_NAME, host = process.env.HOST;
require('node:net').createServer((s) => {
  s.on('error', () => {});
  s.on('data', () => s.write(name + ' ' + process.pid + '\\n'));
}).listen(9000, host);
const u = require('node:dgram').createSocket('udp4');
u.on('message', (m, from) => u.send(name + ' ' + m, from.port, from.address));
u.bind(9000, host);
let n = 0; setInterval(() => console.log('line ' + n++), 20);
`;

const manifest = (command: string): string => {
  const pod = (name: string): string => `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  labels: {app: echo}
  annotations: {switchyard.dev/command: ${JSON.stringify(command)}}
spec: {containers: [{name: main, image: none, ports: [{containerPort: 9000}]}]}
---`;
  return `${['a', 'b', 'c'].map(pod).join('')}
apiVersion: v1
kind: Service
metadata: {name: echo}
spec:
  selector: {app: echo}
  ports:
  - {name: tcp, port: 9000, protocol: TCP}
  - {name: udp, port: 9000, protocol: UDP}
---
apiVersion: v1
kind: Service
metadata: {name: sticky}
spec: {selector: {app: echo}, sessionAffinity: ClientIP, ports: [{port: 9001, targetPort: 9000}]}
`;
};

interface Rig {
  readonly home: {
    readonly cwd: string;
    readonly env: Readonly<Record<string, string | undefined>>;
  };
  readonly first: Program;
  readonly echo: { readonly address: string; readonly port: number };
  readonly sticky: { readonly address: string; readonly port: number };
  readonly next: (...args: readonly string[]) => Program;
  /** Processes that run for its Pods. */
  readonly podProcesses: () => readonly number[];
}

interface ServiceJson {
  readonly name: string;
  readonly frontends: readonly { readonly reachable: readonly string[] }[];
}

async function rig(t: TestContext, ...args: readonly string[]): Promise<Rig> {
  const folder = temporaryFolder(t);
  const home = { cwd: root, env: emptyHome(folder) };
  const file = join(folder, 'echo.yaml');
  const program = join(folder, 'backend.cjs');
  writeFileSync(program, backend);
  writeFileSync(file, manifest(JSON.stringify([process.execPath, program])));
  const first = start(t, [...launcher, 'up', '-f', file, '--instance', 'r', ...args], home);
  await first.printed('Ready');
  const listed = await run(
    t,
    [...launcher, 'get', 'services', '--instance', 'r', '-o', 'json'],
    home,
  );
  const services = JSON.parse(listed.stdout) as readonly ServiceJson[];
  const at = (name: string): Rig['echo'] => {
    const text = services.find((s) => s.name === name)?.frontends[0]?.reachable[0] ?? '';
    const [address = '', port = ''] = text.split(':');
    return { address, port: Number(port) };
  };
  const next = (...more: readonly string[]): Program =>
    start(t, [...launcher, ...more, '--instance', 'r'], home);
  return {
    home,
    first,
    echo: at('echo'),
    sticky: at('sticky'),
    next,
    podProcesses: () => pidsOf(program),
  };
}

/** Processes of this test's own backend, by the path only it has. */
function pidsOf(program: string): readonly number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^[0-9]+$/.test(name)) return [];
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(program) ? [Number(name)] : [];
    } catch {
      return [];
    }
  });
}

async function open(t: TestContext, { address: host, port }: Rig['echo']): Promise<Socket> {
  const socket = connect({ host, port });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.on('error', () => undefined);
  return socket;
}

/** Through the door of the instance, joined when this resolves. */
async function enter(
  t: TestContext,
  program: Program,
  { address, port }: Rig['echo'],
): Promise<Socket> {
  const [, door = ''] = /socks5h:\/\/\S+:(\d+)/.exec(await program.printed('socks5h://')) ?? [];
  const socket = await open(t, { address: '127.0.0.1', port: Number(door) });
  socket.write(`CONNECT ${address}:${port} HTTP/1.1\r\nHost: ${address}\r\n\r\n`);
  const [said] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
  assert.match(said.toString(), /^HTTP\/1\.1 200 /);
  return socket;
}

async function ask(socket: Socket): Promise<string> {
  socket.write('?');
  const [bytes] = (await once(socket, 'data', { signal: AbortSignal.timeout(10_000) })) as [Buffer];
  return bytes.toString().trim();
}

async function askOnce(at: Rig['echo']): Promise<string> {
  const socket = connect({ host: at.address, port: at.port });
  try {
    return await ask(socket);
  } finally {
    socket.destroy();
  }
}

async function askDatagram(
  socket: Datagrams,
  { address, port }: Rig['echo'],
  text: string,
): Promise<string> {
  const answered = once(socket, 'message', { signal: AbortSignal.timeout(10_000) });
  socket.send(text, port, address);
  const [bytes] = (await answered) as [Buffer];
  return bytes.toString();
}

async function end(program: Program): Promise<void> {
  program.kill('SIGTERM');
  const { status, stdout, stderr } = await program.ended;
  assert.equal(status, 0, stdout + stderr);
}

for (const engine of ['portable', 'epoll']) {
  test(
    `five restarts under load: nothing fails, nobody is forgotten (${engine})`,
    { skip },
    async (t) => {
      const { first, echo, sticky, next } = await rig(t, '--engine', engine, '--drain', '60');
      const long = await open(t, echo);
      const whom = await ask(long);
      const inside = await enter(t, first, echo);
      const behind = await ask(inside);
      const mine = (await askOnce(sticky)).split(' ')[0];
      const client = createSocket('udp4');
      t.after(() => client.close());
      client.bind(0, '127.0.0.1');
      await once(client, 'listening');
      const flow = (await askDatagram(client, echo, '0')).split(' ')[0];
      let stop = false;
      const counts = new Map<string, number>();
      const pids = new Map<string, string>();
      const failures: string[] = [];
      const load = async (): Promise<void> => {
        while (!stop) {
          try {
            const [name = '', pid = ''] = (await askOnce(echo)).split(' ');
            counts.set(name, (counts.get(name) ?? 0) + 1);
            pids.set(name, pid);
          } catch (thrown) {
            failures.push(messageOf(thrown));
          }
        }
      };
      let datagrams = 0;
      const loadDatagrams = async (): Promise<void> => {
        for (let n = 1; !stop; n++) {
          try {
            assert.equal(await askDatagram(client, echo, String(n)), `${flow} ${n}`);
            datagrams++;
          } catch (thrown) {
            failures.push(messageOf(thrown));
          }
        }
      };
      const running = [...Array.from({ length: 32 }, load), loadDatagrams()];
      let current = first;
      const old: Program[] = [];
      for (let restart = 0; restart < 5; restart++) {
        const successor = next('restart');
        await successor.printed('Ready');
        await current.printed('Replaced by process');
        assert.equal(await ask(long), whom, 'the long connection goes on where it was');
        assert.equal(await ask(inside), behind, 'so does the one through the door');
        assert.equal((await askOnce(sticky)).split(' ')[0], mine, 'affinity holds');
        old.push(current);
        current = successor;
      }
      stop = true;
      await Promise.all(running);
      assert.deepEqual(failures, []);
      const all = [...counts.values()];
      const sum = all.reduce((a, b) => a + b, 0);
      t.diagnostic(`${sum} connections, ${datagrams} datagrams`);
      assert.ok(sum > 300 && datagrams > 50, `${sum} ${datagrams}`);
      // The long connections took turns before.
      assert.ok(
        Math.max(...all) - Math.min(...all) <= 2,
        `exact turns: ${JSON.stringify([...counts])}`,
      );
      for (const name of ['a', 'b', 'c']) {
        const said = await askUntil(echo, name);
        assert.equal(said.split(' ')[1], pids.get(name), 'Pods keep their processes');
      }
      long.destroy();
      inside.destroy();
      for (const program of old) assert.equal((await program.ended).status, 0);
      await end(current);
    },
  );
}

test('a successor killed at any moment before it serves changes nothing', { skip }, async (t) => {
  const { first, echo, next } = await rig(t);
  const long = await open(t, echo);
  const whom = await ask(long);
  // Begun moments apart, so that some die before, some within and some at the end of the hand-over.
  let replaced = 0;
  const isReplaced = (withinMs: number): Promise<boolean> =>
    Promise.race([
      first.printed('Replaced by process').then(() => true),
      delay(withinMs).then(() => false),
    ]);
  for (let afterMs = 200; afterMs <= 1_000; afterMs += 40) {
    const successor = next('restart');
    await delay(afterMs);
    successor.kill('SIGKILL');
    await successor.ended;
    if (await isReplaced(100)) {
      replaced = afterMs;
      break;
    }
    try {
      const answers = await Promise.all(Array.from({ length: 6 }, () => askOnce(echo)));
      assert.equal(new Set(answers.map((text) => text.split(' ')[0])).size, 3);
      assert.equal(await ask(long), whom);
    } catch (thrown) {
      // It had come to serve, and the one before was still letting go.
      if (!(await isReplaced(10_000))) throw thrown;
      replaced = afterMs;
      break;
    }
  }
  t.diagnostic(replaced === 0 ? 'none came to serve' : `one served after ${replaced} ms`);
  long.destroy();
  if (replaced === 0) await end(first);
  else assert.equal((await first.ended).status, 0);
});

test(
  'the successor serves on when the one before is killed while it drains',
  { skip },
  async (t) => {
    const { first, echo, next, home } = await rig(t, '--drain', '60');
    const long = await open(t, echo);
    await ask(long);
    const before = await askAll(echo);
    const successor = next('restart');
    await successor.printed('Ready');
    await first.printed('Replaced by process');
    first.kill('SIGKILL');
    await first.ended;
    const after = await askAll(echo);
    assert.deepEqual(after, before, 'the same processes answer');
    // Adopted ones are looked after as any other: one that ends is started again.
    process.kill(Number(after[0]?.split(' ')[1]), 'SIGKILL');
    await successor.printed('starting it again');
    for (;;) {
      const said = await askUntil(echo, 'a').catch(() => before[0]);
      if (said !== before[0]) break;
      await delay(20);
    }
    const logs = await run(t, [...launcher, 'logs', 'pod/b', '--instance', 'r'], home);
    const numbers = [...logs.stdout.matchAll(/line ([0-9]+)/g)].map(([, n]) => Number(n));
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => (numbers[0] ?? -1) + i),
      'no line of output is lost or told twice',
    );
    assert.equal(numbers[0], 0);
    await end(successor);
  },
);

test(
  'connections that outlast the drain are cut, and the old process ends',
  { skip },
  async (t) => {
    const { first, echo, next } = await rig(t, '--drain', '1');
    const long = await open(t, echo);
    await ask(long);
    const successor = next('restart');
    await successor.printed('Ready');
    await new Promise((resolve) => long.once('close', resolve));
    assert.equal((await first.ended).status, 0);
    assert.match(await askOnce(echo), /^[abc] /);
    await end(successor);
  },
);

test('a stop takes nothing new, lets open connections end, and a second one cuts them', async (t) => {
  const skipped = process.platform === 'linux' ? undefined : 'needs all of 127/8';
  if (skipped !== undefined) return t.skip(skipped);
  const { first, echo } = await rig(t, '--drain', '60');
  const [ending, lasting] = [await open(t, echo), await open(t, echo)];
  await Promise.all([ask(ending), ask(lasting)]);
  first.kill('SIGTERM');
  await first.printed('Stopping; open connections may end');
  await assert.rejects(untilRefused(echo), { code: 'ECONNREFUSED' });
  assert.match(await ask(ending), /^[abc] /, 'what is open goes on');
  ending.end();
  const cut = new Promise((resolve) => lasting.once('close', resolve));
  first.kill('SIGINT');
  await cut;
  assert.equal((await first.ended).status, 130);
});

test(
  'killed, it takes the processes of its Pods with it; the next one runs them anew',
  { skip },
  async (t) => {
    const { first, echo, next, podProcesses } = await rig(t);
    const before = podProcesses();
    assert.equal(before.length, 3);
    first.kill('SIGKILL');
    await first.ended;
    const deadline = Date.now() + 30_000;
    while (podProcesses().length > 0) {
      assert.ok(Date.now() < deadline, 'they still run');
      await delay(50);
    }
    const again = next('up');
    await again.printed('Ready');
    while (!(await askOnce(echo).catch(messageOf)).startsWith('c ')) {
      assert.ok(Date.now() < deadline, 'c does not answer again');
      await delay(20);
    }
    assert.equal(podProcesses().filter((pid) => before.includes(pid)).length, 0);
    await end(again);
  },
);

test('replacing what does not run is refused', { skip }, async (t) => {
  const none = emptyPlace(t);
  const ended = await run(t, [...launcher, 'restart', '--instance', 'nobody'], none);
  assert.deepEqual([ended.status, ended.stdout], [2, '']);
  assert.match(ended.stderr, /none is running/);
});

function emptyPlace(t: TestContext): Rig['home'] {
  return { cwd: root, env: emptyHome(temporaryFolder(t)) };
}

/** What each process says; one after the other, because turns are taken by all who ask. */
async function askAll(at: Rig['echo']): Promise<readonly string[]> {
  const said: string[] = [];
  for (const name of ['a', 'b', 'c']) said.push(await askUntil(at, name));
  return said;
}

async function askUntil(at: Rig['echo'], name: string): Promise<string> {
  for (let tried = 0; tried < 6; tried++) {
    const said = await askOnce(at);
    if (said.startsWith(`${name} `)) return said;
  }
  throw new Error(`${name} was never reached`);
}

/** Asks until nobody listens any more: closing comes in its turn. */
async function untilRefused(at: Rig['echo']): Promise<never> {
  for (;;) {
    await askOnce(at);
    await delay(10);
  }
}
