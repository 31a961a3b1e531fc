/** Refusals as `Status` objects, with the API server's codes, details and causes. */
import { ApiError, type StatusCause, type StatusReason } from '../kube/index.ts';
import { HttpError } from '../sys/http/index.ts';

const codes: Readonly<Record<StatusReason, number>> = {
  NotFound: 404,
  AlreadyExists: 409,
  Conflict: 409,
  Invalid: 422,
  BadRequest: 400,
  Forbidden: 403,
  MethodNotAllowed: 405,
  NotAcceptable: 406,
  UnsupportedMediaType: 415,
  RequestEntityTooLarge: 413,
  Unauthorized: 401,
  Expired: 410,
  Timeout: 504,
  TooManyRequests: 429,
  ServiceUnavailable: 503,
  InternalError: 500,
};

export interface Status {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: object;
  readonly status: 'Success' | 'Failure';
  readonly message?: string;
  readonly reason?: StatusReason;
  readonly details?: object;
  readonly code?: number;
}

/** Anything thrown, as an ApiError; what we did not foresee is an InternalError that keeps its cause. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  if (thrown instanceof HttpError && thrown.code === 'HTTP_BODY_TOO_LARGE') {
    return new ApiError('RequestEntityTooLarge', thrown.message, { cause: thrown });
  }
  return new ApiError('InternalError', 'Internal error occurred: the request could not be served', {
    cause: thrown,
  });
}

export function failureStatus(error: ApiError): Status & { readonly code: number } {
  const code = codes[error.code];
  const details = detailsOf(error);
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Failure',
    message: error.message,
    reason: error.code,
    ...(details === undefined ? {} : { details }),
    code,
  };
}

function detailsOf({ code, causes, subject = {} }: ApiError): object | undefined {
  const { name = '', group = '', kind = '', retryAfterSeconds } = subject;
  const details = {
    ...(name === '' ? {} : { name }),
    ...(group === '' ? {} : { group }),
    ...(kind === '' ? {} : { kind }),
    ...(causes.length === 0 ? {} : { causes: causes.map(shownCause) }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  };
  // A bad request has no details at all; a path that is not served has empty ones.
  const isBare = code === 'BadRequest' || code === 'Expired' || code === 'Unauthorized';
  return isBare && Object.keys(details).length === 0 ? undefined : details;
}

function shownCause({ reason, field, message }: StatusCause): object {
  return field === '' ? { reason, message } : { reason, message, field };
}
