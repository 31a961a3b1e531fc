/**
 * Connections while endpoints come and go, one commit after the other: none fails, and each is answered by somebody
 * who was an endpoint while it was made. A slice of the whole run, which is the soak's.
 */
import assert from 'node:assert/strict';
import process from 'node:process';
import test from 'node:test';
import { emptyPlan, nextPlan, type SchedulerName, type VirtualServer } from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { systemClock } from '../../sys/index.ts';
import {
  clusterIp,
  namespacesMissing,
  testEndpoint,
  testNode,
  testServer,
} from '../conformance/index.ts';
import { History } from './history.suite.ts';
import { createNftablesDriver } from './index.ts';
import type { ClientAnswer, ClientRequest, Target } from './lab-client.suite.ts';
import { openLab, programs, outsideSources, podAddress, podPort, sharedNow } from './lab.suite.ts';

const soak = process.env['SWITCHYARD_SOAK'] === '1';
const connections = Number(process.env['SWITCHYARD_CONNECTIONS'] ?? (soak ? 1_000_000 : 20_000));
const changes = connections / 200;
const services = 40;
const schedulers = ['rr', 'wrr', 'random', 'sh', 'mh'] as const satisfies readonly SchedulerName[];

const targets: readonly Target[] = Array.from({ length: services }, (_, i) => ({
  address: `10.96.0.${1 + i}`,
  port: 80,
}));

/** The endpoints of a Service after its n-th change: one to six, most of them others than before. */
function membersOf(service: number, version: number): readonly string[] {
  const count = 1 + ((version * 5 + service) % 6);
  return Array.from({ length: count }, (_, i) => podAddress(version * 3 + service + i));
}

function serverOf(service: number, version: number): VirtualServer {
  const endpoints = membersOf(service, version).map((address, i) =>
    testEndpoint({ address, port: podPort }, { weight: 1 + (i % 3) }),
  );
  return testServer([clusterIp(targets[service] ?? { address: '', port: 0 })], {
    name: `churn-${service}`,
    endpoints,
    scheduler: schedulers[service % schedulers.length] ?? 'rr',
    affinity: service % 4 === 3 ? { kind: 'clientIP', timeoutSeconds: 600 } : { kind: 'none' },
  });
}

const missing = namespacesMissing('nft');
const timeout = soak ? 3_600_000 : 280_000;
test(
  `${connections} connections over ${changes} changes`,
  { skip: missing, timeout },
  async (t) => {
    const lab = await openLab();
    t.after(() => lab.close());
    await lab.start('pods', programs.backends);
    const driver = createNftablesDriver({
      clock: systemClock,
      random: Math.random,
      log: silentLogger,
      namespace: lab.namespace,
      atStop: 'leave',
    });
    t.after(() => driver.stop(AbortSignal.abort()));
    const { signal } = new AbortController();
    const history = new History();
    const first = targets.map((_, i) => serverOf(i, 0));
    let plan = nextPlan(emptyPlan(testNode()), { set: first, remove: [] })?.plan;
    assert.ok(plan !== undefined);
    targets.forEach((_, i) => history.begin(i, membersOf(i, 0), sharedNow()));
    await driver.apply(plan, undefined, signal);
    targets.forEach((_, i) => history.end(i, sharedNow()));

    const clients = await Promise.all(
      (['outside', 'outside', 'node', 'node'] as const).map((place) =>
        lab.start<ClientRequest, ClientAnswer>(place, programs.client),
      ),
    );
    const faults: string[] = [];
    let made = 0;
    let more = Promise.withResolvers<void>();
    const stopped = clients.map((client) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      client.onAnswer((answer) => {
        if (answer.kind === 'stopped') resolve();
        if (answer.kind !== 'attempts') return;
        for (const attempt of answer.attempts) {
          const fault = history.fault(attempt);
          if (fault !== undefined) faults.push(fault);
        }
        made += answer.attempts.length;
        more.resolve();
        more = Promise.withResolvers();
      });
      return promise;
    });
    clients.forEach((client, i) =>
      client.tell({ do: 'load', targets, lanes: 8, sources: i < 2 ? outsideSources : [] }),
    );
    for (let n = 1; n <= changes; n++) {
      while (made < (n * connections) / (changes + 1)) await more.promise;
      const service = (n * 17) % services;
      const version = Math.ceil(n / services);
      const change = { set: [serverOf(service, version)], remove: [] };
      const next = nextPlan(plan, change);
      assert.ok(next !== undefined);
      history.begin(service, membersOf(service, version), sharedNow());
      await driver.apply(next.plan, next.delta, signal);
      history.end(service, sharedNow());
      ({ plan } = next);
    }
    while (made < connections) await more.promise;
    for (const client of clients) client.tell({ do: 'stop' });
    await Promise.all(stopped);
    t.diagnostic(`${made} connections, ${faults.length} failed`);
    assert.deepEqual(faults.slice(0, 20), [], `${faults.length} of ${made} failed`);
  },
);
