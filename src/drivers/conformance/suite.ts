/**
 * The stories that every driver passes: each holds the specification (`decide`) and the driver's real packets
 * against the same expectation, through changes of the Plan. What a driver cannot do is a named skip with its reason.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Driver } from '../../model/index.ts';
import { cases as forwardingCases } from './cases.ts';
import { Ground } from './ground.ts';
import { loopback } from './loopback.ts';
import type { NamespaceWorld } from './namespaces.ts';
import { packetCases } from './packet-cases.ts';
import { Rig } from './rig.ts';
import { schedulingCases } from './scheduling-cases.ts';
import { udpCases } from './udp-cases.ts';
import type { World } from './world.ts';

export const stories = { ...forwardingCases, ...schedulingCases, ...udpCases };

type CaseName = keyof typeof stories;

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
  readonly create: () => Driver;
  readonly world: NamespaceWorld;
}

/** Stories that need packets; one after the other, since they bring foreign rules to the node. */
export function packetConformance({ name, create, world }: PacketOptions): void {
  test(`${name}, beside others`, { timeout: 120_000 }, async (t) => {
    const ground = new Ground(create(), world);
    t.after(() => ground.close());
    for (const [title, run] of Object.entries(packetCases)) {
      await t.test(title, async (s) => {
        const rig = new Rig(ground);
        s.after(() => rig.close());
        await run(rig, world);
      });
    }
  });
}

/** Stories under way at once. */
const atOnce = 16;

export function driverConformance({
  name,
  create,
  skip,
  world = loopback,
}: ConformanceOptions): void {
  const reasons: Readonly<Record<string, string | undefined>> = skip;
  test(name, { timeout: 120_000, concurrency: atOnce }, async (t) => {
    const ground = new Ground(create(), world);
    t.after(() => ground.close());
    assert.deepEqual(await ground.driver.probe(), [], 'the host lacks nothing');
    const running = Object.entries(stories).map(([title, run]) => {
      const reason = reasons[title];
      const options = reason === undefined ? {} : { skip: reason };
      return t.test(title, options, async (s) => {
        const rig = new Rig(ground);
        s.after(() => rig.close());
        const missing = await run(rig);
        if (missing !== undefined) s.skip(missing);
      });
    });
    await Promise.all(running);
  });

  test(`${name}: every skip names a case and says why`, () => {
    const known = Object.keys(stories);
    for (const [title, reason] of Object.entries(reasons)) {
      assert.ok(known.includes(title), `no case is called: ${title}`);
      assert.ok((reason ?? '').length > 10, `no reason is given for: ${title}`);
    }
  });
}
