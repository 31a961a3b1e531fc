/** The userspace driver against the specification, with real sockets, on every engine this host has. */
import test from 'node:test';
import { messageOf } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import { createEngine, createPortableUdp, type NetEngine } from '../../sys/net/index.ts';
import { driverConformance } from '../conformance/index.ts';
import { createUserspaceDriver } from './index.ts';

for (const prefer of ['portable', 'epoll'] as const) {
  const found = await createEngine({ prefer }).catch(messageOf);
  if (typeof found === 'string') test(`userspace on ${prefer}`, { skip: found }, () => undefined);
  else conform(found.engine);
}

function conform(engine: NetEngine): void {
  driverConformance({
    name: `userspace on ${engine.name}`,
    create: () =>
      createUserspaceDriver({
        engine,
        udp: createPortableUdp(),
        clock: systemClock,
        random: Math.random,
        log: silentLogger,
      }),
    skip: {
      'internalTrafficPolicy Local without an endpoint here drops':
        'DROP needs packets: the kernel answers every SYN to a socket, so the client is reset or refused instead',
    },
  });
}
