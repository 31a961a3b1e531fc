import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plain } from '../paint.ts';
import { formatBytes, listSome, renderTable } from './table.ts';

const bytes: Record<string, number> = {
  '0 B': 0,
  '999 B': 999,
  '1.0 KiB': 1_000,
  '1.5 KiB': 1_536,
  '97.7 KiB': 100_000,
  '100 KiB': 102_400,
  '976 KiB': 999_424,
  '1.0 MiB': 1_048_000,
  '1.0 GiB': 2 ** 30,
  '2048 TiB': 2 ** 51,
};
for (const [text, count] of Object.entries(bytes)) {
  test(`${count} bytes are ${text}`, () => assert.equal(formatBytes(count), text));
}

test('what is not known is a dash', () => assert.equal(formatBytes(undefined), '-'));

const lists: Record<string, readonly string[]> = {
  '-': [],
  a: ['a'],
  'a,b,c': ['a', 'b', 'c'],
  'a,b,c + 2 more': ['a', 'b', 'c', 'd', 'e'],
};
for (const [text, items] of Object.entries(lists)) {
  test(`a list as ${text}`, () => assert.equal(listSome(items), text));
}

test('columns are aligned, lines end without spaces, colours do not count as width', () => {
  const columns = [
    { header: 'NAME', cell: (row: readonly string[]) => row[0] ?? '', tone: () => 'red' as const },
    { header: 'N', align: 'right' as const, cell: (row: readonly string[]) => row[1] ?? '' },
    { header: 'REST', cell: (row: readonly string[]) => row[2] ?? '' },
  ];
  const rows = [
    ['a', '1', ''],
    ['longer', '100', 'x'],
  ];
  const bare = 'NAME       N   REST\na          1\nlonger   100   x\n';
  assert.equal(renderTable(columns, rows, plain), bare);
  const bracketed = renderTable(columns, rows, (tone, text) =>
    tone === 'red' ? `<${text}>` : text,
  );
  assert.equal(bracketed.replaceAll(/[<>]/g, ''), bare);
});
