/** A token for a service account, made when it is asked for (TokenRequest). */
import {
  ApiError,
  apiNames,
  invalid,
  isJsonArray,
  isJsonObject,
  serviceAccountKind,
  type JsonObject,
  type Kind,
} from '../kube/index.ts';
import { apiAudience } from './access/index.ts';
import { jsonAnswer } from './answers.ts';
import { parseBody } from './body.ts';
import type { Answer, ApiContext, ResourceRequest } from './context.ts';
import { sentBody } from './write-options.ts';

const tokenRequestKind: Kind = {
  group: apiNames.authentication,
  version: 'v1',
  kind: 'TokenRequest',
  plural: 'tokenrequests',
  namespaced: true,
};

const defaultSeconds = 3_600;
const leastSeconds = 600;
const mostSeconds = 2 ** 32;

export async function accountToken(
  request: ResourceRequest,
  name: string,
  context: ApiContext,
): Answer {
  const { namespace } = request.path;
  const account = await context.registry.get(serviceAccountKind, { namespace, name });
  const { value } = await parseBody(await sentBody(request), tokenRequestKind.kind);
  const spec = specIn(value);
  const { seconds, audiences } = termsOf(spec);
  const issuedAtMs = context.clock.now();
  const expiresAtMs = issuedAtMs + seconds * 1_000;
  const { uid = '' } = account.metadata;
  const token = context.access.tokens.sign(
    { namespace: namespace ?? '', name, uid },
    { audiences, issuedAtMs, expiresAtMs },
  );
  const creationTimestamp = timeOf(issuedAtMs);
  return jsonAnswer(
    {
      kind: tokenRequestKind.kind,
      apiVersion: `${apiNames.authentication}/v1`,
      metadata: { name, namespace, creationTimestamp },
      spec: { ...spec, audiences, expirationSeconds: seconds },
      status: { token, expirationTimestamp: timeOf(expiresAtMs) },
    },
    201,
  );
}

function timeOf(atMs: number): string {
  return new Date(atMs).toISOString().replace(/\.\d+Z$/, 'Z');
}

function specIn(value: unknown): JsonObject {
  const spec = isJsonObject(value) ? value['spec'] : undefined;
  return isJsonObject(spec) ? spec : {};
}

/** Throws Invalid; BadRequest for a type that is wrong. */
function termsOf({ expirationSeconds, audiences, boundObjectRef }: JsonObject): {
  readonly seconds: number;
  readonly audiences: readonly string[];
} {
  const seconds = expirationSeconds ?? defaultSeconds;
  if (typeof seconds !== 'number') {
    throw new ApiError('BadRequest', 'spec.expirationSeconds: must be a number of seconds');
  }
  const field = 'spec.expirationSeconds';
  if (seconds < leastSeconds) {
    throw refused(
      field,
      `Invalid value: ${seconds}: may not specify a duration less than 10 minutes`,
    );
  }
  if (seconds > mostSeconds) {
    throw refused(
      field,
      `Invalid value: ${seconds}: may not specify a duration larger than 2^32 seconds`,
    );
  }
  if (boundObjectRef !== undefined && boundObjectRef !== null) {
    const why = 'tokens bound to an object are not served by Switchyard: leave it out';
    throw refused('spec.boundObjectRef', `Forbidden: ${why}`);
  }
  const wanted = isJsonArray(audiences) ? audiences.filter((one) => typeof one === 'string') : [];
  return { seconds, audiences: wanted.length === 0 ? [apiAudience] : wanted };
}

function refused(field: string, message: string): ApiError {
  return invalid(tokenRequestKind, '', [{ reason: 'FieldValueInvalid', field, message }]);
}
