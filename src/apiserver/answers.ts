/** Answers as they go out: objects in the form that was asked for, Statuses, warnings. */
import type { ApiError, Kind, KubeObject } from '../kube/index.ts';
import type { HttpAnswer } from '../sys/http/index.ts';
import type { ApiContext, ResourceRequest } from './context.ts';
import { encodeObject } from './encode.ts';
import { answerForm, type AnswerForm } from './negotiate.ts';
import { failureStatus } from './status.ts';
import { partialMetadata, tableOf, type TableOptions } from './tables/index.ts';

export function jsonAnswer(body: unknown, status = 200): HttpAnswer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers: { 'content-type': 'application/json' }, body: text };
}

export function textAnswer(body: string, status = 200): HttpAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body };
}

export function failureAnswer(error: ApiError): HttpAnswer {
  const status = failureStatus(error);
  const answer = jsonAnswer(status, status.code);
  const retry = error.subject?.retryAfterSeconds;
  const headers = {
    ...answer.headers,
    ...(retry === undefined ? {} : { 'retry-after': String(retry) }),
    ...(error.code === 'Unauthorized' ? { 'www-authenticate': 'Bearer' } : {}),
  };
  return { ...answer, headers };
}

/** As many as one answer carries, each at most so long. */
const maxWarnings = 20;
const maxWarningLength = 500;

export function withWarnings(
  answer: HttpAnswer,
  kind: Kind,
  warnings: readonly string[] = [],
): HttpAnswer {
  const { deprecated } = kind;
  const all = [...(deprecated === undefined ? [] : [deprecated]), ...warnings];
  if (all.length === 0) return answer;
  const lines = all
    .slice(0, maxWarnings)
    // What a client sent may hold anything: a header takes printable ASCII.
    .map((text) => text.slice(0, maxWarningLength).replaceAll(/[^\x20-\x7e]/g, '?'))
    .map((text) => `299 - "${text.replaceAll(/["\\]/g, '\\$&')}"`);
  return { ...answer, headers: { ...answer.headers, warning: lines } };
}

/** One object, in the form that the request accepts. */
export function objectAnswer(
  object: KubeObject,
  { http, resource, query }: ResourceRequest,
  { context, status = 200 }: { readonly context: ApiContext; readonly status?: number },
): HttpAnswer {
  const form = answerForm(http.header('accept'));
  if (form === 'object') return jsonAnswer(encodeObject(object), status);
  if (form === 'metadata') return jsonAnswer(partialMetadata(object), status);
  const { resourceVersion } = object.metadata;
  const options = tableOptions(query, { kind: resource.kind, nowMs: context.clock.now() });
  return jsonAnswer(tableOf([object], { ...options, metadata: { resourceVersion } }), status);
}

export function tableOptions(
  query: URLSearchParams,
  { kind, nowMs }: { readonly kind: Kind; readonly nowMs: number },
): Omit<TableOptions, 'metadata'> {
  const wanted = query.get('includeObject') ?? 'Metadata';
  const include = wanted === 'None' || wanted === 'Object' ? wanted : 'Metadata';
  return { kind, nowMs, include, withColumns: true };
}

export function formOf({ http }: ResourceRequest): AnswerForm {
  return answerForm(http.header('accept'));
}
