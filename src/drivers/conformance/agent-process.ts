/** An agent in its namespace, and the way to ask it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { familyOf, type Entry, type IpFamily } from '../../model/index.ts';
import type { AgentRequest } from './agent.ts';
import type { FlowOrder, FlowsMet } from './flows.ts';
import type { Backend, Held, Met } from './peers.ts';
import type { UdpClient } from './udp-peers.ts';
import type { Carried, Client } from './world.ts';

export interface Agent {
  backend(protocol: Carried, name: string, at: Backend['at']): Promise<Backend>;
  /** A client with these addresses; `entry` is how it comes to the node. */
  client(entry: Entry, addresses: Readonly<Record<IpFamily, string>>): Client;
  /** Many at once; what each of them met. */
  flows(orders: readonly FlowOrder[]): Promise<readonly FlowsMet[]>;
  stop(): Promise<void>;
}

type Met2 = Met & { readonly echo?: string };

export async function startAgent(namespace: string): Promise<Agent> {
  const file = fileURLToPath(new URL('agent.ts', import.meta.url));
  const child = spawn('ip', ['netns', 'exec', namespace, process.execPath, file], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let lastId = 0;
  const ready = once(child, 'message');
  child.on('message', (message: { id: number; result?: unknown; error?: string }) => {
    const one = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.error === undefined) one?.resolve(message.result);
    else one?.reject(new Error(message.error));
  });
  const tell = async <T>(request: AgentRequest): Promise<T> => {
    const id = ++lastId;
    const answer = Promise.withResolvers<unknown>();
    waiting.set(id, answer);
    child.send({ id, request });
    return (await answer.promise) as T;
  };
  await ready;
  return {
    backend: async (protocol, name, at) => {
      const made = await tell<{ handle: number; at: Backend['at'] }>({
        do: 'backend',
        protocol,
        name,
        at,
      });
      const { handle } = made;
      return {
        name,
        at: made.at,
        taken: () => 0,
        close: () => tell({ do: 'close', handle }),
      };
    },
    client: (entry, addresses) => clientOf(tell, entry, addresses),
    flows: (orders) => tell({ do: 'flows', orders }),
    stop: async () => {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

type Tell = <T>(request: AgentRequest) => Promise<T>;

function clientOf(tell: Tell, entry: Entry, addresses: Readonly<Record<IpFamily, string>>): Client {
  const source = (family: IpFamily): string => addresses[family];
  return {
    entry,
    source,
    ask: async (protocol, to, options = {}) => {
      const from = options.source ?? source(familyOf(to.address));
      const { timeoutMs } = options;
      return seen(await tell<Met>({ do: 'ask', protocol, to, source: from, timeoutMs }));
    },
    hold: async (to): Promise<Held> => {
      const from = source(familyOf(to.address));
      const made = await tell<{ handle: number; name: string; from: Held['from'] }>({
        do: 'hold',
        to,
        source: from,
      });
      const { handle } = made;
      return {
        name: split(made.name).name,
        from: made.from,
        repeat: (word) => tell({ do: 'repeat', handle, word }),
        close: () => void tell({ do: 'closeHeld', handle }),
      };
    },
    openUdp: async (to): Promise<UdpClient> => {
      const from = source(familyOf(to.address));
      const made = await tell<{ handle: number; from: UdpClient['from'] }>({
        do: 'openUdp',
        to,
        source: from,
      });
      const { handle } = made;
      return {
        from: made.from,
        ask: async (bytes) => {
          const text = bytes && Buffer.from(bytes).toString('base64');
          const met = await tell<Met2>({ do: 'askUdp', handle, bytes: text });
          const { echo, ...rest } = met;
          const whole = seen(rest);
          return echo === undefined ? whole : { ...whole, echo: Buffer.from(echo, 'base64') };
        },
        close: () => tell({ do: 'closeUdp', handle }),
      };
    },
  };
}

/** Backends of agents say `NAME@CLIENT`. */
function seen(met: Met): Met {
  return met.kind === 'answered' ? { kind: 'answered', ...split(met.name) } : met;
}

function split(said: string): { readonly name: string; readonly client: string } {
  const [name = '', client = ''] = said.split('@');
  return { name, client };
}
