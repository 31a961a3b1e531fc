/**
 * The suite that every driver passes: each case holds the specification (`decide`) and the driver's real
 * packets against the same expectation. What a driver cannot do is a named skip with its reason.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Cidr, Driver } from '../../model/index.ts';
import { cases as forwardingCases } from './cases.ts';
import { loopback } from './loopback.ts';
import type { NamespaceWorld } from './namespaces.ts';
import { nodeCases, packetCases } from './packet-cases.ts';
import { Rig } from './rig.ts';
import { schedulingCases } from './scheduling-cases.ts';
import { udpCases } from './udp-cases.ts';
import type { World } from './world.ts';

const cases = { ...forwardingCases, ...schedulingCases, ...udpCases };

type CaseName = keyof typeof cases;

export interface ConformanceOptions {
  /** The driver's name, for the titles. */
  readonly name: string;
  readonly create: () => Driver;
  /** Loopback when it is undefined. */
  readonly world?: World;
  /** By case: why this driver differs. */
  readonly skip: Partial<Record<CaseName, string>>;
}

export interface PacketOptions {
  readonly name: string;
  /** The driver for a node that knows its local Pods, or does not. */
  readonly create: (detectsLocalPods: boolean) => Driver;
  readonly world: NamespaceWorld;
  readonly serviceRange: Cidr;
}

/** The cases that need packets, on three nodes: plain, one that knows its Pods and its Service range, one that masks all. */
export function packetConformance({ name, create, world, serviceRange }: PacketOptions): void {
  const nodes = {
    'a plain node': { view: {}, cases: packetCases },
    'a node that knows its Pods and its Service range': {
      view: { detectsLocalPods: true, serviceRanges: [serviceRange] },
      cases: nodeCases,
    },
    'a node that masks all': { view: { masqueradeAll: true }, cases: packetCases },
  } as const;
  for (const [node, { view, cases: own }] of Object.entries(nodes)) {
    for (const [title, run] of Object.entries(own)) {
      test(`${name}, ${node}: ${title}`, { timeout: 60_000 }, async (t) => {
        const detects = 'detectsLocalPods' in view;
        const rig = new Rig(create(detects), world, view);
        t.after(() => rig.close());
        await run(rig, world);
      });
    }
  }
}

export function driverConformance({
  name,
  create,
  skip,
  world = loopback,
}: ConformanceOptions): void {
  const reasons: Readonly<Record<string, string | undefined>> = skip;
  for (const [title, run] of Object.entries(cases)) {
    const reason = reasons[title];
    const options = { timeout: 30_000, ...(reason === undefined ? {} : { skip: reason }) };
    test(`${name}: ${title}`, options, async (t) => {
      const rig = new Rig(create(), world);
      t.after(() => rig.close());
      assert.deepEqual(await rig.driver.probe(), [], 'the host lacks nothing');
      const missing = await run(rig);
      if (missing !== undefined) t.skip(missing);
    });
  }

  test(`${name}: every skip names a case and says why`, () => {
    const known = Object.keys(cases);
    for (const [title, reason] of Object.entries(reasons)) {
      assert.ok(known.includes(title), `no case is called: ${title}`);
      assert.ok((reason ?? '').length > 10, `no reason is given for: ${title}`);
    }
  });
}
