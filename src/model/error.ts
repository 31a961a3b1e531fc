/**
 * The one shape of failure: a stable code to branch on, a sentence for people, the remedy, and the cause.
 *
 * Codes live in a table a folder (`errors.ts`), sorted by whose fault they are; docs/errors.md is checked
 * against those tables. Expected outcomes (no endpoints, NXDOMAIN) are values, not errors.
 */

/** Codes of one folder with what each means; `user`: somebody asked for the impossible; `ours`: we or the host failed. */
export interface ErrorTable {
  readonly user: Readonly<Record<string, string>>;
  readonly ours: Readonly<Record<string, string>>;
}

/** The codes of a table, as a union. */
export type CodeOf<Table extends ErrorTable> = Extract<
  keyof Table['user'] | keyof Table['ours'],
  string
>;

export interface CodedErrorOptions extends ErrorOptions {
  /** What to do next, as a sentence without a full stop. */
  readonly remedy?: string | undefined;
}

/** `message` reads `Cannot <verb> <object>: <reason>`, capital first, no full stop. */
export class CodedError<Code extends string = string> extends Error {
  readonly code: Code;
  readonly remedy: string | undefined;

  constructor(code: Code, message: string, options: CodedErrorOptions = {}) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** The text of anything thrown, for a message that carries it on as `cause`. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
