/** The nftables driver against the specification, with real packets between namespaces, in both families. */
import test, { after } from 'node:test';
import type { Driver } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import {
  driverConformance,
  namespacesMissing,
  openNamespaces,
  packetConformance,
} from '../conformance/index.ts';
import { storySkips } from './conformance-skips.suite.ts';
import { createNftablesDriver } from './index.ts';

const missing = namespacesMissing('nft', 'conntrack');
for (const family of ['IPv4', 'IPv6'] as const) {
  if (missing !== undefined) test(`nftables ${family}`, { skip: missing }, () => undefined);
  else await conform(family);
}

async function conform(family: 'IPv4' | 'IPv6'): Promise<void> {
  const world = await openNamespaces(family);
  after(() => world.close());
  const create = (): Driver =>
    createNftablesDriver({
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
      namespace: world.namespace,
      atStop: 'remove',
    });
  driverConformance({
    name: `nftables ${family}`,
    world,
    create,
    skip: storySkips,
  });
  packetConformance({ name: `nftables ${family}`, world, create });
}
