/**
 * One event, one line: a constant message and its fields. Lines go to stderr as text or JSON; the composer
 * gives each component a child with its name.
 */
import type { Clock } from '../model/index.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

export type LogFields = Readonly<Record<string, unknown>>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger whose lines also carry `fields`. */
  child(fields: LogFields): Logger;
}

export interface LoggerOptions {
  readonly level: LogLevel;
  readonly format: 'text' | 'json';
  readonly clock: Clock;
  /** Gets whole lines, each with its line end. */
  write(line: string): void;
}

export function createLogger(options: LoggerOptions): Logger {
  return makeLogger(options, {});
}

/** A logger that says nothing, for tests and libraries without one. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

function makeLogger(options: LoggerOptions, bound: LogFields): Logger {
  const threshold = logLevels.indexOf(options.level);
  const log =
    (level: LogLevel) =>
    (message: string, fields: LogFields = {}): void => {
      if (logLevels.indexOf(level) < threshold) return;
      const time = new Date(options.clock.now()).toISOString();
      const all = { ...bound, ...fields };
      options.write(
        options.format === 'json'
          ? `${JSON.stringify({ time, level, message, ...all }, jsonValue)}\n`
          : `${time} ${level.padEnd(5)} ${message}${formatFields(all)}\n`,
      );
    };
  return {
    debug: log('debug'),
    info: log('info'),
    warn: log('warn'),
    error: log('error'),
    child: (fields) => makeLogger(options, { ...bound, ...fields }),
  };
}

function formatFields(fields: LogFields): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => {
      const plain = jsonValue(key, value);
      const text = typeof plain === 'string' ? plain : JSON.stringify(plain, jsonValue);
      return ` ${key}=${/^[^\s"=]+$/.test(text) ? text : JSON.stringify(text)}`;
    })
    .join('');
}

/** Errors keep what people need of them: code, message and cause. */
function jsonValue(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (!(value instanceof Error)) return value;
  const code: unknown = 'code' in value ? value.code : undefined;
  return value.cause === undefined
    ? { code, message: value.message }
    : { code, message: value.message, cause: value.cause };
}
