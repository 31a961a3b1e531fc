/** create and update, and what every answer to a write has in common. */
import {
  ApiError,
  formatTimestamp,
  isJsonObject,
  kindKey,
  type JsonObject,
  type Kind,
  type KubeObject,
} from '../kube/index.ts';
import type { HttpAnswer } from '../sys/http/index.ts';
import type { GrantCheck } from './access/index.ts';
import { formOf, objectAnswer, withWarnings } from './answers.ts';
import { decodeObjectBody } from './body.ts';
import type { Answer, ApiContext, ResourceRequest } from './context.ts';
import { sentBody, writeOptions } from './write-options.ts';

export async function createObject(request: ResourceRequest, context: ApiContext): Answer {
  const { resource, path } = request;
  const { kind } = resource;
  formOf(request);
  const { validation, context: write } = writeOptions(request);
  const { value, warnings } = await decodeObjectBody(kind, await sentBody(request), validation);
  const placed = inNamespace(value, path.namespace);
  (await grantCheckOf(request, context))?.(placed, undefined);
  const made = await context.registry.make(kind, placed, write);
  return writeAnswer(made, request, { context, warnings, status: 201 });
}

export async function updateObject(
  request: ResourceRequest,
  name: string,
  context: ApiContext,
): Answer {
  const { resource, path } = request;
  const { kind } = resource;
  formOf(request);
  const { validation, context: write } = writeOptions(request);
  const { value, warnings } = await decodeObjectBody(kind, await sentBody(request), validation);
  const placed = named(inNamespace(value, path.namespace), name);
  const version = metadataIn(placed)['resourceVersion'];
  const expected = typeof version === 'string' && version !== '' ? version : undefined;
  const subresource = path.subresource === 'status' ? 'status' : undefined;
  const check = await grantCheckOf(request, context);
  const written = await context.registry.revise(
    kind,
    { namespace: path.namespace, name },
    {
      revision: (stored) => {
        refuseOtherUid(kind, stored, placed);
        check?.(placed, stored);
        return { expected, value: placed };
      },
      context: { ...write, subresource },
    },
  );
  return writeAnswer(written, request, { context, warnings });
}

/** Holds what is to be written against what its writer may give away; undefined when that is no matter. */
export async function grantCheckOf(
  { http, resource, path }: ResourceRequest,
  { access }: ApiContext,
): Promise<GrantCheck | undefined> {
  const { namespace } = path;
  return await access.grantCheck(http, { kind: resource.kind, namespace });
}

export interface WriteAnswerOptions {
  readonly context: ApiContext;
  readonly warnings: readonly string[];
  readonly status?: number;
}

export function writeAnswer(
  object: KubeObject,
  request: ResourceRequest,
  { context, warnings, status = 200 }: WriteAnswerOptions,
): HttpAnswer {
  const shown = asStored(object, context);
  return withWarnings(
    objectAnswer(shown, request, { context, status }),
    request.resource.kind,
    warnings,
  );
}

/** What a dry run of a create shows has what storing would have given it, but for a version. */
function asStored(object: KubeObject, { clock, newUid }: ApiContext): KubeObject {
  const { metadata } = object;
  if (metadata.uid !== undefined) return object;
  const creationTimestamp = formatTimestamp(clock.now());
  return {
    ...object,
    metadata: { ...metadata, uid: newUid(), creationTimestamp, generation: 1 },
  };
}

export function metadataIn(value: JsonObject): JsonObject {
  const metadata = value['metadata'];
  return isJsonObject(metadata) ? metadata : {};
}

/** The object in the namespace of the path. Throws BadRequest when it says another. */
export function inNamespace(value: JsonObject, namespace: string | undefined): JsonObject {
  const metadata = metadataIn(value);
  const own = metadata['namespace'];
  const given = typeof own === 'string' ? own : '';
  if (given === (namespace ?? '')) return value;
  if (given === '') return { ...value, metadata: { ...metadata, namespace } };
  if (namespace === undefined) return value;
  throw new ApiError(
    'BadRequest',
    'the namespace of the provided object does not match the namespace sent on the request',
  );
}

/** The object with the name of the path. Throws BadRequest when it says another. */
export function named(value: JsonObject, name: string): JsonObject {
  const metadata = metadataIn(value);
  const own = metadata['name'];
  if (own === name) return value;
  if (own === undefined || own === '') {
    return { ...value, metadata: { ...metadata, name } };
  }
  throw new ApiError(
    'BadRequest',
    `the name of the object (${typeof own === 'string' ? own : JSON.stringify(own)}) does not match the name on the URL (${name})`,
  );
}

/** An update that means an object made before, or after, this one. */
export function refuseOtherUid(kind: Kind, stored: KubeObject, value: JsonObject): void {
  const { uid } = metadataIn(value);
  if (uid === undefined || uid === '' || uid === stored.metadata.uid) return;
  throw new ApiError(
    'Conflict',
    `Operation cannot be fulfilled on ${kindKey(kind).split('.')[0]} "${stored.metadata.name}": ` +
      `StorageError: invalid object, Code: 4, Key: ${stored.metadata.name}, ResourceVersion: 0, AdditionalErrorMsg: ` +
      `Precondition failed: UID in precondition: ${typeof uid === 'string' ? uid : JSON.stringify(uid)}, UID in object meta: ${stored.metadata.uid}`,
    { subject: { name: stored.metadata.name, group: kind.group, kind: kind.plural } },
  );
}
