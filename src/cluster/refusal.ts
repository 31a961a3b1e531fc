/** What an API server answers instead of what was asked, as the ApiErrors that every ObjectClient throws. */
import {
  ApiError,
  apiErrors,
  fieldOf,
  isJsonArray,
  isJsonObject,
  type JsonObject,
  type StatusCause,
  type StatusReason,
} from '../kube/index.ts';

const reasonsByCode: Readonly<Record<number, StatusReason>> = {
  400: 'BadRequest',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'NotFound',
  405: 'MethodNotAllowed',
  406: 'NotAcceptable',
  409: 'Conflict',
  410: 'Expired',
  413: 'RequestEntityTooLarge',
  415: 'UnsupportedMediaType',
  422: 'Invalid',
  429: 'TooManyRequests',
  500: 'InternalError',
  502: 'ServiceUnavailable',
  503: 'ServiceUnavailable',
  504: 'Timeout',
};

const maxMessage = 2_000;

export interface RefusalPlace {
  /** `GET https://...`. */
  readonly what: string;
  /** HTTP's code; that of a Status in a watch. */
  readonly code: number;
  readonly retryAfterSeconds?: number | undefined;
}

/** `body`: the answer as JSON, a Status when the API server itself refused; anything when a proxy did. */
export function refusalOf(body: unknown, place: RefusalPlace): ApiError {
  const status = isJsonObject(body) && body['kind'] === 'Status' ? body : {};
  const code = typeof status['code'] === 'number' ? status['code'] : place.code;
  const details = objectIn(status, 'details');
  const message = textIn(status, 'message');
  const reason =
    reasonIn(status) ?? reasonsByCode[code] ?? (code >= 500 ? 'InternalError' : 'BadRequest');
  return new ApiError(
    reason,
    message?.slice(0, maxMessage) ?? `Cannot ${place.what}: the server answered ${code}`,
    {
      causes: causesOf(details),
      remedy: remedies[reason],
      subject: {
        name: textIn(details, 'name'),
        group: textIn(details, 'group'),
        kind: textIn(details, 'kind'),
        retryAfterSeconds: place.retryAfterSeconds,
      },
    },
  );
}

const remedies: Partial<Record<StatusReason, string>> = {
  Forbidden: 'Give this user the rules in deploy/',
  Unauthorized: 'Renew the credentials that the kubeconfig names',
};

function reasonIn(status: JsonObject): StatusReason | undefined {
  const reason = status['reason'];
  // The API server says Gone of what it calls Expired elsewhere.
  if (reason === 'Gone') return 'Expired';
  if (typeof reason !== 'string') return undefined;
  return isReason(reason) ? reason : undefined;
}

function isReason(text: string): text is StatusReason {
  return Object.hasOwn(apiErrors.user, text) || Object.hasOwn(apiErrors.ours, text);
}

function causesOf(details: JsonObject): readonly StatusCause[] {
  const causes = details['causes'];
  if (!isJsonArray(causes)) return [];
  return causes.filter(isJsonObject).map((cause) => ({
    reason: textIn(cause, 'reason') ?? '',
    field: textIn(cause, 'field') ?? '',
    message: textIn(cause, 'message') ?? '',
  }));
}

function objectIn(object: JsonObject, key: string): JsonObject {
  const value = fieldOf(object, key);
  return isJsonObject(value) ? value : {};
}

function textIn(object: JsonObject, key: string): string | undefined {
  const value = fieldOf(object, key);
  return typeof value === 'string' && value !== '' ? value : undefined;
}
