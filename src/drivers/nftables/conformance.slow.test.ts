/** The nftables driver against the specification, with real packets between namespaces, in both families. */
import assert from 'node:assert/strict';
import test, { after } from 'node:test';
import { parseCidr } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import {
  driverConformance,
  namespacesMissing,
  openNamespaces,
  packetConformance,
} from '../conformance/index.ts';
import { createNftablesDriver } from './index.ts';

const missing = namespacesMissing('nft', 'conntrack');
for (const family of ['IPv4', 'IPv6'] as const) {
  if (missing !== undefined) test(`nftables ${family}`, { skip: missing }, () => undefined);
  else await conform(family);
}

async function conform(family: 'IPv4' | 'IPv6'): Promise<void> {
  const world = await openNamespaces(family);
  after(() => world.close());
  const podRange = parseCidr(family === 'IPv4' ? '10.244.0.0/16' : 'fd00:244::/32');
  const serviceRange = parseCidr(family === 'IPv4' ? '10.96.0.0/16' : 'fd96::/112');
  assert.ok(podRange !== undefined && serviceRange !== undefined);
  packetConformance({
    name: `nftables ${family}`,
    world,
    serviceRange,
    create: (detects) =>
      createNftablesDriver({
        clock: systemClock,
        random: Math.random,
        log: silentLogger,
        namespace: world.namespace,
        atStop: 'remove',
        localPods: detects ? { by: 'address', ranges: [podRange] } : undefined,
      }),
  });
  driverConformance({
    name: `nftables ${family}`,
    world,
    create: () =>
      createNftablesDriver({
        clock: systemClock,
        random: Math.random,
        log: silentLogger,
        namespace: world.namespace,
        atStop: 'remove',
      }),
    skip: {
      'lc gives to the endpoint with the fewest open connections':
        'Rules see no connection end; rr stands in, by name',
      'IPv6 is spread as IPv4 is': 'Every case has a round of its own for IPv6',
      'UDP: IPv6 is spread as IPv4 is': 'Every case has a round of its own for IPv6',
    },
  });
}
