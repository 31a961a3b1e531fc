/** Turns, open counts and counters are as exact in two threads as in one. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import {
  emptyPlan,
  messageOf,
  nextPlan,
  type SchedulerName,
  type SocketAddress,
} from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import { createEngine, createPortableUdp } from '../../sys/net/index.ts';
import { until } from '../../sys/net/testing.ts';
import { clusterIp, freePort, testEndpoint, testNode, testServer } from '../conformance/index.ts';
import { createUserspaceDriver } from './driver.ts';

const how = { prefer: 'epoll', workers: 2, longAfterReads: 4 } as const;
const skip = await createEngine({ prefer: 'epoll' }).then(() => false, messageOf);
const requests = 10;

/** A backend that answers each byte with its own name. */
async function startBackend(t: TestContext, name: string): Promise<SocketAddress> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('data', () => socket.write(name));
  });
  server.listen(0, `127.9.142.${name}`);
  await once(server, 'listening');
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { address, port } = server.address() as AddressInfo;
  return { address, port };
}

/** Ten requests on one connection, which stays open; resolves with who answered. */
async function talk(t: TestContext, at: SocketAddress): Promise<string> {
  // What ends it when the test is over is no failure; before that, waiting for an answer fails by itself.
  const socket = connect(at.port, at.address).on('error', () => undefined);
  t.after(() => socket.destroy());
  let name = '';
  for (let i = 0; i < requests; i++) {
    socket.write('?');
    const [bytes] = (await once(socket, 'data')) as [Buffer];
    name = bytes.toString();
  }
  return name;
}

for (const scheduler of ['rr', 'lc'] as const satisfies readonly SchedulerName[]) {
  test(`${scheduler} is exact over two threads, and so are counters`, { skip }, async (t) => {
    const { engine } = await createEngine(how);
    const driver = createUserspaceDriver({
      engine,
      udp: createPortableUdp(),
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
    });
    t.after(() => driver.stop(AbortSignal.abort()));
    const backends = await Promise.all(['1', '2', '3'].map((name) => startBackend(t, name)));
    const at = { address: '127.9.142.9', port: await freePort('127.9.142.9') };
    const endpoints = backends.map((backend) => testEndpoint(backend));
    const server = testServer([clusterIp(at)], { endpoints, scheduler });
    const next = nextPlan(emptyPlan(testNode()), { set: [server], remove: [] });
    assert.ok(next !== undefined);
    await driver.apply(next.plan, undefined, new AbortController().signal);
    const spread = new Map<string, number>();
    const names = await Promise.all(Array.from({ length: 30 }, () => talk(t, at)));
    for (const name of names) spread.set(name, (spread.get(name) ?? 0) + 1);
    assert.deepEqual(Object.fromEntries(spread), { 1: 10, 2: 10, 3: 10 });
    const counted = (): unknown[] =>
      [...(driver.observe().endpoints.get(server.id)?.values() ?? [])].map(
        ({ connections, open, bytesIn, bytesOut }) => [connections, open, bytesIn, bytesOut],
      );
    const each = [10, 10, 10 * requests, 10 * requests];
    await until(() => String(counted()) === String([each, each, each]), 'every byte is counted');
  });
}
