/** As many ServicePorts as a large cluster has: each of them listens, and each leads to its own endpoint. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import process from 'node:process';
import { test } from 'node:test';
import {
  clusterIp,
  testEndpoint,
  testNode,
  testServer,
} from '../../src/drivers/conformance/index.ts';
import { createUserspaceDriver } from '../../src/drivers/userspace/index.ts';
import { emptyPlan, messageOf, nextPlan } from '../../src/model/index.ts';
import { silentLogger } from '../../src/obs/index.ts';
import { systemClock } from '../../src/sys/index.ts';
import { createEngine, createPortableUdp } from '../../src/sys/net/index.ts';

const count = 10_000;
const port = 8080;
const linux = process.platform === 'linux' ? undefined : 'needs all of 127/8, which only Linux has';

const addressOf = (i: number): string => `127.13.${Math.floor(i / 250)}.${1 + (i % 250)}`;

for (const prefer of ['portable', 'epoll'] as const) {
  const engine = await createEngine({ prefer }).then((made) => made.engine, messageOf);
  const missing = linux ?? (typeof engine === 'string' ? engine : undefined);
  const name = `${count} ServicePorts on ${prefer}: every one answers, with its own endpoint`;
  test(name, { skip: missing ?? false, timeout: 120_000 }, async (t) => {
    assert.ok(typeof engine !== 'string');
    // One backend, told apart by the address a connection came to: a ServicePort has its own.
    const backend = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.end(socket.localAddress ?? '');
    });
    backend.listen({ port: 0, host: '0.0.0.0', backlog: 4096 });
    await once(backend, 'listening');
    t.after(() => backend.close());
    const bound = backend.address();
    assert.ok(typeof bound === 'object' && bound !== null);
    const own = { clock: systemClock, random: Math.random, log: silentLogger };
    const driver = createUserspaceDriver({ engine, udp: createPortableUdp(), ...own });
    t.after(() => driver.stop(AbortSignal.abort()));
    const endpointOf = (i: number): string => addressOf(i).replace('127.13.', '127.14.');
    const set = Array.from({ length: count }, (_, i) =>
      testServer([clusterIp({ address: addressOf(i), port })], {
        name: `s${i}`,
        endpoints: [testEndpoint({ address: endpointOf(i), port: bound.port })],
      }),
    );
    const { plan } = nextPlan(emptyPlan(testNode()), { set, remove: [] })!;
    const report = await driver.apply(plan, undefined, new AbortController().signal);
    assert.deepEqual([report.failures, report.standIns, report.operations], [[], [], count]);
    const wrong: string[] = [];
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let i = next++; i < count; i = next++) {
        const heard = await said(addressOf(i));
        if (heard !== endpointOf(i)) wrong.push(`${addressOf(i)}: ${heard}`);
      }
    };
    await Promise.all(Array.from({ length: 32 }, lane));
    assert.deepEqual(wrong, []);
  });
}

/** What the other side says, or how it failed. */
async function said(address: string): Promise<string> {
  const socket = connect(port, address);
  let text = '';
  socket.on('error', (error) => (text = messageOf(error)));
  socket.on('data', (bytes) => (text += String(bytes)));
  await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  return text;
}
