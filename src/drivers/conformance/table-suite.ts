/** The decision table as packets: one Plan loaded with all cases of a node, and their flows at once. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { parseCidr, type Cidr, type Driver, type Plan } from '../../model/index.ts';
import { localPodRanges, tableGroups, type CaseGroup, type TableCase } from './table-cases.ts';
import { expectationOf, orderOf, tally, type Expectation } from './table-expectation.ts';
import { beyond, type TableWorld } from './table-world.ts';

/** A way to tell local Pods from others, in the words of the nodes that are given to drivers. */
export type Detection =
  | { readonly by: 'address'; readonly ranges: readonly Cidr[] }
  | { readonly by: 'interface'; readonly name: string }
  | { readonly by: 'interface-prefix'; readonly prefix: string };

export interface TableOptions {
  readonly name: string;
  readonly create: (namespace: string, detection: Detection) => Driver;
  readonly open: () => Promise<TableWorld>;
  /** What the driver's own rules do with the first flow of a case, for a case that fails. */
  readonly trace: (plan: Plan, detection: Detection, one: TableCase) => string;
}

const ranges = localPodRanges.flatMap((text) => parseCidr(text) ?? []);
const detections: Readonly<Record<string, Detection>> = {
  'by address': { by: 'address', ranges },
  'by interface': { by: 'interface', name: 'pods' },
  'by the beginning of an interface': { by: 'interface-prefix', prefix: 'po' },
};

export function tableConformance({ name, create, open, trace }: TableOptions): void {
  for (const group of tableGroups()) {
    const { detectsLocalPods } = group.plan.node;
    for (const [how, detection] of Object.entries(detections)) {
      if (!detectsLocalPods && detection.by !== 'address') continue;
      const title = `${name}: ${group.title}${detectsLocalPods ? ` ${how}` : ''}`;
      test(title, { timeout: 120_000 }, async (t) => {
        const world = await open();
        const driver = create(world.namespace, detection);
        t.after(() => driver.stop(AbortSignal.abort()));
        world.own([...new Set(group.cases.flatMap(({ ownAddress }) => ownAddress ?? []))]);
        const report = await driver.apply(group.plan, undefined, t.signal);
        assert.deepEqual(report.failures, []);
        // Everything once without others at the node, and once beside them.
        if (detection.by === 'interface-prefix') world.bringOthers();
        const runs = await runAll(world, group);
        for (const { one, expectation, meets } of runs) {
          await t.test(`${one.family}: ${one.title}`, () => {
            if (isDeepStrictEqual(meets, { ...expectation.meets })) return;
            const told = trace(group.plan, detection, one);
            assert.deepEqual(sorted(meets), sorted(expectation.meets), `what packets met\n${told}`);
          });
        }
      });
    }
  }
}

interface Run {
  readonly one: TableCase;
  readonly expectation: Expectation;
  readonly meets: Readonly<Record<string, number>>;
}

async function runAll(world: TableWorld, { plan, cases }: CaseGroup): Promise<readonly Run[]> {
  const wanted = cases
    // This kernel may not have SCTP; test/vm has one that does.
    .filter((one) => one.cannot === undefined && one.flow.protocol !== 'SCTP')
    .map((one) => ({ one, expectation: expectationOf(plan, one) }));
  const nowhere = wanted.filter(({ expectation }) => 'passed' in expectation.meets);
  await world.answerBeyond(
    nowhere.map(({ one: { flow } }) => ({
      protocol: flow.protocol === 'UDP' ? 'UDP' : 'TCP',
      at: { address: flow.destination, port: flow.destinationPort },
    })),
  );
  const runs = (['node', 'pods', 'there', 'outside'] as const).map(async (spot) => {
    const own = wanted.filter(({ one }) => one.from === spot);
    const mets = await world.flows(
      spot,
      own.map(({ one, expectation }) => orderOf(one, expectation)),
    );
    return own.map((run, i) => ({ ...run, meets: passedOn(run.one, tally(mets[i] ?? [])) }));
  });
  return (await Promise.all(runs)).flat();
}

/** Somebody outside answers at the addresses that are nobody's: the client is to be seen as it is. */
function passedOn(
  { flow }: TableCase,
  { [`${beyond}@${flow.source}`]: passed, ...others }: Readonly<Record<string, number>>,
): Readonly<Record<string, number>> {
  return passed === undefined ? others : { ...others, passed };
}

function sorted(record: Readonly<Record<string, number>>): readonly (readonly [string, number])[] {
  return Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
