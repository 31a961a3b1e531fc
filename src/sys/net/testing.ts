/**
 * Peers for the engine suite: plain node:net sockets on both sides of the engine under test, and ways to see
 * what became of them.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readlinkSync } from 'node:fs';
import { createServer, connect as plainConnect, type Server, type Socket } from 'node:net';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { SocketAddress } from '../../model/index.ts';

export interface PlainServer {
  readonly address: SocketAddress;
  /** The next connection it takes. */
  next(): Promise<Socket>;
}

export async function startServer(t: TestContext, host = '127.0.0.1'): Promise<PlainServer> {
  const waiting: ((socket: Socket) => void)[] = [];
  const ready: Socket[] = [];
  const server: Server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) => {
    t.after(() => socket.destroy());
    const waiter = waiting.shift();
    if (waiter === undefined) ready.push(socket);
    else waiter(socket);
  });
  server.listen(0, host);
  await once(server, 'listening');
  t.after(() => server.close());
  return {
    address: addressOf(server),
    next: () => {
      const socket = ready.shift();
      return socket === undefined
        ? new Promise((resolve) => waiting.push(resolve))
        : Promise.resolve(socket);
    },
  };
}

/** A listener whose queue is full and who never takes anybody: its process is asleep. */
export async function startDeafServer(t: TestContext): Promise<SocketAddress> {
  const worker = new Worker(
    `const { parentPort } = require('node:worker_threads');
     const server = require('node:net').createServer();
     server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address());
       setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));
     });`,
    { eval: true },
  );
  t.after(() => worker.terminate());
  const [address] = (await once(worker, 'message')) as [SocketAddress];
  const to = { address: address.address, port: address.port };
  // Fill the queue: the kernel takes these in the server's name until it holds one more than the backlog.
  for (let i = 0; i < 8; i++) connectTo(t, to);
  await once(connectTo(t, to), 'connect', { signal: AbortSignal.timeout(200) }).catch(
    () => undefined,
  );
  return to;
}

export function connectTo(t: TestContext, to: SocketAddress): Socket {
  const socket = plainConnect({ host: to.address, port: to.port, allowHalfOpen: true });
  socket.on('error', () => undefined);
  t.after(() => socket.destroy());
  return socket;
}

export async function freeAddress(): Promise<SocketAddress> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = addressOf(server);
  server.close();
  await once(server, 'close');
  return address;
}

function addressOf(server: Server): SocketAddress {
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return { address: address.address, port: address.port };
}

export async function readText(socket: Socket, length: number): Promise<string> {
  let text = '';
  while (text.length < length) {
    const bytes: unknown = socket.read();
    if (bytes instanceof Buffer) text += bytes.toString();
    else await once(socket, 'readable');
  }
  return text;
}

export async function readAll(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on('data', (bytes: Buffer) => parts.push(bytes));
  socket.resume();
  await once(socket, 'end');
  return Buffer.concat(parts).toString();
}

/** How a socket ended: the errno name, or undefined when it ended well. */
export async function failureOf(socket: Socket): Promise<string | undefined> {
  let code: string | undefined;
  socket.on('error', (error: NodeJS.ErrnoException) => (code = error.code));
  socket.once('end', () => socket.end());
  socket.resume();
  if (!socket.closed) await once(socket, 'close').catch(() => undefined);
  return code ?? (socket.errored as NodeJS.ErrnoException | null)?.code;
}

/**
 * Open sockets of this process: every descriptor that is one, where the system lists them; elsewhere those
 * that Node knows, listeners left out.
 */
export function openSockets(): number {
  if (process.platform !== 'linux') {
    return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length;
  }
  return readdirSync('/proc/self/fd').filter(isSocket).length;
}

function isSocket(fd: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
  } catch {
    return false; // The descriptor that lists them is closed by now.
  }
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

export async function until(ready: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while (!ready()) {
    assert.ok(performance.now() < deadline, `not within 5 s: ${what}`);
    await turn();
  }
}

export async function untilStill(value: () => number): Promise<void> {
  let last = -1;
  for (let same = 0; same < 2000; same++) {
    if (value() !== last) same = 0;
    last = value();
    await turn();
  }
}

/** True when a socket can be bound to the address here. */
export async function hasAddress(address: string): Promise<boolean> {
  const server = createServer().listen(0, address);
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  } finally {
    server.close();
  }
}
