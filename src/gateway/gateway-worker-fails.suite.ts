/** A thread of a gateway that fails when it is told of this Secret: tests start it instead of the real one. */
import { workerPort } from '../sys/index.ts';
import './gateway-worker.ts';
import type { ThreadOrder, ThreadWord } from './thread-words.ts';

const port = workerPort<ThreadOrder, ThreadWord>();
port.onMessage((order) => {
  if (order.kind === 'certify' && order.secret === 'shop/fatal') throw new Error('it is fatal');
});
