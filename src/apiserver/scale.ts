/** The scale sub-resource: replicas alone, of whatever has them. */
import {
  ApiError,
  applyMergePatch,
  fieldOf,
  isJsonObject,
  type JsonObject,
  type KubeObject,
  type WrongType,
} from '../kube/index.ts';
import { applyJsonPatch } from '../patch/index.ts';
import { jsonAnswer } from './answers.ts';
import { notHandled, ofKind, parseBody, parseJson } from './body.ts';
import type { Answer, ApiContext, ResourceRequest } from './context.ts';
import { formatSelector } from './tables/workload-cells.ts';
import { invalidPatch, sentBody, writeOptions } from './write-options.ts';

export async function getScale(
  { resource, path }: ResourceRequest,
  name: string,
  { registry }: ApiContext,
): Answer {
  const object = await registry.get(resource.kind, { namespace: path.namespace, name });
  return jsonAnswer(scaleOf(object));
}

export async function writeScale(
  request: ResourceRequest,
  name: string,
  { registry }: ApiContext,
): Answer {
  const { resource, path, http } = request;
  const change = await changeOf(request, http.method);
  const { context } = writeOptions(request);
  const written = await registry.revise(
    resource.kind,
    { namespace: path.namespace, name },
    {
      revision: (stored) => {
        const scale = change(scaleOf(stored));
        const spec = fieldOf(scale, 'spec');
        const replicas = isJsonObject(spec) ? (spec['replicas'] ?? 0) : 0;
        const metadata = fieldOf(scale, 'metadata');
        const version = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
        const isNamed = typeof version === 'string' && version !== stored.metadata.resourceVersion;
        return {
          value: applyMergePatch(stored, { spec: { replicas } }),
          expected: isNamed && version !== '' ? version : undefined,
        };
      },
      context: { ...context, subresource: 'scale' },
    },
  );
  return jsonAnswer(scaleOf(written));
}

type Change = (scale: JsonObject) => JsonObject;

async function changeOf(request: ResourceRequest, method: string): Promise<Change> {
  const body = await sentBody(request);
  if (method === 'PUT') {
    const { value } = await parseBody(body, 'Scale');
    const sent = asScale(value, ({ decoding }) => notHandled(scaleKind, decoding));
    return () => sent;
  }
  const patch = parseJson(body.bytes.toString('utf8'), 'Scale');
  const isJsonPatch = body.contentType === 'application/json-patch+json';
  return (scale) => {
    // A Scale has no lists: a strategic merge patch is a merge patch.
    const result = isJsonPatch ? applyJsonPatch(scale, patch) : applyMergePatch(scale, patch);
    return asScale(result, ({ decoding }) => invalidPatch(JSON.stringify(result), decoding));
  };
}

const scaleKind = { group: 'autoscaling', version: 'v1', kind: 'Scale' };

function asScale(value: unknown, refusal: (wrong: WrongType) => ApiError): JsonObject {
  if (isJsonObject(value)) return ofKind(scaleKind, value, refusal);
  throw new ApiError('BadRequest', 'the object provided is unrecognized (must be of type Scale)');
}

function scaleOf(object: KubeObject): JsonObject {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const spec: unknown = 'spec' in object ? object.spec : {};
  const status: unknown = 'status' in object ? object.status : {};
  const numberIn = (value: unknown): number => {
    const replicas = isJsonObject(value) ? value['replicas'] : undefined;
    return typeof replicas === 'number' ? replicas : 0;
  };
  const selector = isJsonObject(spec) ? spec['selector'] : undefined;
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
    spec: { replicas: numberIn(spec) },
    status: {
      replicas: numberIn(status),
      selector: isJsonObject(selector) ? formatSelector(selector) : '',
    },
  };
}
