/** A UDP Service through the whole program: from a manifest to datagrams and counters. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test, type TestContext } from 'node:test';
import { emptyHome, run, start, temporaryFolder } from '../support/program.ts';
import { root } from '../support/tree.ts';

const launcher = join(root, 'switchyard');
const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';

async function socketAt(t: TestContext, address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  t.after(() => socket.close());
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

interface ServiceJson {
  readonly frontends: readonly { readonly reachable: readonly string[] }[];
}

interface SpreadJson {
  readonly exact: boolean;
  readonly protocol: string;
}

interface EndpointJson {
  readonly connections: number;
  readonly bytesIn: number;
}

test('a UDP Service spreads its clients', { skip: linux }, async (t) => {
  const first = await socketAt(t, '127.9.95.1');
  const { port } = first.address();
  const second = createSocket('udp4');
  t.after(() => second.close());
  second.bind(port, '127.9.95.2');
  await once(second, 'listening');
  for (const [name, socket] of [
    ['first', first],
    ['second', second],
  ] as const) {
    socket.on('message', (_bytes, from) => socket.send(name, from.port, from.address));
  }
  const home = temporaryFolder(t);
  const file = join(home, 'udp.yaml');
  const objects = [
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'dns' },
      spec: { ports: [{ port: 5353, protocol: 'UDP' }] },
    },
    {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata: { name: 'dns-1', labels: { 'kubernetes.io/service-name': 'dns' } },
      addressType: 'IPv4',
      ports: [{ port, protocol: 'UDP' }],
      endpoints: ['127.9.95.1', '127.9.95.2'].map((address) => ({ addresses: [address] })),
    },
  ];
  writeFileSync(file, objects.map((object) => JSON.stringify(object)).join('\n---\n'));
  const options = { cwd: root, env: emptyHome(home) };
  const up = start(t, [launcher, 'up', '-f', file, '--instance', 'udp'], options);
  await up.printed('Ready');
  const get = async <T>(what: string): Promise<T> => {
    const command = [launcher, 'get', what, '--instance', 'udp', '-o', 'json'];
    const ended = await run(t, command, options);
    assert.equal(ended.status, 0, ended.stderr);
    return JSON.parse(ended.stdout) as T;
  };
  const [service] = await get<readonly ServiceJson[]>('services');
  const at = service?.frontends[0]?.reachable[0]?.split(':');
  assert.ok(at?.[0] !== undefined && at[1] === '5353');
  const seen: string[] = [];
  for (let i = 0; i < 6; i++) {
    const client = await socketAt(t, '127.0.0.1');
    client.send('who', Number(at[1]), at[0]);
    const [answer] = (await once(client, 'message')) as [Buffer];
    seen.push(String(answer));
  }
  assert.equal(seen.filter((name) => name === 'first').length, 3, seen.join(' '));
  const endpoints = await get<readonly EndpointJson[]>('endpoints');
  assert.deepEqual(
    endpoints.map(({ connections, bytesIn }) => [connections, bytesIn]),
    [
      [3, 9],
      [3, 9],
    ],
  );
  for (let round = 0; round < 2; round++) {
    const command = [launcher, 'spread', 'service', 'dns', '-n', '300', '-o', 'json'];
    const spread = await run(t, [...command, '--instance', 'udp'], options);
    assert.equal(spread.status, 0, spread.stdout + spread.stderr);
    const { exact, protocol } = JSON.parse(spread.stdout) as SpreadJson;
    assert.deepEqual([exact, protocol], [true, 'UDP'], spread.stdout);
  }
  up.kill('SIGTERM');
  assert.equal((await up.ended).status, 0);
});
