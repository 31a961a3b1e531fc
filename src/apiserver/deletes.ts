/** delete and deletecollection. */
import {
  ApiError,
  isJsonObject,
  isNotFound,
  kindKey,
  nameOf,
  type DeleteOptions,
  type JsonObject,
  type KubeObject,
  type ObjectName,
} from '../kube/index.ts';
import type { WriteContext } from '../registry/index.ts';
import { formOf, jsonAnswer, objectAnswer, withWarnings } from './answers.ts';
import { parseBody } from './body.ts';
import type { Answer, ApiContext, ResourceRequest } from './context.ts';
import { encodeList } from './encode.ts';
import { readListQuery } from './list-options.ts';
import { numberIn } from './request-info.ts';
import { isDryRun, sentBody } from './write-options.ts';

/** Kinds whose objects are shown as they were deleted; of the others only that they are gone. */
const returned = ['pods./v1', 'services./v1', 'namespaces./v1'];

type Deletion = DeleteOptions & WriteContext;

export async function deleteObject(
  request: ResourceRequest,
  name: string,
  context: ApiContext,
): Answer {
  const { resource, path } = request;
  const { kind } = resource;
  formOf(request);
  const options = await deletionOf(request);
  const at = { namespace: path.namespace, name };
  const deleted = await remove(request, at, { options, context });
  const isLeft = deleted.metadata.deletionTimestamp !== undefined;
  if (isLeft || options.dryRun === true || returned.includes(kindKey(kind))) {
    return withWarnings(objectAnswer(deleted, request, { context }), kind);
  }
  const { uid } = deleted.metadata;
  const group = kind.group === '' ? {} : { group: kind.group };
  const answer = jsonAnswer({
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: { name, ...group, kind: kind.plural, uid },
  });
  return withWarnings(answer, kind);
}

interface Removal {
  readonly options: Deletion;
  readonly context: ApiContext;
}

/** The object as it is left: marked when it stays for a while, else as it was. */
async function remove(
  { resource }: ResourceRequest,
  name: ObjectName,
  { options, context }: Removal,
): Promise<KubeObject> {
  const { kind } = resource;
  const { registry } = context;
  const stored = await registry.get(kind, name);
  await registry.remove(kind, name, options);
  if (options.dryRun === true) return stored;
  try {
    const left = await registry.get(kind, name);
    return left.metadata.uid === stored.metadata.uid ? left : stored;
  } catch (thrown) {
    if (isNotFound(thrown)) return stored;
    throw thrown;
  }
}

export async function deleteCollection(request: ResourceRequest, context: ApiContext): Answer {
  const { resource, path } = request;
  const { kind } = resource;
  formOf(request);
  if (!resource.verbs.includes('deletecollection')) {
    throw new ApiError(
      'MethodNotAllowed',
      'the server does not allow this method on the requested resource',
    );
  }
  const options = await deletionOf(request);
  const page = await context.lists.page({
    kind,
    namespace: path.namespace,
    query: readListQuery(request.query),
  });
  const deleted: KubeObject[] = [];
  for (const object of page.items) {
    try {
      deleted.push(await remove(request, nameOf(object), { options, context }));
    } catch (thrown) {
      // Somebody else was faster.
      if (!isNotFound(thrown)) throw thrown;
    }
  }
  return withWarnings(
    jsonAnswer(encodeList({ kind, resourceVersion: page.resourceVersion }, deleted)),
    kind,
  );
}

const policies = ['Background', 'Foreground', 'Orphan'] as const;

/** From the body, which may be empty, and from the query. */
async function deletionOf(request: ResourceRequest): Promise<Deletion> {
  const { query } = request;
  const body = await sentBody(request);
  const parsed = body.bytes.length === 0 ? {} : (await parseBody(body, 'DeleteOptions')).value;
  const given: JsonObject = isJsonObject(parsed) ? parsed : {};
  const grace = given['gracePeriodSeconds'] ?? numberIn(query, 'gracePeriodSeconds');
  const dryRun = Array.isArray(given['dryRun']) ? given['dryRun'].map(String) : [];
  const preconditions = isJsonObject(given['preconditions']) ? given['preconditions'] : {};
  const { uid, resourceVersion } = preconditions;
  const policy = given['propagationPolicy'] ?? query.get('propagationPolicy') ?? undefined;
  const propagationPolicy = policies.find((known) => known === policy);
  if (policy !== undefined && propagationPolicy === undefined) {
    throw new ApiError(
      'Invalid',
      `DeleteOptions "" is invalid: propagationPolicy: Unsupported value: ${JSON.stringify(policy)}: supported values: "Background", "Foreground", "Orphan"`,
    );
  }
  return {
    gracePeriodSeconds: typeof grace === 'number' ? grace : undefined,
    propagationPolicy,
    preconditions: {
      uid: typeof uid === 'string' ? uid : undefined,
      resourceVersion: typeof resourceVersion === 'string' ? resourceVersion : undefined,
    },
    dryRun: isDryRun([...dryRun, ...query.getAll('dryRun')]),
  };
}
