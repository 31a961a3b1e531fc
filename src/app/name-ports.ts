/**
 * The ports that all Services share, told apart by the name that is asked for: listens, and gives what comes to the
 * gateway. Apart from it, because they are let go at once when another process takes over, and the gateway later.
 */
import type { ServiceGateway } from '../gateway/index.ts';
import type { SocketAddress } from '../model/index.ts';
import type { Component, ComponentStatus } from '../obs/index.ts';
import { NetError, type Listener, type NetEngine } from '../sys/net/index.ts';

export interface NamePortOptions {
  readonly name: string;
  readonly engine: NetEngine;
  readonly gateway: Pick<ServiceGateway, 'takeByName'>;
  readonly tls: boolean;
  /** One after the other until one is free; the last one's failure rejects the start. */
  readonly places: () => readonly SocketAddress[];
  /** Told where it listens; undefined: nobody wants to know. */
  readonly listening?: ((at: SocketAddress) => Promise<void>) | undefined;
}

export interface NamePort extends Component {
  /** Undefined before `start` and after `stop`. */
  address(): SocketAddress | undefined;
}

export function createNamePort(options: NamePortOptions): NamePort {
  const { name, engine, gateway, tls, places, listening } = options;
  let listener: Listener | undefined;
  let state: ComponentStatus['state'] = 'starting';
  const listenAt = async (at: SocketAddress): Promise<Listener> =>
    await engine.listen(at, (connection) => {
      if (!gateway.takeByName(connection, { tls })) connection.destroy('reset');
    });
  const listen = async ([first, ...others]: readonly SocketAddress[]): Promise<
    Listener | undefined
  > => {
    if (first === undefined) return undefined;
    try {
      return await listenAt(first);
    } catch (thrown) {
      if (others.length === 0 || !isInUse(thrown)) throw thrown;
      return await listen(others);
    }
  };
  return {
    name,
    start: async () => {
      listener = await listen(places());
      state = 'ready';
      if (listener !== undefined) await listening?.(listener.address);
    },
    stop: async () => {
      state = 'stopped';
      await listener?.close();
      listener = undefined;
    },
    status: () => ({ state, detail: undefined }),
    address: () => listener?.address,
  };
}

function isInUse(thrown: unknown): boolean {
  return thrown instanceof NetError && thrown.code === 'NET_ADDRESS_IN_USE';
}
