/** The nftables driver against every sentence of the decision table, with real packets between namespaces. */
import test, { after } from 'node:test';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import { namespacesMissing, openTableWorld, tableConformance } from '../conformance/index.ts';
import { createNftablesDriver } from './index.ts';
import { tellCase } from './trace-case.suite.ts';

const missing = namespacesMissing('nft');
if (missing !== undefined) test('nftables: the decision table', { skip: missing }, () => undefined);
else {
  const world = await openTableWorld();
  after(() => world.close());
  tableConformance({
    name: 'nftables',
    open: () => Promise.resolve(world),
    trace: tellCase,
    create: (namespace, localPods) =>
      createNftablesDriver({
        clock: systemClock,
        random: Math.random,
        log: silentLogger,
        namespace,
        atStop: 'remove',
        localPods,
      }),
  });
}
