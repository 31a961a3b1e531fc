/** docs/drivers/conformance.md: what the suite shows of each driver, counted from the cases themselves. */
import { packetCases } from '../src/drivers/conformance/packet-cases.ts';
import { stories } from '../src/drivers/conformance/suite.ts';
import { tableGroups, type TableCase } from '../src/drivers/conformance/table-cases.ts';
import { storySkips as nftablesStorySkips } from '../src/drivers/nftables/conformance-skips.suite.ts';
import {
  storySkips as userspaceStorySkips,
  whyNotOnSockets,
} from '../src/drivers/userspace/conformance-skips.suite.ts';
import type { Plan } from '../src/model/index.ts';

interface DriverRow {
  readonly name: string;
  readonly how: string;
  readonly whyNot: (plan: Plan, one: TableCase) => string | undefined;
  readonly storySkips: Readonly<Record<string, string>>;
  readonly stories: readonly string[];
}

const drivers: readonly DriverRow[] = [
  {
    name: 'nftables',
    how: 'Packets between network namespaces (outside, another node, the node, its Pods), once for each way to tell local Pods from others, the last of them beside somebody who marks every connection and routes by packet mark; SCTP in a machine of its own (`test/vm`).',
    whyNot: (_plan, one) => one.cannot,
    storySkips: nftablesStorySkips,
    stories: [...Object.keys(stories), ...Object.keys(packetCases)],
  },
  {
    name: 'userspace',
    how: 'Sockets in a network namespace where every address is local, on each engine. Whom the backend sees is left out: always the node.',
    whyNot: whyNotOnSockets,
    storySkips: userspaceStorySkips,
    stories: Object.keys(stories),
  },
];

interface Counted {
  readonly chapter: string;
  readonly family: string;
  readonly reason: string | undefined;
}

export function renderConformance(): string {
  const groups = tableGroups();
  const counted = drivers.map((driver) => ({
    driver,
    all: groups.flatMap(({ plan, cases }) =>
      cases.map((one) => ({
        chapter: one.chapter,
        family: `${one.flow.protocol} ${one.family}`,
        reason: driver.whyNot(plan, one),
      })),
    ),
  }));
  return [
    '# What is shown of each driver',
    '',
    'The suite (`src/drivers/conformance`) has sentences and stories. A sentence of the',
    '[decision table](../../src/model/testdata/decide) says objects, node, flow and the decision that is expected: `decide`',
    'and `explain flow` have to say it, the rules that are rendered for it have to do it, step by step, without a kernel',
    '(`src/drivers/nftables/trace.test.ts`), and real flows have to meet it. One Plan holds all sentences about one kind of',
    'node, and their flows run at once; each endpoint gets exactly its turns. A story goes through changes of the Plan.',
    'What a driver does not do is skipped by name. `npm run docs` writes this page.',
    '',
    ...counted.flatMap(({ driver, all }) => section(driver, all)),
  ].join('\n');
}

function section(driver: DriverRow, all: readonly Counted[]): readonly string[] {
  const families = [...new Set(all.map(({ family }) => family))].toSorted();
  const chapters = [...new Set(all.map(({ chapter }) => chapter))];
  const shown = (some: readonly Counted[]): string => {
    const run = some.filter(({ reason }) => reason === undefined).length;
    return run === some.length ? `${run}` : `${run} of ${some.length}`;
  };
  const row = (title: string, some: readonly Counted[]): string =>
    `| ${[title, ...families.map((f) => shown(some.filter(({ family }) => family === f)))].join(' | ')} |`;
  const reasons = Map.groupBy(
    all.filter(({ reason }) => reason !== undefined),
    ({ reason }) => reason,
  );
  const skipped = driver.stories.filter((story) => Object.hasOwn(driver.storySkips, story));
  return [
    `## ${driver.name}`,
    '',
    driver.how,
    '',
    `| sentences | ${families.join(' | ')} |`,
    `|---|${families.map(() => '---').join('|')}|`,
    ...chapters.map((chapter) =>
      row(
        `\`${chapter}\``,
        all.filter((one) => one.chapter === chapter),
      ),
    ),
    row('all', all),
    '',
    'Sentences that are skipped:',
    '',
    ...[...reasons].map(([reason, some]) => `- ${some.length}: ${reason}`),
    '',
    `Stories, ${driver.stories.length - skipped.length} of ${driver.stories.length}:`,
    '',
    ...driver.stories.map((story) => {
      const reason = driver.storySkips[story];
      return reason === undefined ? `- ${story}` : `- ~~${story}~~: ${reason}`;
    }),
    '',
  ];
}
