/** Real clients and real backends for UDP: plain node:dgram, nothing of ours between. */
import assert from 'node:assert/strict';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { familyOf, type SocketAddress } from '../../model/index.ts';
import type { AskOptions, Backend, BackendOptions, Met } from './peers.ts';

const patienceMs = 5000;

/** A server that answers each datagram with its name, a space, and what it was told. */
export async function startUdpBackend(
  name: string,
  at: SocketAddress,
  { tellsClient = false }: BackendOptions = {},
): Promise<Backend> {
  const socket = await bound(at);
  const clients = new Set<string>();
  socket.on('message', (bytes, { address, port }) => {
    clients.add(`${address} ${port}`);
    const said = `${name}${tellsClient ? `@${address}` : ''} `;
    socket.send(Buffer.concat([Buffer.from(said), bytes]), port, address);
  });
  const { address, port } = socket.address();
  return { name, at: { address, port }, taken: () => clients.size, close: () => closed(socket) };
}

/** One client socket of a test: to a Service it is one flow. */
export interface UdpClient {
  readonly from: SocketAddress;
  /** Sends a datagram; who answers it, or how it was turned away. */
  ask(bytes?: Uint8Array): Promise<Met & { readonly echo?: Buffer }>;
  close(): Promise<void>;
}

export async function openUdp(to: SocketAddress, options: AskOptions = {}): Promise<UdpClient> {
  const loopback = familyOf(to.address) === 'IPv6' ? '::1' : '127.0.0.1';
  const socket = await bound({
    address: options.source ?? loopback,
    port: options.sourcePort ?? 0,
  });
  socket.connect(to.port, to.address);
  await once(socket, 'connect');
  const { address, port } = socket.address();
  const ask: UdpClient['ask'] = async (bytes = Buffer.from('who')) => {
    const signal = AbortSignal.timeout(options.timeoutMs ?? patienceMs);
    const answer = once(socket, 'message', { signal });
    socket.send(bytes, () => undefined);
    try {
      const [message] = (await answer) as [Buffer];
      const space = message.indexOf(' ');
      const name = String(message.subarray(0, space));
      return { kind: 'answered', name, echo: message.subarray(space + 1) };
    } catch (error) {
      const refused = error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED';
      return { kind: refused ? 'refused' : 'silent' };
    }
  };
  return { from: { address, port }, ask, close: () => closed(socket) };
}

/** One question from a socket of its own. */
export async function askUdp(to: SocketAddress, options: AskOptions = {}): Promise<Met> {
  const client = await openUdp(to, options);
  try {
    const { echo, ...met } = await client.ask();
    assert.ok(met.kind !== 'answered' || String(echo) === 'who', 'the answer is to the question');
    return met;
  } finally {
    await client.close();
  }
}

/** A port that is free for UDP at the address now. */
export async function freeUdpPort(address: string): Promise<number> {
  const socket = await bound({ address, port: 0 });
  const { port } = socket.address();
  await closed(socket);
  return port;
}

async function bound(at: SocketAddress): Promise<Socket> {
  const socket = createSocket(familyOf(at.address) === 'IPv6' ? 'udp6' : 'udp4');
  // A refusal that comes while nobody asks is not the test's.
  socket.on('error', () => undefined);
  socket.bind(at.port, at.address);
  await once(socket, 'listening');
  return socket;
}

async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.close(() => resolve()));
}
