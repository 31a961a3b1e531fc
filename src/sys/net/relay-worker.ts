/** A thread that carries bytes between descriptors it is lent, as relay-threads.ts tells it. */
import { workerPort } from '../index.ts';
import { loadLibc } from '../ffi/index.ts';
import { EpollConnection, reading } from './epoll-connection.ts';
import { EpollLoop } from './epoll-loop.ts';
import { EpollRelay, relayBufferBytes } from './epoll-relay.ts';
import type { RelayOrder, RelayWord } from './relay-threads.ts';

const port = workerPort<RelayOrder, RelayWord>();
const loop = new EpollLoop(await loadLibc(), { borrows: true });
const buffer = new Uint8Array(relayBufferBytes);
const relays = new Map<number, EpollRelay>();

/** Nobody asks for addresses here. */
const nowhere = { address: '', port: 0 };

port.onFatal(() => loop.end());
port.onMessage((order) => {
  if (order.kind === 'carry') carry(order);
  else end(order);
});
port.post({ kind: 'ready', epoll: loop.start() });

function carry({ id, client, backend, tally }: Extract<RelayOrder, { kind: 'carry' }>): void {
  const relay = new EpollRelay({
    loop,
    buffer,
    client: take(client),
    backend: take(backend),
    tally: new Float64Array(tally),
  });
  relays.set(id, relay);
  void relay.done.then((how) => {
    relays.delete(id);
    port.post({ kind: 'done', id, end: how });
  });
}

/** Whatever was told of it elsewhere is told again here: epoll speaks of what is ready when it is asked first. */
function take(fd: number): EpollConnection {
  const connection = new EpollConnection({
    loop,
    fd,
    remote: nowhere,
    readable: true,
    interest: reading,
  });
  loop.add(fd, reading, connection);
  return connection;
}

function end({ id, end: how }: Extract<RelayOrder, { kind: 'end' }>): void {
  const relay = relays.get(id);
  if (how === 'destroyed') relay?.destroy();
  else relay?.destroySide(how);
}
