/** A measured spread as bars, and in one line whether it is what the scheduler owes. */
import type { SpreadView } from '../../control/index.ts';
import type { Paint } from '../paint.ts';
import { bar } from './bar.ts';
import { podOf } from './endpoints.ts';
import { renderTable } from './table.ts';

export interface SpreadOptions {
  readonly columns: number;
  readonly paint: Paint;
}

const bounds = { least: 10, most: 40 } as const;

export function renderSpread(view: SpreadView, { columns, paint }: SpreadOptions): string {
  const port = view.port === '' ? '' : `, port ${view.port}`;
  const seconds = (view.tookMs / 1000).toFixed(2);
  const head =
    `Service ${view.namespace}/${view.service}${port} at ${view.target}, scheduler ${view.scheduler}` +
    `\n${view.connected} of ${view.requested} ${view.protocol === 'UDP' ? 'flows' : 'connections'} in ${seconds} s\n`;
  const parts = [head, renderShares(view, columns, paint), renderFailures(view, paint)];
  return `${parts.filter((part) => part !== '').join('\n')}${verdict(view, paint)}`;
}

function renderShares(view: SpreadView, columns: number, paint: Paint): string {
  const bare = renderTable(shareColumns(view), view.shares, (_tone, text) => text);
  const longest = Math.max(0, ...bare.split('\n').map((line) => line.length));
  const room = Math.min(bounds.most, Math.max(bounds.least, columns - longest - 3));
  const most = Math.max(1, ...view.shares.map((share) => share.connections));
  return renderTable(
    [
      ...shareColumns(view),
      {
        header: '',
        cell: ({ connections }) => bar((connections / most) * room),
        tone: () => 'cyan' as const,
      },
    ],
    view.shares,
    paint,
  );
}

function shareColumns(view: SpreadView) {
  const hasOwnExpectation = new Set(owed(view)).size > 1;
  return [
    { header: '', cell: (share: Share) => share.endpoint },
    {
      header: '',
      cell: (share: Share) =>
        share.pod === undefined ? '' : `pod ${podOf(share.pod, view.namespace)}`,
    },
    { header: '', align: 'right' as const, cell: (share: Share) => String(share.connections) },
    ...(hasOwnExpectation
      ? [
          {
            header: '',
            align: 'right' as const,
            cell: (share: Share) => `of ${formatExpected(share.expected)}`,
          },
        ]
      : []),
    {
      header: '',
      align: 'right' as const,
      cell: (share: Share) =>
        `${((100 * share.connections) / Math.max(1, view.connected)).toFixed(1)} %`,
    },
  ];
}

type Share = SpreadView['shares'][number];

/** What the endpoints that are owed anything are owed. */
function owed(view: SpreadView): readonly number[] {
  return view.shares.map(({ expected }) => expected).filter((expected) => expected > 0);
}

function renderFailures(view: SpreadView, paint: Paint): string {
  const lines = view.failures.map(
    ({ code, message, connections }) =>
      `${paint('red', `${connections} failed`)}: ${message} (${code})\n`,
  );
  return lines.join('');
}

function verdict(view: SpreadView, paint: Paint): string {
  const expectations = owed(view);
  const [first] = expectations;
  if (first === undefined) return '';
  const affinity = view.affinity === 'none' ? '' : ` (affinity ${view.affinity})`;
  const expected = `${expectation(view, expectations)}${affinity}`;
  const judged = (tone: 'green' | 'yellow', words: string, why = ''): string =>
    `\n${expected}: ${paint(tone, words)}\n${why}`;
  if (view.failed > 0) {
    return judged('yellow', 'not exact', `${view.failed} of ${view.requested} failed\n`);
  }
  switch (view.promise) {
    case 'turns':
    case 'one-endpoint':
      if (view.exact) return judged('green', 'exact');
      return judged(
        'yellow',
        'not exact',
        'Other clients take turns of the scheduler too, and a change of endpoints starts it anew\n',
      );
    case 'shares': {
      const odds = `chance differs this much ${formatOdds(view.chance ?? 0)} of the time`;
      if (view.kept) return judged('green', `as chance has it (${odds})`);
      return judged('yellow', `hardly chance (${odds})`);
    }
    case 'load':
      return judged('green', 'it follows the load, so no share is owed');
  }
}

function expectation(view: SpreadView, expectations: readonly number[]): string {
  const [first = 0] = expectations;
  if (view.promise === 'load') return `scheduler ${view.scheduler}`;
  const about = view.promise === 'shares' ? 'about ' : '';
  if (new Set(expectations).size > 1) return 'expected as listed';
  if (expectations.length === 1) return `expected ${formatExpected(first)} at one endpoint`;
  return `expected ${about}${about === '' ? formatExpected(first) : Math.round(first)} each`;
}

function formatOdds(chance: number): string {
  if (chance < 0.001) return 'less than 0.1 %';
  return `${(100 * chance).toFixed(chance < 0.1 ? 1 : 0)} %`;
}

/** `100`, or `33 or 34` where the scheduler owes a fraction. */
function formatExpected(expected: number): string {
  return Number.isInteger(expected)
    ? String(expected)
    : `${Math.floor(expected)} or ${Math.ceil(expected)}`;
}
