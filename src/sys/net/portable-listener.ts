/** A listening socket on node:net that can stop taking connections while the kernel goes on queueing them. */
import type { Server } from 'node:net';
import type { SocketAddress } from '../../model/index.ts';
import type { Descriptors, ListenAt, Listener } from './engine.ts';
import { handleOf } from '../index.ts';
import { listenError, notSuspended } from './socket-errors.ts';

/** What the kernel lets us: it caps the queue at its own limit, and Node's 511 loses SYNs in a burst. */
const backlog = 4096;

/** `make` gives a server that is told where it listens and takes connections from then on. */
export async function listenPortable(
  at: ListenAt,
  make: (address: SocketAddress) => Server,
): Promise<Listener> {
  const listener = new PortableListener(at, make);
  await listener.open(at.descriptor);
  return listener;
}

class PortableListener implements Listener {
  private readonly at: SocketAddress;
  private readonly make: (address: SocketAddress) => Server;
  private server: Server | undefined;
  private bound: SocketAddress;
  /** The socket while it is suspended. */
  private kept: { readonly descriptor: number; readonly by: Descriptors } | undefined;

  constructor(at: ListenAt, make: (address: SocketAddress) => Server) {
    this.at = { address: at.address, port: at.port };
    this.bound = this.at;
    this.make = make;
  }

  get address(): SocketAddress {
    return this.bound;
  }

  async open(descriptor: number | undefined): Promise<void> {
    const { at } = this;
    const where: { address: string; port: number } = { ...at };
    const server = this.make(where);
    await new Promise<void>((resolve, reject) => {
      const fail = (cause: Error): void => reject(listenError(at, cause));
      server.once('error', fail);
      const opened = (): void => {
        server.off('error', fail);
        resolve();
      };
      // Without ipv6Only, `::` would take the port of every IPv4 address as well.
      if (descriptor !== undefined) server.listen({ fd: descriptor, backlog }, opened);
      else {
        const { address: host, port } = at;
        server.listen({ host, port, backlog, exclusive: true, ipv6Only: true }, opened);
      }
    });
    const address = server.address();
    if (typeof address === 'object' && address !== null) where.port = address.port;
    this.bound = where;
    // A connection that failed between the kernel and us is its peer's loss; the next one is taken.
    server.on('error', () => undefined);
    this.server = server;
  }

  // Node's own callback also waits for the connections; the descriptor is closed when close() returns.
  async close(): Promise<void> {
    this.server?.close();
    this.server = undefined;
    this.kept?.by.close(this.kept.descriptor);
    this.kept = undefined;
  }

  suspend(by: Descriptors): number {
    if (this.kept !== undefined) return this.kept.descriptor;
    const found = this.server === undefined ? undefined : handleOf(this.server);
    const descriptor = found === undefined ? -1 : by.duplicate(found.descriptor);
    if (descriptor < 0) throw notSuspended(this.bound);
    this.kept = { descriptor, by };
    this.server?.close();
    this.server = undefined;
    return descriptor;
  }

  async resume(): Promise<void> {
    const { kept } = this;
    this.kept = undefined;
    if (kept !== undefined) await this.open(kept.descriptor);
  }
}
