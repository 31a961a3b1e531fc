/** Loopback as a World: all of 127/8 is ours, and clients and backends are sockets of this process. */
import type { SocketAddress } from '../../model/index.ts';
import { ask, freePort, hold, startBackend } from './peers.ts';
import { askUdp, freeUdpPort, openUdp, startUdpBackend } from './udp-peers.ts';
import type { World } from './world.ts';

/** Fresh loopback addresses: every case has its own, so cases can run side by side. */
let lastHost = 0;

function freshAddress(net: number): string {
  lastHost++;
  return `127.9.${net * 10 + Math.floor(lastHost / 250)}.${1 + (lastHost % 250)}`;
}

export const loopback: World = {
  node: {},
  client: {
    entry: 'node',
    source: (family) => (family === 'IPv6' ? '::1' : '127.0.0.1'),
    ask: (protocol, to, options) => (protocol === 'TCP' ? ask : askUdp)(to, options),
    hold,
    openUdp,
  },
  sources: Array.from({ length: 16 }, (_, i) => `127.0.${i}.${17 + i}`),
  nobody: 'refused',
  freePlace: async (protocol, address = freshAddress(1)): Promise<SocketAddress> => {
    const port = await (protocol === 'TCP' ? freePort : freeUdpPort)(address);
    return { address, port };
  },
  addressOf: async (family) => {
    const address = family === 'IPv6' ? '::1' : freshAddress(1);
    return await freePort(address).then(
      () => address,
      () => undefined,
    );
  },
  backend: (protocol, name, address = freshAddress(2)) =>
    (protocol === 'TCP' ? startBackend : startUdpBackend)(name, { address, port: 0 }),
};
