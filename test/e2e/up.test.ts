/** The skeleton's promises, each with the real program, real sockets and real processes. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { ask, cli, launcher, needsLinux, newHome, type Home } from '../support/cli.ts';
import { startDemo } from '../support/instance.ts';
import { run, start, temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

interface ServiceJson {
  readonly name: string;
  readonly frontends: readonly { readonly reachable: readonly string[] }[];
}

interface SpreadJson {
  readonly exact: boolean;
  readonly connected: number;
  readonly shares: readonly { readonly endpoint: string; readonly connections: number }[];
}

async function reachable(t: TestContext, home: Home, ...args: readonly string[]): Promise<string> {
  const services = await ask<readonly ServiceJson[]>(t, home, 'get', 'services', 'web', ...args);
  const address = services[0]?.frontends[0]?.reachable[0];
  assert.ok(address);
  return address;
}

test(
  'the demo serves, curl reaches each backend in turn, and 300 connections are exactly equal',
  { skip: needsLinux },
  async (t) => {
    const home = newHome(t);
    const demo = await startDemo(t, launcher, { ...home, name: 'demo' });
    const address = await reachable(t, home);
    const seen: string[] = [];
    for (let n = 0; n < 9; n++) {
      seen.push((await run(t, ['curl', '-sS', `http://${address}/`], home)).stdout);
    }
    const round = seen.slice(0, 3);
    assert.equal(new Set(round).size, 3, `three backends answer: ${round.join('')}`);
    assert.deepEqual(seen, [...round, ...round, ...round]);
    const spread = await ask<SpreadJson>(t, home, 'spread', 'service', 'web', '-n', '300');
    assert.deepEqual(
      spread.shares.map((share) => share.connections),
      [100, 100, 100],
    );
    assert.equal(spread.exact, true);
    await demo.stop();
  },
);

test(
  'a user without privilege gets a stand-in for a low port, printed and recorded',
  {
    skip: needsLinux || (process.getuid?.() === 0 ? false : 'only root can become another user'),
  },
  async (t) => {
    const home = newHome(t);
    const folder = home.env['HOME'] ?? '';
    rmSync(folder, { recursive: true });
    mkdirSync(folder, { mode: 0o777 });
    await run(t, ['chmod', '777', folder], home);
    const nobody = { ...home, uid: 65_534 };
    const demo = await startDemo(t, launcher, { ...nobody, name: 'nobody' });
    const answer = await run(t, [...launcher, 'get', 'services', 'web', '-o', 'json'], nobody);
    const services = JSON.parse(answer.stdout) as readonly ServiceJson[];
    const address = services[0]?.frontends[0]?.reachable[0] ?? '';
    assert.match(address, /^127\.[0-9.]+:(80|8080)$/);
    assert.match(await get(address), /^Hello from web-/);
    await demo.stop();
  },
);

/** Backends that say who they are, at ports of their own. */
async function startBackends(
  t: TestContext,
  names: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const ports = new Map<string, number>();
  for (const name of names) {
    const server: Server = createServer((_request, response) => response.end(name));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    t.after(() => server.close().closeAllConnections());
    ports.set(name, (server.address() as AddressInfo).port);
  }
  return ports;
}

/** A Service `web` with one slice for each backend: their ports differ. */
function manifestOf(ports: ReadonlyMap<string, number>, names: readonly string[]): string {
  const slices = names.map(
    (name) => `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-${name}, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: ${ports.get(name)}}]
endpoints: [{addresses: [127.0.0.1]}]
`,
  );
  return `apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 9080}]}
${slices.join('')}`;
}

test(
  'changing the manifest changes the spread without a failed request',
  { skip: needsLinux },
  async (t) => {
    const home = newHome(t);
    const ports = await startBackends(t, ['a', 'b', 'c', 'd']);
    const file = join(temporaryFolder(t), 'web.yaml');
    writeFileSync(file, manifestOf(ports, ['a', 'b']));
    const up = start(t, [...launcher, 'up', '-f', file, '--instance', 'change'], home);
    await up.printed('Ready');
    const address = await reachable(t, home);
    const load = new AbortController();
    const failures: unknown[] = [];
    let requests = 0;
    const clients = Array.from({ length: 8 }, async () => {
      while (!load.signal.aborted) {
        try {
          const answer = await fetch(`http://${address}/`, { headers: { connection: 'close' } });
          assert.match(await answer.text(), /^[abcd]$/);
          requests++;
        } catch (error) {
          failures.push(error);
        }
      }
    });
    for (const names of [['a', 'b', 'c'], ['c', 'd'], ['d'], ['a', 'b', 'c', 'd'], ['b', 'a']]) {
      const before = requests;
      writeFileSync(file, manifestOf(ports, names));
      await sees(
        t,
        home,
        names.map((name) => `127.0.0.1:${ports.get(name)}`),
      );
      while (requests < before + 50 && failures.length === 0) await new Promise(setImmediate);
    }
    load.abort();
    await Promise.all(clients);
    assert.deepEqual(failures, []);
    assert.ok(requests >= 250);
    const spread = await ask<SpreadJson>(t, home, 'spread', 'service', 'web', '-n', '100');
    assert.deepEqual(
      spread.shares.map((share) => share.connections),
      [50, 50],
    );
    up.kill('SIGINT');
    assert.equal((await up.ended).status, 0);
  },
);

/** Waits until the instance forwards to exactly these endpoints. */
async function sees(t: TestContext, home: Home, endpoints: readonly string[]): Promise<void> {
  const wanted = endpoints.toSorted((a, b) => (a < b ? -1 : 1));
  const deadline = Date.now() + 20_000;
  for (;;) {
    const got = await ask<readonly { address: string }[]>(t, home, 'get', 'endpoints');
    const addresses = got.map(({ address }) => address).toSorted((a, b) => (a < b ? -1 : 1));
    if (JSON.stringify(addresses) === JSON.stringify(wanted)) return;
    assert.ok(Date.now() < deadline, `${addresses.join(' ')} instead of ${wanted.join(' ')}`);
  }
}

test(
  'a broken edit keeps the last good state, says where it is broken, and is left behind by the next',
  { skip: needsLinux },
  async (t) => {
    const home = newHome(t);
    const ports = await startBackends(t, ['a', 'b']);
    const file = join(temporaryFolder(t), 'web.yaml');
    writeFileSync(file, manifestOf(ports, ['a']));
    const up = start(t, [...launcher, 'up', '-f', file, '--instance', 'broken-edit'], home);
    await up.printed('Ready');
    const address = await reachable(t, home);
    writeFileSync(file, manifestOf(ports, ['a', 'b']).replace('port: 9080', 'port: 90800'));
    await up.printed('spec.ports[0].port');
    assert.equal(await get(address), 'a');
    writeFileSync(file, manifestOf(ports, ['b']));
    await sees(t, home, [`127.0.0.1:${ports.get('b')}`]);
    assert.equal(await get(address), 'b');
  },
);

test('two instances side by side do not disturb each other', { skip: needsLinux }, async (t) => {
  const home = newHome(t);
  const first = start(t, [...launcher, 'up', '--demo'], home);
  await first.printed('Ready');
  const second = start(t, [...launcher, 'up', '--demo'], home);
  await second.printed('Ready');
  const unnamed = await cli(t, home, 'get', 'services');
  assert.equal(unnamed.status, 2);
  assert.match(unnamed.stderr, /default .*\n.*default-2 /);
  const named = ['default', 'default-2'] as const;
  const addresses = await Promise.all(named.map((name) => reachable(t, home, '--instance', name)));
  assert.notEqual(addresses[0], addresses[1]);
  const spreads = await Promise.all(
    named.map((name) =>
      ask<SpreadJson>(t, home, 'spread', 'service', 'web', '-n', '300', '--instance', name),
    ),
  );
  for (const spread of spreads) {
    assert.deepEqual(
      spread.shares.map((share) => share.connections),
      [100, 100, 100],
    );
  }
  first.kill('SIGTERM');
  assert.equal((await first.ended).status, 0);
  assert.match(await get(addresses[1] ?? ''), /^Hello/);
  await assert.rejects(get(addresses[0] ?? ''));
  second.kill('SIGTERM');
  assert.equal((await second.ended).status, 0);
});

test(
  'after kill -9 nothing stands in the way of the next start, and no backend stays behind',
  { skip: needsLinux },
  async (t) => {
    const home = newHome(t);
    const killed = start(t, [...launcher, 'up', '--demo', '--instance', 'killed'], home);
    await killed.printed('Ready');
    const [backend] = await ask<readonly { address: string }[]>(t, home, 'get', 'endpoints');
    killed.kill('SIGKILL');
    await killed.ended;
    const again = await startDemo(t, launcher, { ...home, name: 'killed' });
    assert.match(await get(await reachable(t, home)), /^Hello/);
    await again.stop();
    const deadline = Date.now() + 10_000;
    while (await answers(backend?.address ?? ''))
      assert.ok(Date.now() < deadline, 'a backend is left');
  },
);

/** One request on a connection of its own: a kept one would stay with its backend, as it should. */
async function get(address: string): Promise<string> {
  const answer = await fetch(`http://${address}/`, { headers: { connection: 'close' } });
  return await answer.text();
}

async function answers(address: string): Promise<boolean> {
  return await get(address).then(
    () => true,
    () => false,
  );
}

// No test asserts a time; the figure stands in the output.
test('npm start serves, and ends well on Ctrl-C', { skip: needsLinux }, async (t) => {
  const home = newHome(t);
  const from = performance.now();
  const npm = start(t, ['npm', 'start'], home);
  await npm.printed('Ready');
  t.diagnostic(`npm start to Ready: ${Math.round(performance.now() - from)} ms`);
  const spread = await ask<SpreadJson>(t, home, 'spread', 'service', 'web', '-n', '300');
  assert.deepEqual(
    spread.shares.map((share) => share.connections),
    [100, 100, 100],
  );
  npm.kill('SIGINT');
  const { stdout } = await npm.ended;
  assert.match(stdout, /web-0 +10 .*\n.*web-1 +10 .*\n.*web-2 +10 /);
  const shownOf = (name: string): number =>
    Number(new RegExp(`^ +${name} +([0-9]+)`, 'm').exec(stdout)?.[1]);
  // Least connections: the one that is slow has one open most of the time, so it gets fewer.
  assert.ok(shownOf('search-slow') < Math.min(shownOf('search-1'), shownOf('search-2')), stdout);
  assert.match(stdout, /^echo +UDP.*\n +echo-1 +15 .*\n +echo-2 +15 /m);
  assert.match(stdout, /^front +NodePort.* 127\.0\.0\.1:[0-9]+\n/m);
  for (const byName of ['peers +headless', 'partner +ExternalName']) {
    assert.match(stdout, new RegExp(`^${byName}.*\\n +web-0 +[0-9]+ `, 'm'));
  }
  assert.equal((await cli(t, home, 'get', 'services')).status, 2);
});

const broken: Readonly<Record<string, string>> = {
  'broken-yaml.yaml': 'apiVersion: v1\nkind: Service\n  metadata: {name: web}\n',
  'invalid-port.yaml':
    'apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {ports: [{port: 80800}]}\n',
};

/** Golden output of what goes wrong; names of temporary folders and ports are replaced. */
const complaints: Readonly<Record<string, readonly string[]>> = {
  'unknown-command': ['upp'],
  'unknown-option': ['up', '--demmo'],
  'missing-file': ['up', '-f', 'FOLDER/none.yaml'],
  'broken-yaml': ['up', '-f', 'FOLDER/broken-yaml.yaml'],
  'invalid-port': ['up', '-f', 'FOLDER/invalid-port.yaml'],
  'nothing-runs': ['get', 'services'],
  'wrong-instance-name': ['up', '--instance', 'No Such Name'],
  'json-error': ['get', 'plan', '-o', 'json'],
};

for (const [name, args] of Object.entries(complaints)) {
  test(`what goes wrong is said well: ${name}`, async (t) => {
    const home = newHome(t);
    const folder = temporaryFolder(t);
    for (const [file, text] of Object.entries(broken)) writeFileSync(join(folder, file), text);
    const ended = await cli(t, home, ...args.map((arg) => arg.replace('FOLDER', folder)));
    // What a slow machine is told meanwhile.
    const stderr = ended.stderr.replace('Waiting for the first endpoints to answer...\n', '');
    const text = `$ switchyard ${args.join(' ')}\n${ended.stdout}${stderr}exit ${ended.status}\n`;
    matchesGolden(t, name, text.replaceAll(folder, 'FOLDER'));
  });
}

test('what goes wrong is said well: a taken port', { skip: needsLinux }, async (t) => {
  const home = newHome(t);
  const holder = createTcpServer();
  t.after(() => holder.close());
  const port = await listenAsNodePort(holder);
  const file = join(temporaryFolder(t), 'taken.yaml');
  const ports = await startBackends(t, ['a']);
  const nodePort = manifestOf(ports, ['a'])
    .replace('spec: {', 'spec: {type: NodePort, ')
    .replace('port: 9080', `port: 9080, nodePort: ${port}`);
  writeFileSync(file, nodePort);
  const up = start(t, [...launcher, 'up', '-f', file, '--instance', 'taken'], home);
  await up.printed('Ready');
  const shown = await cli(t, home, 'get', 'services');
  matchesGolden(
    t,
    'taken-port',
    shown.stdout
      .replaceAll(String(port), 'PORT')
      .replaceAll(/127\.(?!0\.0\.1)[0-9.]+/g, 'CLUSTERIP')
      .replaceAll(/ {2,}/g, '   '),
  );
  // The other frontend of the Service works, and the taken one follows as soon as it is free.
  const address = await reachable(t, home);
  assert.equal(await get(address), 'a');
  await new Promise((resolve) => holder.close(resolve));
  const deadline = Date.now() + 20_000;
  while (!(await answers(`127.0.0.1:${port}`))) assert.ok(Date.now() < deadline, 'never served');
});

/** Listens at 127.0.0.1 at the first free port a Service may have as nodePort. */
async function listenAsNodePort(
  server: Server | ReturnType<typeof createTcpServer>,
): Promise<number> {
  for (let port = 32_700; ; port--) {
    const listens = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    if (listens) return port;
  }
}

function matchesGolden(t: TestContext, name: string, text: string): void {
  const path = join(root, 'test/e2e/testdata', `${name}.txt`);
  t.assert.fileSnapshot(text, path, { serializers: [(value: unknown) => String(value)] });
  assert.ok(existsSync(path));
}
