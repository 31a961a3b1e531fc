/** Loads for TCP proxies: plain node:net clients and backends in this process, bounded in count. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { host, inLanes, startServers, type Backends } from './proxy-rig.ts';

const request = Buffer.alloc(128, 'q');
const answer = Buffer.alloc(256, 'a');

/** What starts with this byte is swallowed, anything else answered. */
const bulkMark = 0;

/** Backends that answer each request, or take in bulk. */
export const startBackends = (count: number): Promise<Backends> => startServers(count, serve);

function serve(socket: Socket): void {
  socket.on('data', (bytes) => {
    if (bytes[0] !== bulkMark) socket.write(answer);
  });
}

/** `count` requests over `lanes` connections that stay open. */
export async function keepAliveLoad(port: number, count: number, lanes: number): Promise<void> {
  let left = count;
  await inLanes(lanes, async () => {
    const socket = connect({ port, host, noDelay: true });
    let got = 0;
    socket.on('data', (bytes) => {
      got += bytes.length;
      if (got < answer.length) return;
      got = 0;
      if (left-- > 0) socket.write(request);
      else socket.end();
    });
    socket.write(request);
    await once(socket, 'close');
  });
}

/** `count` connections with one request each, `lanes` at a time. */
export async function connectionLoad(port: number, count: number, lanes: number): Promise<void> {
  let left = count;
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host, noDelay: true });
      socket.on('error', reject);
      socket.on('data', () => socket.end());
      socket.on('close', () => resolve());
      socket.write(request);
    });
  const lane = async (): Promise<void> => {
    while (left-- > 0) await one();
  };
  await inLanes(lanes, lane);
}

/** `total` bytes through one connection, one way. */
export async function bulkLoad(port: number, total: number): Promise<void> {
  const block = Buffer.alloc(256 * 1024, bulkMark);
  const socket = connect({ port, host });
  for (let sent = 0; sent < total; sent += block.length) {
    if (!socket.write(block)) await once(socket, 'drain');
  }
  socket.end();
  socket.resume();
  await once(socket, 'close');
}
