/** PATCH in its four types. */
import {
  ApiError,
  apiVersionOf,
  goText,
  isJsonObject,
  isNotFound,
  schemaOf,
  type JsonObject,
  type KubeObject,
  type WrongType,
} from '../kube/index.ts';
import { applyConfiguration, applyJsonPatch, applyStrategicMerge } from '../patch/index.ts';
import { applyMergePatch } from '../kube/index.ts';
import type { Revision } from '../registry/index.ts';
import type { GrantCheck } from './access/index.ts';
import { formOf } from './answers.ts';
import {
  ofKind,
  parseJson,
  parseYaml,
  problemsOf,
  strictlyRead,
  unsupported,
  type SentBody,
} from './body.ts';
import type { Answer, ApiContext, ResourceRequest } from './context.ts';
import { isSet } from './request-info.ts';
import {
  invalidOption,
  invalidPatch,
  sentBody,
  writeOptions,
  type WriteOptions,
} from './write-options.ts';
import {
  grantCheckOf,
  inNamespace,
  metadataIn,
  named,
  refuseOtherUid,
  writeAnswer,
} from './writes.ts';

const types = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
} as const;

export async function patchObject(
  request: ResourceRequest,
  name: string,
  context: ApiContext,
): Answer {
  formOf(request);
  const body = await sentBody(request);
  if (body.contentType === types.apply) return await applyObject(request, name, { body, context });
  const { query, resource, path } = request;
  const options = writeOptions(request);
  if (query.has('force')) {
    throw invalidOption(
      'force',
      'FieldValueForbidden',
      'Forbidden: may not be specified for non-apply patch',
    );
  }
  const change = changeOf(request, body);
  const warnings = new Set<string>();
  const check = await grantCheckOf(request, context);
  const written = await context.registry.revise(
    resource.kind,
    { namespace: path.namespace, name },
    {
      revision: revisionBy(change, { request, options, warnings, check }),
      context: { ...options.context, subresource: statusOf(request) },
    },
  );
  return writeAnswer(written, request, { context, warnings: [...warnings] });
}

interface Change {
  readonly of: (stored: JsonObject) => unknown;
  /** What the API server says of a result that is no object of the kind: it shows now the patch, now the result. */
  readonly refusal: (wrong: Wrong, result: JsonObject) => ApiError;
}

/** Why a result is refused: in the words of reading it, and in those of converting it. */
type Wrong = Pick<WrongType, 'decoding' | 'converting'>;

/** Throws BadRequest for what is no patch of its type, UnsupportedMediaType for another type. */
function changeOf({ resource }: ResourceRequest, { contentType, bytes }: SentBody): Change {
  const { kind } = resource;
  const known = Object.values(types);
  if (!known.some((type) => type === contentType)) throw unsupported(contentType, known);
  const patch = parseJson(bytes.toString('utf8'), kind.kind);
  const ofResult: Change['refusal'] = ({ decoding }, result) =>
    invalidPatch(JSON.stringify(result), decoding);
  if (contentType === types.json) {
    return { of: (stored) => applyJsonPatch(stored, patch), refusal: ofResult };
  }
  if (!isJsonObject(patch)) {
    throw new ApiError('BadRequest', 'error decoding patch: a merge patch is a JSON object');
  }
  if (contentType === types.merge) {
    return { of: (stored) => applyMergePatch(stored, patch), refusal: ofResult };
  }
  return {
    of: (stored) => applyStrategicMerge(stored, patch, schemaOf(kind)),
    refusal: ({ converting }) => invalidPatch(goText(patch), converting),
  };
}

interface Revising {
  readonly request: ResourceRequest;
  readonly options: WriteOptions;
  /** Filled with what is to be said of the result. */
  readonly warnings: Set<string>;
  readonly check: GrantCheck | undefined;
}

function revisionBy(change: Change, { request, options, warnings, check }: Revising): Revision {
  const { kind } = request.resource;
  return (stored) => {
    const changed = change.of({ ...stored });
    if (!isJsonObject(changed)) {
      throw new ApiError('BadRequest', `the patch leaves no ${kind.kind}`);
    }
    const value = ofKind(kind, changed, (wrong) => change.refusal(wrong, changed));
    if (value !== changed) {
      const text = JSON.stringify(changed);
      const { refused, warnings: found } = strictlyRead(kind, text, options.validation);
      if (refused !== undefined) {
        throw change.refusal({ decoding: refused, converting: refused }, changed);
      }
      for (const problem of found) warnings.add(problem);
    }
    refuseOtherUid(kind, stored, value);
    check?.(value, stored);
    const version = metadataIn(value)['resourceVersion'];
    // The version that the patch itself names; the stored one is in every result.
    const isNamed = typeof version === 'string' && version !== stored.metadata.resourceVersion;
    return { value, expected: isNamed ? version : undefined };
  };
}

function statusOf({ path }: ResourceRequest): 'status' | undefined {
  return path.subresource === 'status' ? 'status' : undefined;
}

interface Applying {
  readonly body: SentBody;
  readonly context: ApiContext;
}

async function applyObject(
  request: ResourceRequest,
  name: string,
  { body, context }: Applying,
): Answer {
  const { resource, path, query } = request;
  const { kind } = resource;
  const { validation, context: write } = writeOptions(request);
  if ((query.get('fieldManager') ?? '') === '') {
    throw invalidOption(
      'fieldManager',
      'FieldValueRequired',
      'Required value: is required for apply patch',
    );
  }
  const sent = await parseYaml(body.bytes.toString('utf8'), kind.kind);
  if (!isJsonObject(sent)) {
    throw new ApiError('BadRequest', 'error decoding YAML: the configuration is no object');
  }
  const warnings = problemsOf(kind, JSON.stringify(sent), validation);
  const known = ofKind(kind, sent, ({ applying }) => {
    const at = `${path.namespace ?? ''}/${name}; ${apiVersionOf(kind)}, Kind=${kind.kind}`;
    return new ApiError('BadRequest', `failed to create typed patch object (${at}): ${applying}`);
  });
  const config = named(inNamespace(known, path.namespace), name);
  refuseOwners(config);
  const subresource = statusOf(request);
  const check = await grantCheckOf(request, context);
  const apply = (live: KubeObject | undefined): JsonObject => {
    const applied = applyConfiguration({
      kind,
      live: live === undefined ? undefined : { ...live },
      config,
      manager: write.manager,
      force: isSet(query, 'force'),
      subresource,
      nowMs: context.clock.now(),
    });
    check?.(applied, live);
    return applied;
  };
  const settled = { ...write, ownershipSettled: true, subresource };
  const version = metadataIn(config)['resourceVersion'];
  const expected = typeof version === 'string' && version !== '' ? version : undefined;
  try {
    const written = await context.registry.revise(
      kind,
      { namespace: path.namespace, name },
      { revision: (stored) => ({ value: apply(stored), expected }), context: settled },
    );
    return writeAnswer(written, request, { context, warnings });
  } catch (thrown) {
    if (!isNotFound(thrown) || subresource !== undefined) throw thrown;
    const target = { path: { kind: 'resource', path }, query } as const;
    await context.access.checkCreate(request.http, target);
    const made = await context.registry.make(kind, apply(undefined), settled);
    return writeAnswer(made, request, { context, warnings, status: 201 });
  }
}

function refuseOwners(config: JsonObject): void {
  const owners = metadataIn(config)['managedFields'];
  if (!Array.isArray(owners) || owners.length === 0) return;
  throw new ApiError('BadRequest', 'metadata.managedFields must be nil');
}
