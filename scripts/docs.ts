/** `npm run docs`: writes docs/errors.md from the tables in every errors.ts; a test fails when it is stale. */
import { globSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { ErrorTable } from '../src/model/index.ts';

/** The error table of one folder. */
export interface FolderErrors {
  /** Below src: `sys/net`. */
  readonly folder: string;
  readonly table: ErrorTable;
}

const root = dirname(import.meta.dirname);

/** Every table that an errors.ts exports, sorted by folder. */
export async function readErrorTables(): Promise<readonly FolderErrors[]> {
  const found: FolderErrors[] = [];
  for (const file of globSync('**/errors.ts', { cwd: join(root, 'src') }).toSorted()) {
    const module: Readonly<Record<string, unknown>> = await import(
      pathToFileURL(join(root, 'src', file)).href
    );
    for (const exported of Object.values(module)) {
      if (isErrorTable(exported)) found.push({ folder: dirname(file), table: exported });
    }
  }
  return found;
}

function isErrorTable(value: unknown): value is ErrorTable {
  return typeof value === 'object' && value !== null && 'user' in value && 'ours' in value;
}

/** The whole text of docs/errors.md. */
export function renderErrors(tables: readonly FolderErrors[]): string {
  const folders = new Set(tables.map(({ folder }) => folder));
  const sections = [...folders].map((folder) =>
    [
      `## ${folder}`,
      '',
      '| code | whose fault | meaning |',
      '|---|---|---|',
      ...tables.filter((found) => found.folder === folder).flatMap(({ table }) => rowsOf(table)),
      '',
    ].join('\n'),
  );
  return [
    '# Errors',
    '',
    'Every failure has a code that stays the same when its words change. *Yours* means that something was asked',
    'for that cannot be (the command exits with 2); *ours* means that Switchyard or the host could not (it exits',
    'with 3). The tables are written by `npm run docs` from the `errors.ts` of each folder: change them there.',
    '',
    ...sections,
  ].join('\n');
}

function rowsOf(table: ErrorTable): readonly string[] {
  const rows = (codes: ErrorTable['user'], fault: string): readonly string[] =>
    Object.entries(codes).map(([code, meaning]) => `| \`${code}\` | ${fault} | ${meaning} |`);
  return [...rows(table.user, 'yours'), ...rows(table.ours, 'ours')];
}

if (import.meta.main) {
  writeFileSync(join(root, 'docs/errors.md'), renderErrors(await readErrorTables()));
}
