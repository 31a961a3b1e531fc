/** Real clients and real backends for the conformance suite: plain node:net, nothing of ours between. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { formatSocketAddress, type SocketAddress } from '../../model/index.ts';

/** A server that says its name, then repeats every line it is told. */
export interface Backend {
  readonly name: string;
  readonly at: SocketAddress;
  /** Connections it has taken. */
  taken(): number;
  /** Ends it and its connections with it. */
  close(): Promise<void>;
}

export interface BackendOptions {
  /** Says `NAME@CLIENT`, so that the client learns who it is taken for. */
  readonly tellsClient?: boolean;
}

export async function startBackend(
  name: string,
  at: SocketAddress,
  { tellsClient = false }: BackendOptions = {},
): Promise<Backend> {
  const open = new Set<Socket>();
  let taken = 0;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    taken++;
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('close', () => open.delete(socket));
    socket.write(`${name}${tellsClient ? `@${socket.remoteAddress}` : ''}\n`);
    socket.pipe(socket);
  });
  server.listen(at.port, at.address);
  await once(server, 'listening');
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return {
    name,
    at: { address: at.address, port: address.port },
    taken: () => taken,
    close: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** What a client met: an answer, or how it was turned away. `silent`: nothing within the time. */
export type Met =
  | { readonly kind: 'answered'; readonly name: string; readonly client?: string }
  | { readonly kind: 'refused' }
  | { readonly kind: 'reset' }
  | { readonly kind: 'silent' };

/** A connection held open by a test. */
export interface Held {
  readonly name: string;
  /** The client's own address and port. */
  readonly from: SocketAddress;
  /** Says a word and waits for it to come back. */
  repeat(word: string): Promise<string>;
  close(): void;
}

const patienceMs = 5000;

export interface AskOptions {
  readonly timeoutMs?: number | undefined;
  /** The address to come from; the system chooses when it is undefined. */
  readonly source?: string | undefined;
  /** Its port; the system chooses when it is undefined. */
  readonly sourcePort?: number | undefined;
}

/** Connects, reads the name of who answers, and closes. */
export async function ask(to: SocketAddress, options: AskOptions = {}): Promise<Met> {
  const { met, close } = await meet(to, options);
  close();
  return met;
}

/** Connects and reads the name of who answers; what is open stays so until it is closed. */
export async function meet(
  to: SocketAddress,
  options: AskOptions = {},
): Promise<{ readonly met: Met; readonly close: () => void }> {
  const { timeoutMs = patienceMs } = options;
  const socket = connect({ host: to.address, port: to.port, ...localEnd(options) });
  socket.setTimeout(timeoutMs, () => socket.destroy(new Error('silent')));
  return { met: await metBy(socket), close: () => socket.destroy() };
}

async function metBy(socket: Socket): Promise<Met> {
  try {
    let text = '';
    for await (const bytes of socket.iterator({ destroyOnReturn: false })) {
      text += String(bytes);
      if (text.endsWith('\n')) break;
    }
    return text === '' ? { kind: 'reset' } : { kind: 'answered', name: text.trimEnd() };
  } catch (error) {
    if (hasCode(error, 'ECONNREFUSED')) return { kind: 'refused' };
    return hasCode(error, 'ECONNRESET') ? { kind: 'reset' } : { kind: 'silent' };
  }
}

function localEnd({ source, sourcePort }: AskOptions): {
  readonly localAddress?: string;
  readonly localPort?: number;
} {
  return {
    ...(source === undefined ? {} : { localAddress: source }),
    ...(sourcePort === undefined ? {} : { localPort: sourcePort }),
  };
}

/** Connects and stays; rejects when nobody answers. */
export async function hold(to: SocketAddress, options: AskOptions = {}): Promise<Held> {
  const socket = connect({ host: to.address, port: to.port, ...localEnd(options) });
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]();
  socket.on('error', () => undefined);
  const nextLine = async (): Promise<string> => {
    const line = await lines.next();
    assert.ok(line.done !== true, `the connection to ${formatSocketAddress(to)} ended`);
    return line.value;
  };
  const name = await nextLine();
  const { localAddress = '', localPort = 0 } = socket;
  return {
    name,
    from: { address: localAddress, port: localPort },
    repeat: async (word) => {
      socket.write(`${word}\n`);
      return await nextLine();
    },
    close: () => socket.destroy(),
  };
}

/** A port that is free at the address now. */
export async function freePort(address: string): Promise<number> {
  const backend = await startBackend('', { address, port: 0 });
  await backend.close();
  return backend.at.port;
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
