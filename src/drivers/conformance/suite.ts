/**
 * The suite that every driver passes: each case holds the specification (`decide`) and the driver's real
 * packets against the same expectation. What a driver cannot do is a named skip with its reason.
 */
import assert from 'node:assert/strict';
import test from 'node:test';
import type { Driver } from '../../model/index.ts';
import { cases as forwardingCases } from './cases.ts';
import { Rig } from './rig.ts';
import { schedulingCases } from './scheduling-cases.ts';
import { udpCases } from './udp-cases.ts';

const cases = { ...forwardingCases, ...schedulingCases, ...udpCases };

type CaseName = keyof typeof cases;

export interface ConformanceOptions {
  /** The driver's name, for the titles. */
  readonly name: string;
  readonly create: () => Driver;
  /** By case: why this driver differs. */
  readonly skip: Partial<Record<CaseName, string>>;
}

export function driverConformance({ name, create, skip }: ConformanceOptions): void {
  const reasons: Readonly<Record<string, string | undefined>> = skip;
  for (const [title, run] of Object.entries(cases)) {
    const reason = reasons[title];
    const options = { timeout: 30_000, ...(reason === undefined ? {} : { skip: reason }) };
    test(`${name}: ${title}`, options, async (t) => {
      const rig = new Rig(create());
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
