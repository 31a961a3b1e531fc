/** The API server's refusals: its reasons, its wording, one class. */
import { CodedError, type CodeOf, type ErrorTable } from '../model/index.ts';

/** Codes are Kubernetes' StatusReasons. */
export const apiErrors = {
  user: {
    NotFound: 'There is no object of that kind and name (HTTP 404)',
    AlreadyExists: 'An object of that kind and name exists already (HTTP 409)',
    Conflict: 'The object changed since it was read, or a precondition does not hold (HTTP 409)',
    Invalid: 'A field has a value the API does not take (HTTP 422)',
    BadRequest: 'The request cannot be understood: a selector or a version is malformed (HTTP 400)',
    Forbidden:
      'The request is understood and refused: a protected or terminating namespace (HTTP 403)',
    MethodNotAllowed: 'The kind does not take this verb (HTTP 405)',
  },
  ours: {
    Expired: 'The resourceVersion is older than what is kept; list again (HTTP 410)',
    ServiceUnavailable: 'The API cannot answer now (HTTP 503)',
    InternalError: 'The API failed (HTTP 500)',
  },
} as const satisfies ErrorTable;

export type StatusReason = CodeOf<typeof apiErrors>;

/** One field that is wrong, as in `Status.details.causes`. */
export interface StatusCause {
  /** `FieldValueInvalid`, `FieldValueRequired`, `FieldValueNotSupported`, `FieldValueDuplicate`, `FieldValueForbidden`. */
  readonly reason: string;
  /** `spec.ports[0].port`. */
  readonly field: string;
  readonly message: string;
}

export interface ApiErrorOptions extends ErrorOptions {
  readonly remedy?: string | undefined;
  readonly causes?: readonly StatusCause[] | undefined;
}

export class ApiError extends CodedError<StatusReason> {
  readonly causes: readonly StatusCause[];

  constructor(reason: StatusReason, message: string, options: ApiErrorOptions = {}) {
    super(reason, message, options);
    this.causes = options.causes ?? [];
  }
}

const hasReason =
  (...reasons: readonly StatusReason[]) =>
  (thrown: unknown): boolean =>
    thrown instanceof ApiError && reasons.includes(thrown.code);

export const isNotFound = hasReason('NotFound');
export const isConflict = hasReason('Conflict');
export const isAlreadyExists = hasReason('AlreadyExists');
export const isExpired = hasReason('Expired');
