/** The userspace driver against the specification, with real sockets, on every engine this host has. */
import test from 'node:test';
import { messageOf } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import {
  createEngine,
  createPortableUdp,
  type EngineOptions,
  type NetEngine,
} from '../../sys/net/index.ts';
import { driverConformance } from '../conformance/index.ts';
import { storySkips } from './conformance-skips.suite.ts';
import { createUserspaceDriver } from './index.ts';

const engines: Readonly<Record<string, EngineOptions>> = {
  portable: { prefer: 'portable' },
  epoll: { prefer: 'epoll' },
  'epoll in two threads': { prefer: 'epoll', workers: 2, longAfterReads: 1 },
};

for (const [name, how] of Object.entries(engines)) {
  const found = await createEngine(how).catch(messageOf);
  if (typeof found === 'string') test(`userspace on ${name}`, { skip: found }, () => undefined);
  else conform(name, found.engine);
}

function conform(name: string, engine: NetEngine): void {
  driverConformance({
    name: `userspace on ${name}`,
    create: () =>
      createUserspaceDriver({
        engine,
        udp: createPortableUdp(),
        clock: systemClock,
        random: Math.random,
        log: silentLogger,
      }),
    skip: storySkips,
  });
}
