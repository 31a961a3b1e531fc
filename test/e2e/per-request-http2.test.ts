/** `balance: request` for clients that keep one connection by their nature: HTTP/2 and gRPC. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type ClientHttp2Session } from 'node:http2';
import { join } from 'node:path';
import process from 'node:process';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { Client, credentials } from '@grpc/grpc-js';
import { startShop } from '../support/shop.ts';
import { root } from '../support/tree.ts';

const linux = process.platform === 'linux' ? false : 'needs all of 127/8, which only Linux has';
const balanced = { 'switchyard.dev/balance': 'request' };

async function askHttp2(session: ClientHttp2Session, headers = {}): Promise<string> {
  const stream = session.request({ ':path': '/', ...headers });
  const [head] = await once(stream, 'response');
  const body = await text(stream);
  assert.equal((head as Readonly<Record<string, unknown>>)[':status'], 200);
  return body.split(' ')[0] ?? '';
}

async function spreadOf(
  requests: number,
  ask: () => Promise<string>,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let i = 0; i < requests; i++) {
    const pod = await ask();
    counts.set(pod, (counts.get(pod) ?? 0) + 1);
  }
  return counts;
}

test(
  'one HTTP/2 client: exactly in turn, and a new Pod has its share at once',
  { skip: linux },
  async (t) => {
    const shop = await startShop(t, balanced, 3);
    const session = connect(`http://${shop.at}`);
    t.after(() => session.destroy());
    const ask = (): Promise<string> => askHttp2(session);
    assert.deepEqual([...(await spreadOf(300, ask)).values()], [100, 100, 100]);
    await shop.scale(4);
    assert.deepEqual([...(await spreadOf(400, ask)).values()], [100, 100, 100, 100]);
    const many = await Promise.all(Array.from({ length: 40 }, ask));
    const counts = new Map<string, number>();
    for (const pod of many) counts.set(pod, (counts.get(pod) ?? 0) + 1);
    assert.deepEqual([...counts.values()], [10, 10, 10, 10], 'at once as well');
  },
);

/** A gRPC server without a schema: it answers its Pod's name, once or as often as asked. */
const grpcBackend = `
const grpc = require(${JSON.stringify(join(root, 'node_modules/@grpc/grpc-js'))});
const { HOST, PORT, POD_NAME } = process.env;
const plain = (bytes) => bytes;
const method = { requestSerialize: plain, requestDeserialize: plain, responseSerialize: plain, responseDeserialize: plain };
const server = new grpc.Server();
server.addService({
  who: { ...method, path: '/shop.Shop/Who', requestStream: false, responseStream: false },
  count: { ...method, path: '/shop.Shop/Count', requestStream: false, responseStream: true },
}, {
  who: (call, answer) => answer(null, Buffer.from(POD_NAME)),
  count: (call) => {
    for (let i = 0; i < call.request[0]; i++) call.write(Buffer.from(POD_NAME));
    call.end();
  },
});
server.bindAsync(HOST + ':' + PORT, grpc.ServerCredentials.createInsecure(), () => undefined);
`;

const plain = (bytes: Buffer): Buffer => bytes;

test(
  'one gRPC client: exactly in turn, streams whole, and a new Pod has its share at once',
  { skip: linux },
  async (t) => {
    const shop = await startShop(t, balanced, 3, { portName: 'grpc', serves: grpcBackend });
    const client = new Client(shop.at, credentials.createInsecure());
    t.after(() => client.close());
    const who = (): Promise<string> =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest('/shop.Shop/Who', plain, plain, Buffer.of(1), (error, answer) => {
          if (error === null) resolve(String(answer));
          else reject(error);
        });
      });
    assert.deepEqual([...(await spreadOf(300, who)).values()], [100, 100, 100]);
    await shop.scale(4);
    assert.deepEqual([...(await spreadOf(400, who)).values()], [100, 100, 100, 100]);
    const streamed: string[] = [];
    const stream = client.makeServerStreamRequest('/shop.Shop/Count', plain, plain, Buffer.of(50));
    for await (const part of stream) streamed.push(String(part));
    assert.equal(streamed.length, 50);
    assert.equal(new Set(streamed).size, 1, 'a stream has one Pod');
  },
);
