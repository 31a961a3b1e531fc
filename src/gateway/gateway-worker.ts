/** A thread that carries requests: an engine and a gateway of its own, told by the first thread what to serve. */
import { createThreadEngine } from '../sys/net/index.ts';
import { systemClock, workerPort } from '../sys/index.ts';
import { GatewayThread } from './gateway-thread.ts';
import type { ThreadOrder, ThreadStart, ThreadWord } from './thread-words.ts';

const port = workerPort<ThreadOrder, ThreadWord, ThreadStart>();
const engine = await createThreadEngine(port.data.ledger);
port.onFatal(() => engine.end());
const thread = new GatewayThread({
  start: port.data,
  engine,
  clock: systemClock,
  random: Math.random,
  post: (word) => port.post(word),
});
port.onMessage((order) => thread.follow(order));
port.post({ kind: 'ready' });
