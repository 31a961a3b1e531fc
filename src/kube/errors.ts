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
    NotAcceptable: 'The request accepts no form that is served (HTTP 406)',
    UnsupportedMediaType: 'The body is of a type that is not read (HTTP 415)',
    RequestEntityTooLarge: 'The body is larger than is taken (HTTP 413)',
    Unauthorized: 'The request carries no token, or not ours (HTTP 401)',
  },
  ours: {
    Expired: 'The resourceVersion is older than what is kept; list again (HTTP 410)',
    Timeout: 'The version asked for has not come yet (HTTP 504)',
    TooManyRequests: 'As many requests of that kind run as are served (HTTP 429)',
    ServiceUnavailable: 'The API cannot answer now (HTTP 503)',
    InternalError: 'The API failed (HTTP 500)',
  },
} as const satisfies ErrorTable;

export type StatusReason = CodeOf<typeof apiErrors>;

/** One field that is wrong, as in `Status.details.causes`. */
export interface StatusCause {
  /** `FieldValueInvalid`, `FieldValueRequired`, `FieldValueNotSupported`, `FieldValueDuplicate`, `FieldValueForbidden`. */
  readonly reason: string;
  /** `spec.ports[0].port`; empty when it is about no field. */
  readonly field: string;
  readonly message: string;
}

/** What a refusal is about, as in `Status.details`. */
export interface StatusSubject {
  readonly name?: string | undefined;
  readonly group?: string | undefined;
  /** A kind, or a resource: the API server says now one, now the other. */
  readonly kind?: string | undefined;
  readonly retryAfterSeconds?: number | undefined;
}

export interface ApiErrorOptions extends ErrorOptions {
  readonly subject?: StatusSubject | undefined;
  readonly remedy?: string | undefined;
  readonly causes?: readonly StatusCause[] | undefined;
}

export class ApiError extends CodedError<StatusReason> {
  readonly causes: readonly StatusCause[];
  /** Undefined when the refusal is about no object. */
  readonly subject: StatusSubject | undefined;

  constructor(reason: StatusReason, message: string, options: ApiErrorOptions = {}) {
    super(reason, message, options);
    this.causes = options.causes ?? [];
    this.subject = options.subject;
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
