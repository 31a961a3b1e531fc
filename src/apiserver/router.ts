/** From a request to the one that answers it. */
import { ApiError } from '../kube/index.ts';
import type { HttpAnswer, HttpRequest } from '../sys/http/index.ts';
import { accountToken } from './account-token.ts';
import { failureAnswer, jsonAnswer, textAnswer } from './answers.ts';
import type { Answer, ApiContext, ResourceRequest } from './context.ts';
import { deleteCollection, deleteObject } from './deletes.ts';
import { discoveryAnswer } from './discovery.ts';
import { healthAnswer } from './health.ts';
import { openApiAnswer } from './openapi.ts';
import { patchObject } from './patches.ts';
import { podLog } from './pod-log.ts';
import { podPortForward } from './pod-port-forward.ts';
import { getObject, listObjects } from './reads.ts';
import { isSet, parseTarget, type RequestTarget, type ResourcePath } from './request-info.ts';
import { findResource } from './resources.ts';
import { answerReview, reviewKind } from './reviews.ts';
import { getScale, writeScale } from './scale.ts';
import { asApiError } from './status.ts';
import { watchObjects } from './watches.ts';
import { createObject, updateObject } from './writes.ts';

/** Never rejects. */
export async function route(request: HttpRequest, context: ApiContext): Promise<HttpAnswer> {
  let labels = { verb: request.method, resource: '' };
  try {
    const target = parseTarget(request.target);
    labels = labelsOf(request, target);
    await context.access.check(request, target);
    const answer = await answerTo(request, target, context);
    context.usage.count({ ...labels, code: answer.status });
    return answer;
  } catch (thrown) {
    const error = asApiError(thrown);
    if (error.code === 'InternalError') {
      context.log.error('A request failed', {
        target: request.target,
        error: error.cause ?? error,
      });
    }
    const answer = failureAnswer(error);
    context.usage.count({ ...labels, code: answer.status });
    return answer;
  }
}

function labelsOf(
  { method }: HttpRequest,
  { path, query }: RequestTarget,
): { readonly verb: string; readonly resource: string } {
  // Names that a client chose are no labels: they would be without end.
  const found = path.kind === 'resource' ? findResource(path.path) : undefined;
  const verb = method === 'GET' && isSet(query, 'watch') ? 'WATCH' : method;
  return { verb: verb.slice(0, 10), resource: found?.kind.plural ?? '' };
}

async function answerTo(
  request: HttpRequest,
  { path, query }: RequestTarget,
  context: ApiContext,
): Answer {
  if (path.kind === 'other') {
    return (
      healthAnswer(path.segments, query) ?? (await otherAnswer(path.segments, request, context))
    );
  }
  const review = reviewKind(path.path);
  if (review !== undefined && request.method === 'POST') {
    return await answerReview(review, request, context);
  }
  const resource = findResource(path.path);
  if (resource === undefined) return unknownResource(path.path);
  const { namespaced } = resource.kind;
  if (!namespaced && path.path.namespace !== undefined) return unknownResource(path.path);
  return await resourceAnswer({ http: request, path: path.path, resource, query }, context);
}

/** The API server knows the group, and says of the rest only that it is not there. */
function unknownResource({ group, version }: ResourcePath): HttpAnswer {
  const isKnown = group === '' || findGroup(group, version);
  if (!isKnown) return textAnswer('404 page not found\n', 404);
  throw notFoundHere();
}

function findGroup(group: string, version: string): boolean {
  const probe = discoveryAnswer(['apis', group, version], neverAsked);
  return probe !== undefined;
}

/** Discovery of one group looks at nothing of the request. */
const neverAsked: HttpRequest = {
  method: 'GET',
  target: '/',
  header: () => undefined,
  canUpgrade: false,
  body: async () => Buffer.alloc(0),
  signal: new AbortController().signal,
};

function notFoundHere(): ApiError {
  return new ApiError('NotFound', 'the server could not find the requested resource');
}

async function resourceAnswer(request: ResourceRequest, context: ApiContext): Answer {
  const { path, query, http } = request;
  const { name, subresource } = path;
  const isWatch = http.method === 'GET' && isSet(query, 'watch');
  if (name === undefined) {
    if (isWatch) return await watchObjects(request, { name }, context);
    switch (http.method) {
      case 'GET':
        return await listObjects(request, context);
      case 'POST':
        if (request.resource.kind.namespaced && path.namespace === undefined) throw notAllowed();
        return await createObject(request, context);
      case 'DELETE':
        return await deleteCollection(request, context);
      default:
        throw notAllowed();
    }
  }
  if (request.resource.kind.namespaced && path.namespace === undefined) throw notFoundHere();
  if (subresource !== undefined) return await subresourceAnswer(request, name, context);
  if (isWatch) return await watchObjects(request, { name }, context);
  switch (http.method) {
    case 'GET':
      return await getObject(request, name, context);
    case 'PUT':
      return await updateObject(request, name, context);
    case 'PATCH':
      return await patchObject(request, name, context);
    case 'DELETE':
      return await deleteObject(request, name, context);
    default:
      throw notAllowed();
  }
}

async function subresourceAnswer(
  request: ResourceRequest,
  name: string,
  context: ApiContext,
): Answer {
  const { path, resource, http } = request;
  const { subresource = '', rest } = path;
  const verb = `${http.method} ${subresource}`;
  if (rest.length > 0 && subresource !== 'proxy') throw notFoundHere();
  if (resource.hasStatus && subresource === 'status') {
    if (verb === 'GET status') return await getObject(request, name, context);
    if (verb === 'PUT status') return await updateObject(request, name, context);
    if (verb === 'PATCH status') return await patchObject(request, name, context);
    throw notAllowed();
  }
  if (resource.hasScale && subresource === 'scale') {
    if (verb === 'GET scale') return await getScale(request, name, context);
    if (verb === 'PUT scale' || verb === 'PATCH scale') {
      return await writeScale(request, name, context);
    }
    throw notAllowed();
  }
  if (verb === 'GET log' && resource.kind.plural === 'pods')
    return await podLog(request, name, context);
  if (verb === 'POST token' && resource.kind.plural === 'serviceaccounts') {
    return await accountToken(request, name, context);
  }
  if (subresource === 'portforward' && resource.kind.plural === 'pods') {
    if (http.method !== 'GET' && http.method !== 'POST') throw notAllowed();
    return await podPortForward(request, name, context);
  }
  throw unservedSubresource(resource.kind.plural, subresource);
}

/** What Kubernetes has and Switchyard has not, with what to do instead. */
const unserved: Readonly<Record<string, string>> = {
  'pods/exec': 'Pods are addresses or processes of this host: run the command in a terminal',
  'pods/attach': 'use kubectl logs -f for its output',
  'pods/proxy': 'Pods answer at their own address: see switchyard get endpoints',
  'pods/eviction': 'delete the Pod',
  'pods/ephemeralcontainers': 'Pods are addresses or processes of this host',
  'services/proxy': 'Services answer at their own address: see switchyard get services',
  'nodes/proxy': 'the node has no API of its own',
};

function unservedSubresource(plural: string, subresource: string): ApiError {
  const what = `${plural}/${subresource}`;
  const instead = Object.hasOwn(unserved, what) ? unserved[what] : undefined;
  if (instead === undefined) return notFoundHere();
  return new ApiError('MethodNotAllowed', `${what} is not served by Switchyard: ${instead}`);
}

function notAllowed(): ApiError {
  return new ApiError(
    'MethodNotAllowed',
    'the server does not allow this method on the requested resource',
  );
}

async function otherAnswer(
  segments: readonly string[],
  request: HttpRequest,
  context: ApiContext,
): Answer {
  const [root = ''] = segments;
  if (request.method !== 'GET' && request.method !== 'HEAD') throw notAllowed();
  const discovery = discoveryAnswer(segments, request);
  if (discovery !== undefined) return discovery;
  switch (root) {
    case '':
      return jsonAnswer({ paths });
    case 'openapi':
      return await openApiAnswer(segments, request.header('accept'));
    case 'version':
      return jsonAnswer(versionOf(context));
    case 'metrics':
      return textAnswer(context.usage.format());
    default:
      return textAnswer('404 page not found\n', 404);
  }
}

const paths = [
  '/api',
  '/apis',
  '/healthz',
  '/livez',
  '/metrics',
  '/openapi/v2',
  '/openapi/v3',
  '/readyz',
  '/version',
];

function versionOf({ version }: ApiContext): object {
  return {
    major: '1',
    minor: '36',
    emulationMajor: '1',
    emulationMinor: '36',
    minCompatibilityMajor: '1',
    minCompatibilityMinor: '35',
    gitVersion: `v1.36.0+switchyard-${version}`,
    gitCommit: '',
    gitTreeState: '',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: '',
    platform: '',
  };
}
