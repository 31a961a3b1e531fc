/** How connections of the epoll engine go on in other threads of the process. */
import type { Libc } from '../ffi/index.ts';
import { own } from './epoll.ts';
import type { Passing } from './stream.ts';

export function createPassing(libc: Libc, workers: number): Passing {
  return {
    workers,
    give: (given, to) => {
      const connection = own(given);
      if (connection.closed) return undefined;
      const { remote, local } = connection;
      const descriptor = connection.giveUp();
      new Uint8Array(to)[descriptor] = 1;
      return { descriptor, remote, local };
    },
    bury: (ledger) => {
      const held = new Uint8Array(ledger);
      for (let fd = held.indexOf(1); fd >= 0; fd = held.indexOf(1, fd + 1)) {
        held[fd] = 0;
        libc.lingerNot(fd);
        libc.close(fd);
      }
    },
  };
}
