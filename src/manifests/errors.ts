/** What can be wrong with manifests; every problem names its place. */
import { CodedError, type CodeOf, type ErrorTable } from '../model/index.ts';

export const manifestErrors = {
  user: {
    MANIFEST_NOT_FOUND: 'A file or folder that was named does not exist',
    MANIFEST_NOT_PERMITTED: 'A manifest may not be read by this user',
    MANIFEST_SYNTAX: 'A manifest is neither YAML nor JSON',
    MANIFEST_INVALID: 'A field of a manifest has a value that is not taken',
    MANIFEST_UNKNOWN_FIELD: 'A manifest has a field that its kind does not have: it is left out',
    MANIFEST_DUPLICATE: 'Two manifests describe the same object',
    MANIFEST_REFUSED: 'The API refused an object that looked right: its address is taken, say',
  },
  ours: {
    MANIFEST_UNREADABLE: 'The system refused to read a manifest for another reason',
    MANIFEST_UNAPPLIED: 'The API could not take the objects',
  },
} as const satisfies ErrorTable;

export type ManifestErrorCode = CodeOf<typeof manifestErrors>;

/** One thing that is wrong, and where. */
export interface ManifestProblem {
  readonly code: ManifestErrorCode;
  readonly file: string;
  /** Counted from 1; undefined when the file itself is the problem. */
  readonly line: number | undefined;
  /** `Service default/web`; undefined before it is known. */
  readonly object: string | undefined;
  /** `spec.ports[0].port`; undefined when no field is to blame. */
  readonly field: string | undefined;
  readonly reason: string;
  readonly remedy: string | undefined;
}

/** `FILE:LINE: FIELD: reason`. */
export function formatProblem({ file, line, field, reason }: ManifestProblem): string {
  const place = line === undefined ? file : `${file}:${line}`;
  return field === undefined ? `${place}: ${reason}` : `${place}: ${field}: ${reason}`;
}

/** All problems of all files; the code and the remedy are the first one's. */
export class ManifestError extends CodedError<ManifestErrorCode> {
  readonly problems: readonly ManifestProblem[];

  constructor(
    first: ManifestProblem,
    rest: readonly ManifestProblem[] = [],
    options: ErrorOptions = {},
  ) {
    const others = rest.map((problem) => `\n  and ${formatProblem(problem)}`).join('');
    super(first.code, `Cannot load ${formatProblem(first)}${others}`, {
      ...options,
      remedy: first.remedy,
    });
    this.problems = [first, ...rest];
  }
}
