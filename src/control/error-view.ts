/** Errors as plain data, for the way over the socket and for `-o json`. */
import { CodedError, messageOf } from '../model/index.ts';
import type { ErrorView } from './protocol.ts';

/** Anything thrown; what is no CodedError is a bug of ours and gets CONTROL_FAILED. */
export function errorView(thrown: unknown): ErrorView {
  if (!(thrown instanceof CodedError)) {
    return {
      code: 'CONTROL_FAILED',
      message: `Cannot finish the request: ${messageOf(thrown)}`,
      remedy: undefined,
      details: [],
    };
  }
  return {
    code: thrown.code,
    message: thrown.message,
    remedy: thrown.remedy,
    details: detailsOf(thrown),
  };
}

/** Errors that have more to say carry `details` (lines) or, as the API's do, `causes` (field and message). */
function detailsOf(error: CodedError): readonly string[] {
  if ('details' in error && Array.isArray(error.details)) return error.details.map(String);
  if (!('causes' in error) || !Array.isArray(error.causes)) return [];
  return error.causes.flatMap((cause: unknown) => {
    if (typeof cause !== 'object' || cause === null) return [];
    const field = 'field' in cause ? String(cause.field) : '';
    const message = 'message' in cause ? String(cause.message) : '';
    return [field === '' ? message : `${field}: ${message}`];
  });
}
