/**
 * The journal in a file: one table of revisions, in SQLite with a write-ahead log, synced at every commit.
 * Synchronous: it runs in a thread of its own (journal-worker.ts).
 */
import {
  openDatabase,
  SysError,
  type Database,
  type SqlRow,
  type Statement,
} from '../sys/index.ts';
import type { Revision } from './journal.ts';

/** One commit: what is written, and what nobody may ask for any more. */
export interface Commit {
  readonly revisions: readonly Revision[];
  /** Versions whose revisions newer ones have replaced, to be taken out. */
  readonly obsolete: readonly number[];
  /** No watch goes on from before this version. */
  readonly compacted: number;
}

const applicationId = 0x53574944;
/** Steps from each version of the schema to the next; a file of the newest has as many as there are. */
const migrations: readonly string[] = [
  `CREATE TABLE revision (
     version INTEGER PRIMARY KEY,
     kind TEXT NOT NULL,
     namespace TEXT NOT NULL,
     name TEXT NOT NULL,
     deleted INTEGER NOT NULL,
     object TEXT NOT NULL
   ) STRICT;
   CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
   INSERT INTO setting VALUES ('compacted', '0');`,
];

const startOver = 'Bring a backup back with switchyard restore, or name an empty folder';

export class JournalFile {
  private readonly path: string;
  private readonly database: Database;
  private readonly insert: Statement;
  private readonly remove: Statement;
  private readonly set: Statement;

  /** Throws a SysError: DATABASE_DAMAGED, DATABASE_FOREIGN and DATABASE_NEWER among them. */
  constructor(path: string) {
    this.path = path;
    this.database = openDatabase(path);
    try {
      this.prepare();
      this.insert = this.database.prepare('INSERT INTO revision VALUES (?, ?, ?, ?, ?, ?)');
      this.remove = this.database.prepare('DELETE FROM revision WHERE version = ?');
      this.set = this.database.prepare('INSERT OR REPLACE INTO setting VALUES (?, ?)');
    } catch (thrown) {
      this.database.close();
      throw thrown;
    }
  }

  private prepare(): void {
    // Alone: no shared memory file, and a second process is told at once.
    this.database.execute('PRAGMA locking_mode = EXCLUSIVE');
    const version = this.number('PRAGMA user_version');
    const isEmpty = this.number('SELECT count(*) AS n FROM sqlite_schema') === 0;
    const isOurs = this.number('PRAGMA application_id') === applicationId;
    if (!isEmpty && !isOurs) {
      throw this.unusable('DATABASE_FOREIGN', {
        why: 'it is the database of another program',
        remedy: 'Name another folder',
      });
    }
    if (version > migrations.length) {
      throw this.unusable('DATABASE_NEWER', {
        why: `it was written by a newer Switchyard (schema ${version}, this one knows ${migrations.length})`,
        remedy: 'Start the newer version, or name another folder',
      });
    }
    const found = isEmpty ? 'ok' : this.first('PRAGMA quick_check(1)');
    if (found !== 'ok') {
      const why = `its contents are damaged (${String(found)})`;
      throw this.unusable('DATABASE_DAMAGED', { why, remedy: startOver });
    }
    this.database.execute('PRAGMA journal_mode = WAL');
    this.database.execute('PRAGMA synchronous = FULL');
    if (version === migrations.length) return;
    this.database.transaction(() => {
      for (const step of migrations.slice(version)) this.database.execute(step);
      this.database.execute(`PRAGMA application_id = ${applicationId}`);
      this.database.execute(`PRAGMA user_version = ${migrations.length}`);
    });
  }

  settings(): Readonly<Record<string, string>> {
    const rows = [...this.database.prepare('SELECT name, value FROM setting').all()];
    return Object.fromEntries(rows.map((row) => [textOf(row, 'name'), textOf(row, 'value')]));
  }

  setSetting(name: string, value: string): void {
    this.database.transaction(() => this.set.run(name, value));
  }

  /** Ascending by version. */
  *revisions(): Iterable<Revision> {
    const all = this.database.prepare('SELECT * FROM revision ORDER BY version').all();
    for (const row of all) {
      yield {
        version: Number(row['version']),
        kind: textOf(row, 'kind'),
        namespace: textOf(row, 'namespace'),
        name: textOf(row, 'name'),
        deleted: row['deleted'] === 1,
        object: textOf(row, 'object'),
      };
    }
  }

  commit({ revisions, obsolete, compacted }: Commit): void {
    this.database.transaction(() => {
      for (const { version, kind, namespace, name, deleted, object } of revisions) {
        this.insert.run(version, kind, namespace, name, deleted ? 1 : 0, object);
      }
      if (obsolete.length === 0) return;
      for (const version of obsolete) this.remove.run(version);
      this.set.run('compacted', String(compacted));
    });
  }

  /** Writes a copy as of now; the file must not exist. */
  copyTo(path: string): void {
    this.database.prepare('VACUUM INTO ?').run(path);
  }

  close(): void {
    this.database.close();
  }

  private number(sql: string): number {
    return Number(this.first(sql) ?? 0);
  }

  /** The first column of the first row. */
  private first(sql: string): unknown {
    const row = [...this.database.prepare(sql).all()][0];
    return Object.values(row ?? {})[0];
  }

  private unusable(
    code: SysError['code'],
    { why, remedy }: { readonly why: string; readonly remedy: string },
  ): SysError {
    return new SysError(code, `Cannot use ${this.path}: ${why}`, { remedy });
  }
}

function textOf(row: SqlRow, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : '';
}
