/** What the query of a list or a watch asks for, and which of it cannot go together. */
import { ApiError, apiNames, isJsonObject, type StatusCause } from '../kube/index.ts';
import { isSet, numberIn } from './request-info.ts';

export interface ListQuery {
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly resourceVersion: string | undefined;
  readonly match: 'Exact' | 'NotOlderThan' | undefined;
  /** Undefined: everything in one answer. */
  readonly limit: number | undefined;
  readonly continueToken: string | undefined;
  readonly sendInitialEvents: boolean | undefined;
  readonly allowBookmarks: boolean;
  readonly timeoutSeconds: number | undefined;
}

export function readListQuery(query: URLSearchParams): ListQuery {
  const text = (name: string): string | undefined => query.get(name) || undefined;
  const limit = numberIn(query, 'limit') ?? 0;
  const watch = isSet(query, 'watch');
  const read: ListQuery = {
    labelSelector: text('labelSelector'),
    fieldSelector: text('fieldSelector'),
    resourceVersion: text('resourceVersion'),
    match: matchOf(text('resourceVersionMatch')),
    limit: limit > 0 ? limit : undefined,
    continueToken: text('continue'),
    sendInitialEvents: query.has('sendInitialEvents')
      ? isSet(query, 'sendInitialEvents')
      : undefined,
    allowBookmarks: isSet(query, 'allowWatchBookmarks'),
    timeoutSeconds: numberIn(query, 'timeoutSeconds'),
  };
  const causes = conflictsIn(read, watch);
  if (causes.length === 0) return read;
  const texts = causes.map(({ field, message }) => `${field}: ${message}`);
  const all = texts.length === 1 ? texts.join('') : `[${texts.join(', ')}]`;
  throw new ApiError('Invalid', `ListOptions.${apiNames.metaGroup} "" is invalid: ${all}`, {
    causes,
    subject: { group: apiNames.metaGroup, kind: 'ListOptions' },
  });
}

function matchOf(text: string | undefined): ListQuery['match'] {
  if (text === undefined || text === 'Exact' || text === 'NotOlderThan') return text;
  const message = `Unsupported value: ${JSON.stringify(text)}: supported values: "Exact", "NotOlderThan", ""`;
  throw new ApiError(
    'Invalid',
    `ListOptions.${apiNames.metaGroup} "" is invalid: resourceVersionMatch: ${message}`,
    {
      causes: [{ reason: 'FieldValueNotSupported', field: 'resourceVersionMatch', message }],
      subject: { group: apiNames.metaGroup, kind: 'ListOptions' },
    },
  );
}

/** apimachinery's ValidateListOptions, Kubernetes 1.36. */
function conflictsIn(read: ListQuery, watch: boolean): readonly StatusCause[] {
  const causes: StatusCause[] = [];
  const forbid = (field: string, reason: string): void => {
    causes.push({ reason: 'FieldValueForbidden', field, message: `Forbidden: ${reason}` });
  };
  const { match, resourceVersion, continueToken, sendInitialEvents } = read;
  if (watch) {
    if (sendInitialEvents !== undefined && match !== 'NotOlderThan') {
      forbid(
        'resourceVersionMatch',
        'sendInitialEvents requires setting resourceVersionMatch to NotOlderThan',
      );
    } else if (sendInitialEvents === undefined && match !== undefined) {
      forbid(
        'resourceVersionMatch',
        'resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided',
      );
    }
    return causes;
  }
  if (sendInitialEvents !== undefined) {
    forbid('sendInitialEvents', 'sendInitialEvents is forbidden for list');
  }
  if (match !== undefined && resourceVersion === undefined) {
    forbid(
      'resourceVersionMatch',
      'resourceVersionMatch is forbidden unless resourceVersion is provided',
    );
  }
  if (match !== undefined && continueToken !== undefined) {
    forbid('resourceVersionMatch', 'resourceVersionMatch is forbidden when continue is provided');
  }
  if (match === 'Exact' && resourceVersion === '0') {
    forbid(
      'resourceVersionMatch',
      'resourceVersionMatch "exact" is forbidden for resourceVersion "0"',
    );
  }
  return causes;
}

/** Where a list goes on: `start` is behind the last item it gave. */
export interface ContinueToken {
  readonly resourceVersion: string;
  readonly start: string;
}

export function formatContinue({ resourceVersion, start }: ContinueToken): string {
  const token = { v: apiNames.continueVersion, rv: Number(resourceVersion), start };
  return Buffer.from(JSON.stringify(token)).toString('base64url');
}

export function parseContinue(text: string): ContinueToken {
  try {
    const token: unknown = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
    if (isJsonObject(token) && token['v'] === apiNames.continueVersion) {
      const { rv, start } = token;
      if (typeof rv === 'number' && typeof start === 'string') {
        return { resourceVersion: String(rv), start };
      }
    }
  } catch {
    // Said below, as for a token of the wrong form.
  }
  throw new ApiError('BadRequest', 'continue key is not valid: it was not made by this server');
}
