/** The door to SQLite (node:sqlite): one database file, synchronous, with errors that say what to do. */
import { chmodSync, existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite';
import { messageOf } from '../model/index.ts';
import { SysError } from './errors.ts';

export type SqlValue = SQLInputValue;
export type SqlRow = Readonly<Record<string, SQLOutputValue>>;

export interface Statement {
  run(...values: readonly SqlValue[]): void;
  all(...values: readonly SqlValue[]): Iterable<SqlRow>;
}

/** Every method throws DATABASE_FULL, DATABASE_DAMAGED, DATABASE_LOCKED, DATABASE_NOT_PERMITTED or DATABASE_FAILED. */
export interface Database {
  execute(sql: string): void;
  prepare(sql: string): Statement;
  /** All of the work is stored, or none of it. */
  transaction(work: () => void): void;
  close(): void;
}

/** Opens a file for this process alone, and makes it, readable by this user only, when there is none. */
export function openDatabase(path: string): Database {
  const guard = <T>(verb: string, work: () => T): T => {
    try {
      return work();
    } catch (cause) {
      throw wrap(verb, path, cause);
    }
  };
  const isNew = !existsSync(path);
  const database = guard('open', () => new DatabaseSync(path));
  if (isNew) guard('protect', () => chmodSync(path, 0o600));
  const execute = (sql: string): void => guard('use', () => database.exec(sql));
  return {
    execute,
    prepare: (sql) => {
      const statement = guard('use', () => database.prepare(sql));
      return {
        run: (...values) => void guard('write', () => statement.run(...values)),
        all: (...values) => guard('read', () => statement.all(...values)),
      };
    },
    transaction: (work) => {
      execute('BEGIN IMMEDIATE');
      try {
        work();
        execute('COMMIT');
      } catch (thrown) {
        // Some failures, a full disk among them, have rolled back already.
        if (database.isTransaction) execute('ROLLBACK');
        throw thrown;
      }
    },
    close: () => guard('close', () => database.close()),
  };
}

/** SQLite's primary result codes (sqlite.org/rescode.html). */
const reasons: Readonly<Record<number, readonly [SysError['code'], string, string]>> = {
  5: [
    'DATABASE_LOCKED',
    'another process has it open',
    'Stop the other Switchyard that uses this folder, or name another folder',
  ],
  8: ['DATABASE_NOT_PERMITTED', 'it may not be written', 'Make the folder and its files yours'],
  10: [
    'DATABASE_FAILED',
    'the disk refused to read or write',
    'Look at the disk; the system log says more',
  ],
  11: [
    'DATABASE_DAMAGED',
    'its contents are damaged',
    'Bring a backup back with switchyard restore, or name an empty folder',
  ],
  13: [
    'DATABASE_FULL',
    'the disk is full',
    'Free some space: writing goes on as soon as there is some',
  ],
  14: ['DATABASE_NOT_PERMITTED', 'it cannot be opened', 'Make the folder and its files yours'],
  26: [
    'DATABASE_DAMAGED',
    'it is no database',
    'Bring a backup back with switchyard restore, or name an empty folder',
  ],
};

function wrap(verb: string, path: string, cause: unknown): SysError {
  const code = cause instanceof Error && 'errcode' in cause ? Number(cause.errcode) & 0xff : 0;
  const found = reasons[code];
  if (found === undefined) {
    return new SysError('DATABASE_FAILED', `Cannot ${verb} ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
  const [name, why, remedy] = found;
  return new SysError(name, `Cannot ${verb} ${path}: ${why}`, { cause, remedy });
}
