/** One connection relayed by the engine under test between plain peers, for the suites of engines. */
import type { Socket } from 'node:net';
import type { TestContext } from 'node:test';
import type { SocketAddress } from '../../model/index.ts';
import type { Listener, NetEngine, Relay } from './engine.ts';
import type { StreamEngine } from './stream.ts';
import { connectTo, startServer } from './testing.ts';

export interface Rig {
  readonly engine: NetEngine;
  readonly listener: Listener;
  /** The two ends of one relayed connection, as its peers hold them, and the relay between. */
  open(): Promise<Joined>;
}

export interface Joined {
  readonly client: Socket;
  readonly backend: Socket;
  readonly relay: Relay;
}

/** One thing an engine must do. */
export type Check = (
  what: string,
  run: (t: TestContext, engine: StreamEngine) => Promise<void>,
) => void;

export const loopback: SocketAddress = { address: '127.0.0.1', port: 0 };

/** A listener that relays each connection to a plain server. */
export async function createRig(
  t: TestContext,
  engine: NetEngine,
  at: SocketAddress = loopback,
): Promise<Rig> {
  const backends = await startServer(t, at.address);
  const relays: Relay[] = [];
  const relayed = new Set<(relay: Relay) => void>();
  const listener = await engine.listen(at, (client) => {
    void engine.connect(backends.address, { timeoutMs: 5000 }).then((backend) => {
      const relay = engine.relay(client, backend);
      relays.push(relay);
      for (const listen of relayed) listen(relay);
      relayed.clear();
    });
  });
  t.after(async () => {
    await listener.close();
    for (const relay of relays) relay.destroy();
    await Promise.all(relays.map((relay) => relay.done));
  });
  const open = async (): Promise<Joined> => {
    const next = new Promise<Relay>((resolve) => relayed.add(resolve));
    const client = connectTo(t, listener.address);
    const [relay, backend] = await Promise.all([next, backends.next()]);
    return { client, backend, relay };
  };
  return { engine, listener, open };
}
