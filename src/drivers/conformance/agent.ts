/** What a namespace of the suite runs: clients and backends of its own, told over the channel of its parent. */
import process from 'node:process';
import type { SocketAddress } from '../../model/index.ts';
import { ask, hold, startBackend, type Backend, type Held } from './peers.ts';
import { askUdp, openUdp, startUdpBackend, type UdpClient } from './udp-peers.ts';
import { carryFlows, nextSourcePort, type FlowOrder } from './flows.ts';
import type { Carried } from './world.ts';

export type AgentRequest =
  | {
      readonly do: 'backend';
      readonly protocol: Carried;
      readonly name: string;
      readonly at: SocketAddress;
    }
  | { readonly do: 'taken' | 'close' | 'closeHeld' | 'closeUdp'; readonly handle: number }
  | {
      readonly do: 'ask';
      readonly protocol: Carried;
      readonly to: SocketAddress;
      readonly source: string | undefined;
      readonly timeoutMs: number | undefined;
    }
  | {
      readonly do: 'hold' | 'openUdp';
      readonly to: SocketAddress;
      readonly source: string | undefined;
    }
  | { readonly do: 'repeat'; readonly handle: number; readonly word: string }
  | { readonly do: 'askUdp'; readonly handle: number; readonly bytes: string | undefined }
  | { readonly do: 'flows'; readonly orders: readonly FlowOrder[] };

const backends = new Map<number, Backend>();
const held = new Map<number, Held>();
const udpClients = new Map<number, UdpClient>();
let lastHandle = 0;

function keep<T>(all: Map<number, T>, value: T): number {
  lastHandle++;
  all.set(lastHandle, value);
  return lastHandle;
}

async function carryOut(request: AgentRequest): Promise<unknown> {
  switch (request.do) {
    case 'backend': {
      const start = request.protocol === 'TCP' ? startBackend : startUdpBackend;
      const backend = await start(request.name, request.at, { tellsClient: true });
      return { handle: keep(backends, backend), at: backend.at };
    }
    case 'taken':
      return backends.get(request.handle)?.taken() ?? 0;
    case 'close':
      await backends.get(request.handle)?.close();
      backends.delete(request.handle);
      return undefined;
    case 'ask': {
      const { to, source, timeoutMs } = request;
      return await (request.protocol === 'TCP' ? ask : askUdp)(to, {
        source,
        timeoutMs,
        sourcePort: nextSourcePort(),
      });
    }
    case 'hold': {
      const one = await hold(request.to, {
        source: request.source,
        sourcePort: nextSourcePort(),
      });
      return { handle: keep(held, one), name: one.name, from: one.from };
    }
    case 'repeat':
      return await held.get(request.handle)?.repeat(request.word);
    case 'closeHeld':
      held.get(request.handle)?.close();
      held.delete(request.handle);
      return undefined;
    case 'openUdp': {
      const client = await openUdp(request.to, {
        source: request.source,
        sourcePort: nextSourcePort(),
      });
      return { handle: keep(udpClients, client), from: client.from };
    }
    case 'askUdp': {
      const bytes = request.bytes === undefined ? undefined : Buffer.from(request.bytes, 'base64');
      const met = await udpClients.get(request.handle)?.ask(bytes);
      return met && { ...met, echo: met.echo?.toString('base64') };
    }
    case 'flows':
      return await carryFlows(request.orders);
    case 'closeUdp':
      await udpClients.get(request.handle)?.close();
      udpClients.delete(request.handle);
      return undefined;
  }
}

process.on('message', (message: { readonly id: number; readonly request: AgentRequest }) => {
  const { id } = message;
  carryOut(message.request).then(
    (result) => process.send?.({ id, result }),
    (error: unknown) => process.send?.({ id, error: String(error) }),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ id: 0 });
