/** The userspace driver against the specification, with real sockets. */
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import { createPortableEngine, createPortableUdp } from '../../sys/net/index.ts';
import { driverConformance } from '../conformance/index.ts';
import { createUserspaceDriver } from './index.ts';

driverConformance({
  name: 'userspace',
  create: () =>
    createUserspaceDriver({
      engine: createPortableEngine(),
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
