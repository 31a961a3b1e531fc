/**
 * Many flows from one process at once, each from a source port of its own: to the kernel a port that is used again is
 * the flow from before, for minutes after its client has closed it.
 */
import type { SocketAddress } from '../../model/index.ts';
import { meet, type Met } from './peers.ts';
import { openUdp } from './udp-peers.ts';
import type { Carried } from './world.ts';

export interface FlowOrder {
  readonly protocol: Carried;
  readonly to: SocketAddress;
  /** The client's address. */
  readonly source: string;
  readonly count: number;
  /** How long an answer may take. */
  readonly timeoutMs: number;
}

/** What the flows of one order met, in no order. */
export type FlowsMet = readonly Met[];

/** Sockets that are open at once, about. */
const atOnce = 300;
/** After which a datagram is sent again: the network may lose one, and it is the same flow. */
const againMs = 1_000;

const [firstPort, portCount] = [10_000, 20_000];
let ports = 0;

/** A source port that no flow of this process has had lately, and that no system chooses by itself. */
export function nextSourcePort(): number {
  return firstPort + (ports++ % portCount);
}

export async function carryFlows(orders: readonly FlowOrder[]): Promise<readonly FlowsMet[]> {
  const results: FlowsMet[] = orders.map(() => []);
  const next = orders.entries();
  const work = async (): Promise<void> => {
    for (const [i, order] of next) results[i] = await carryOrder(order);
  };
  await Promise.all(Array.from({ length: atOnce / 3 }, work));
  return results;
}

async function carryOrder(order: FlowOrder): Promise<FlowsMet> {
  const flow = order.protocol === 'TCP' ? connectOne : sendOne;
  const flows = await Promise.all(Array.from({ length: order.count }, () => flow(order)));
  for (const { close } of flows) await close();
  return flows.map(({ met }) => met);
}

interface Carrying {
  readonly met: Met;
  readonly close: () => void | Promise<void>;
}

function connectOne({ to, source, timeoutMs }: FlowOrder): Promise<Carrying> {
  return meet(to, { source, timeoutMs, sourcePort: nextSourcePort() });
}

async function sendOne({ to, source, timeoutMs }: FlowOrder): Promise<Carrying> {
  const sourcePort = nextSourcePort();
  const client = await openUdp(to, { source, sourcePort, timeoutMs: Math.min(timeoutMs, againMs) });
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    const { echo: _, ...met } = await client.ask();
    if (met.kind !== 'silent' || performance.now() >= deadline) {
      return { met, close: () => client.close() };
    }
  }
}
