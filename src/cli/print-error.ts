/** The one place that tells people of a failure: what, why, what to do next. */
import { CodedError, messageOf, type ErrorTable } from '../model/index.ts';
import { cliErrors } from './errors.ts';
import { exitCodeOf } from './exit-codes.ts';
import type { CliIo } from './io.ts';
import type { OutputFormat } from './output.ts';
import { paintFor } from './paint.ts';

export interface PrintErrorOptions {
  readonly format: OutputFormat;
  /** Also prints the errors behind it, and the stack of one that nobody foresaw. */
  readonly debug: boolean;
  readonly io: CliIo;
  readonly tables: readonly ErrorTable[];
}

interface Failure {
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
  readonly details: readonly string[];
}

/** Writes to stderr, in JSON too: stdout holds answers only. Returns the exit code. */
export function printError(thrown: unknown, options: PrintErrorOptions): number {
  const failure = failureOf(thrown);
  const causes = options.debug ? causesOf(thrown) : [];
  const { io } = options;
  if (options.format === 'json') {
    const error = { ...failure, ...(causes.length === 0 ? {} : { causes }) };
    io.stderr.write(`${JSON.stringify({ error }, undefined, 2)}\n`);
  } else {
    const paint = paintFor(io.stderr, io.env);
    const lines = [
      `${paint('red', 'error:')} ${failure.message}`,
      ...failure.details.map((detail) => `  ${detail}`),
      ...(failure.remedy === undefined ? [] : [`  ${paint('bold', 'try:')} ${failure.remedy}`]),
      ...causes.map((cause) => `  ${paint('dim', `because: ${cause}`)}`),
    ];
    io.stderr.write(`${lines.join('\n')}\n`);
  }
  return exitCodeOf(failure.code, [cliErrors, ...options.tables]);
}

function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof CodedError)) {
    return {
      code: 'CLI_FAILED',
      message: `Cannot finish the command: ${messageOf(thrown)}`,
      remedy: 'Run it again with --log-level debug, and report what it prints: this is a bug',
      details: [],
    };
  }
  const { code, message, remedy } = thrown;
  return { code, message, remedy, details: detailsOf(thrown) };
}

/** Rooms with more to say than a sentence give their errors `details`, a line each. */
function detailsOf(error: CodedError): readonly string[] {
  return 'details' in error && Array.isArray(error.details) ? error.details.map(String) : [];
}

function causesOf(thrown: unknown): readonly string[] {
  const causes: string[] = [];
  if (thrown instanceof Error && !(thrown instanceof CodedError)) {
    causes.push(thrown.stack ?? thrown.message);
  }
  let cause = thrown instanceof Error ? thrown.cause : undefined;
  // Ten: a chain that bites its own tail must not hang the report of it.
  while (cause !== undefined && causes.length < 10) {
    const code = cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
    causes.push(`${messageOf(cause)}${code}`);
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return causes;
}
