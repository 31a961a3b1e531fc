/** Aligned columns as kubectl prints them: upper-case headers, three spaces between, no lines. */
import type { Paint, Tone } from '../paint.ts';

export interface Column<Row> {
  /** Empty for a column without a header. */
  readonly header: string;
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
  readonly tone?: (row: Row) => Tone | undefined;
}

/** Lines with their ends; a header line unless every header is empty. Nothing is cut off. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  paint: Paint,
): string {
  const body = rows.map((row) =>
    columns.map(({ cell, tone }) => ({ text: cell(row), tone: tone?.(row) })),
  );
  const headers = columns.map(({ header }) => ({ text: header, tone: 'bold' as const }));
  const lines = headers.some(({ text }) => text !== '') ? [headers, ...body] : body;
  const widths = columns.map((_, i) => Math.max(...lines.map((line) => line[i]?.text.length ?? 0)));
  return lines
    .map((line) =>
      line
        .map(({ text, tone }, i) => {
          const painted = tone === undefined ? text : paint(tone, text);
          const gap = ' '.repeat((widths[i] ?? 0) - text.length);
          if (columns[i]?.align === 'right') return gap + painted;
          // Nothing behind the last cell of a line: trailing spaces end up in people's pastes.
          return i === line.length - 1 ? painted : painted + gap;
        })
        .join('   ')
        .trimEnd(),
    )
    .map((line) => `${line}\n`)
    .join('');
}

/** For a value that is not known or not there. */
export const absent = '-';

/** The first few of a list, and how many there are besides. */
export function listSome(items: readonly string[], most = 3): string {
  if (items.length === 0) return absent;
  if (items.length <= most) return items.join(',');
  return `${items.slice(0, most).join(',')} + ${items.length - most} more`;
}

export function formatCount(count: number | undefined): string {
  return count === undefined ? absent : String(count);
}

/** Three digits and a binary unit. */
export function formatBytes(bytes: number | undefined): string {
  if (bytes === undefined) return absent;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  const text = unit === 0 || value >= 99.95 ? value.toFixed(0) : value.toFixed(1);
  return `${text} ${units[unit] ?? ''}`;
}

/** Two digits or more; a backend on this host answers in a fraction of a millisecond. */
export function formatMs(ms: number | undefined): string {
  if (ms === undefined) return absent;
  if (ms >= 10_000) return `${(ms / 1000).toFixed(0)} s`;
  return `${ms.toFixed(ms < 1 ? 2 : ms < 10 ? 1 : 0)} ms`;
}
