/** A name as text: what a client gets, and below it every name it asks for on the way. */
import type { NameView } from '../../control/index.ts';
import type { Paint } from '../paint.ts';
import { renderTable, type Column } from './table.ts';

type Step = NameView['steps'][number];

const verdicts: Readonly<Record<NameView['verdict'], string>> = {
  answered: 'is answered',
  'no-records': 'exists and has no such records',
  'no-name': 'does not exist',
  unknown: 'is not known yet',
};

const columns: readonly Column<Step>[] = [
  { header: '', cell: () => ' ' },
  { header: '', cell: ({ name }) => `${name}.` },
  {
    header: '',
    cell: ({ rcode }) => rcode,
    tone: ({ rcode }) => (rcode === 'NOERROR' ? 'green' : 'yellow'),
  },
  { header: '', cell: ({ because }) => because },
];

export function renderName(view: NameView, paint: Paint): string {
  const { name, namespace, type, verdict, answer, steps } = view;
  const head = `Name ${name}, type ${type}, asked in namespace ${namespace}: ${verdicts[verdict]}`;
  const notes = [...new Set(steps.flatMap((step) => step.notes))];
  return [
    `${paint('bold', head)}\n`,
    ...answer.map((line) => `  ${line}\n`),
    ...notes.map((note) => `  ${paint('yellow', note)}\n`),
    '\nWhat a client with the search list of a Pod asks for, in order:\n',
    renderTable(columns, steps, paint),
    ...hints(view).map((hint) => `\n${hint}\n`),
  ].join('');
}

function hints({ name, verdict, steps }: NameView): readonly string[] {
  const wasted = steps.length - 1;
  const hasAll = verdict === 'answered' && steps.at(-1)?.name === name;
  return hasAll && wasted > 0
    ? [`With a dot at its end, as ${name}., it is found by the first question.`]
    : [];
}
