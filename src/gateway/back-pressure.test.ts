/** Whoever does not read holds back whoever sends, either way, and loses nothing by it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { SocketAddress } from '../model/index.ts';
import { systemClock } from '../sys/index.ts';
import { onEveryEngine, roundRobin, startBackend, startGateway, type Check } from './testing.ts';

/** What the kernel's buffers of two connections may take, and then some. */
const bound = 40 << 20;

await onEveryEngine(checks);

async function open(t: TestContext, { address: host, port }: SocketAddress): Promise<Socket> {
  const socket = connect({ host, port });
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Resolves with the count when it has not grown for half a second. */
async function settled(count: () => number): Promise<number> {
  for (;;) {
    const before = count();
    await systemClock.sleep(500);
    if (count() === before) return before;
  }
}

function checks(check: Check): void {
  check('a client that asks on and on without reading gets no further', async (t, engine) => {
    const size = 64 << 10;
    const wanted = 2_000;
    let asked = 0;
    const { endpoint } = await startBackend(t, (request, response) => {
      asked++;
      response.end(`${request.url} `.padEnd(size, '.'));
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const client = await open(t, address);
    client.pause();
    for (let i = 0; i < wanted; i++) client.write(`GET /${i} HTTP/1.1\r\nHost: x\r\n\r\n`);
    const held = await settled(() => asked);
    assert.ok(held > 0 && held * size < bound, `${held} answers of ${size} bytes`);
    t.diagnostic(`${held} of ${wanted} answered before anything was read`);
    // All come when they are read, in order.
    let [seen, tail] = [0, ''];
    client.on('data', (bytes: Buffer) => {
      const text = tail + bytes.toString('latin1');
      for (const [, number] of text.matchAll(/\r\n\r\n\/(\d+) /g)) {
        assert.equal(Number(number), seen);
        seen++;
      }
      // The next beginning may lie across two reads; one that was counted is not looked at again.
      tail = text.slice(Math.max(text.lastIndexOf('\r\n\r\n/'), text.length - 16));
      if (/^\r\n\r\n\/\d+ /.test(tail)) tail = '';
    });
    client.resume();
    while (seen < wanted) {
      assert.ok(!client.destroyed, `ended after ${seen}`);
      await systemClock.sleep(20);
    }
  });

  check('a backend that does not read holds its client back', async (t, engine) => {
    const size = 128 << 20;
    const reading = Promise.withResolvers<void>();
    const { endpoint } = await startBackend(t, (request, response) => {
      void reading.promise.then(() => {
        let taken = 0;
        request.on('data', (bytes: Buffer) => {
          taken += bytes.length;
        });
        request.on('end', () => response.end(String(taken)));
      });
    });
    const { address } = await startGateway(t, engine, { router: roundRobin([endpoint]) });
    const client = await open(t, address);
    client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
    client.write(Buffer.alloc(size));
    const taken = await settled(() => client.bytesWritten - client.writableLength);
    assert.ok(taken < bound, `${taken} bytes`);
    reading.resolve();
    const [answer] = (await once(client, 'data')) as [Buffer];
    assert.match(answer.toString(), new RegExp(`\r\n\r\n${size}$`));
  });
}
