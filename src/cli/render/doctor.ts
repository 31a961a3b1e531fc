/** What a host lacks as text: a line a check, then what each costs with its remedy, then how resolvers are pointed. */
import type { DoctorView } from '../io.ts';
import type { Paint, Tone } from '../paint.ts';
import { renderTable, type Column } from './table.ts';

type Check = DoctorView['checks'][number];

const marks: Readonly<Record<Check['state'], readonly [string, Tone]>> = {
  fine: ['ok', 'green'],
  worse: ['worse', 'yellow'],
  broken: ['BROKEN', 'red'],
};

const columns: readonly Column<Check>[] = [
  { header: '', cell: ({ state }) => marks[state][0], tone: ({ state }) => marks[state][1] },
  { header: '', cell: ({ title }) => title },
  { header: '', cell: ({ found }) => found },
];

export function renderDoctor(view: DoctorView, paint: Paint): string {
  const { checks, names, noNames, resolvers } = view;
  const wrong = checks.filter(({ state }) => state !== 'fine');
  const heading =
    names === undefined
      ? `No instance answers names: ${noNames ?? 'none was asked'}\n`
      : `Names of the cluster are answered at ${names}. Nothing on this host was changed; to point a resolver there,\n` +
        'for those names only:\n';
  return [
    renderTable(columns, checks, paint),
    ...wrong.map(
      ({ title, costs, remedy }) =>
        `\n${paint('bold', title)}: costs ${costs ?? 'nothing that is known'}\n` +
        (remedy === undefined ? '' : `  do: ${remedy}\n`),
    ),
    `\n${heading}`,
    ...resolvers.map(
      ({ resolver, apply, undo }) =>
        `\n${paint('bold', resolver)}\n${indented(apply)}  to undo:\n${indented(undo)}`,
    ),
  ].join('');
}

const indented = (lines: readonly string[]): string =>
  lines.map((line) => `    ${line}\n`).join('');
