/** A Plan with one Service of each kind, in the kernel of a network namespace of the test's own. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import type { TestContext } from 'node:test';
import {
  emptyPlan,
  nextPlan,
  parseCidr,
  type Cidr,
  type Driver,
  type Plan,
  type VirtualServer,
} from '../../model/index.ts';
import { silentLogger } from '../../obs/index.ts';
import { createFakeClock } from '../../sys/index.ts';
import {
  clusterIp,
  elsewhere,
  externalIp,
  loadBalancerIp,
  nodePort,
  testEndpoint,
  testNode,
  testServer,
} from '../conformance/index.ts';
import { createNftablesDriver } from './index.ts';

const here = testEndpoint({ address: '10.244.1.2', port: 8080 });
const there = testEndpoint({ address: '10.244.2.2', port: 8080 }, elsewhere);
const endpoints = [here, there];
let lastAddress = 0;

function at(port = 80): { readonly address: string; readonly port: number } {
  return { address: `10.96.0.${++lastAddress}`, port };
}

const servers: readonly VirtualServer[] = [
  testServer([clusterIp(at())], { name: 'plain', endpoints }),
  testServer([clusterIp(at())], {
    name: 'weights',
    scheduler: 'wrr',
    endpoints: [here, { ...there, weight: 2 }],
  }),
  testServer([clusterIp(at())], { name: 'chance', scheduler: 'random', endpoints }),
  testServer([clusterIp(at())], { name: 'by-source', scheduler: 'sh', endpoints }),
  testServer([clusterIp(at())], { name: 'by-destination', scheduler: 'dh', endpoints }),
  testServer([clusterIp(at())], {
    name: 'sticky',
    affinity: { kind: 'clientIP', timeoutSeconds: 10_800 },
    endpoints,
  }),
  testServer([clusterIp(at(53))], { name: 'names', protocol: 'UDP', endpoints }),
  testServer([clusterIp(at(3868))], { name: 'calls', protocol: 'SCTP', endpoints }),
  testServer([clusterIp(at()), nodePort(30_080)], { name: 'node-port', endpoints }),
  testServer(
    [clusterIp(at()), nodePort(30_081), loadBalancerIp({ address: '203.0.113.1', port: 80 })],
    {
      name: 'balanced',
      sourceRanges: ['198.51.100.0/24', '192.0.2.1/32'].map(cidr),
      endpoints,
    },
  ),
  testServer(
    [clusterIp(at()), nodePort(30_082), externalIp({ address: '203.0.113.2', port: 80 })],
    {
      name: 'local-outside',
      externalTrafficPolicy: 'Local',
      endpoints,
    },
  ),
  testServer([clusterIp(at())], {
    name: 'local-inside',
    internalTrafficPolicy: 'Local',
    endpoints: [there],
  }),
  testServer([clusterIp(at()), nodePort(30_083)], { name: 'empty' }),
  testServer([clusterIp({ address: 'fd96::1', port: 80 })], {
    name: 'six',
    endpoints: [testEndpoint({ address: 'fd00:244::2', port: 8080 })],
  }),
];

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  assert.ok(parsed !== undefined);
  return parsed;
}

export interface OneOfEach {
  readonly driver: Driver;
  readonly plan: Plan;
  /** Runs a program there. */
  readonly run: (...command: readonly string[]) => string;
}

let namespaces = 0;

export async function oneOfEach(t: TestContext): Promise<OneOfEach> {
  const name = `syrules${process.pid}x${namespaces++}`;
  execFileSync('ip', ['netns', 'add', name]);
  t.after(() => execFileSync('ip', ['netns', 'del', name]));
  const driver = createNftablesDriver({
    clock: createFakeClock(),
    random: () => 0.5,
    log: silentLogger,
    namespace: `/run/netns/${name}`,
    atStop: 'remove',
    localPods: { by: 'address', ranges: [cidr('10.244.1.0/24'), cidr('fd00:244::/64')] },
  });
  t.after(() => driver.stop(AbortSignal.abort()));
  const node = testNode({
    addresses: ['192.0.2.1', 'fd00:2::1'],
    nodePortAddresses: ['192.0.2.1', 'fd00:2::1'],
    serviceRanges: [cidr('10.96.0.0/16'), cidr('fd96::/112')],
    detectsLocalPods: true,
  });
  const next = nextPlan(emptyPlan(node), { set: servers, remove: [] });
  assert.ok(next !== undefined);
  await driver.apply(next.plan, undefined, new AbortController().signal);
  return {
    driver,
    plan: next.plan,
    run: (...command) =>
      execFileSync('ip', ['netns', 'exec', name, ...command], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
  };
}
