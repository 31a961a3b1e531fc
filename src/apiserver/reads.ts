/** get and list. */
import { objectKey, type KubeObject } from '../kube/index.ts';
import type { HttpAnswer } from '../sys/http/index.ts';
import { formOf, jsonAnswer, objectAnswer, tableOptions, withWarnings } from './answers.ts';
import type { Answer, ApiContext, ResourceRequest } from './context.ts';
import { encodeList, listMetadata } from './encode.ts';
import { readListQuery } from './list-options.ts';
import { checkVersion } from './lists.ts';
import { apiNames } from '../kube/index.ts';
import { partialMetadata, tableOf } from './tables/index.ts';

export async function getObject(
  request: ResourceRequest,
  name: string,
  context: ApiContext,
): Answer {
  const { resource, path, query } = request;
  const { kind } = resource;
  // What cannot be answered is refused before anything is looked up.
  formOf(request);
  const object = await context.registry.get(kind, { namespace: path.namespace, name });
  const resourceVersion = query.get('resourceVersion') || undefined;
  if (resourceVersion !== undefined && resourceVersion !== '0') {
    const { resourceVersion: current } = await context.registry.list(kind, {
      namespace: path.namespace,
      fieldSelector: `metadata.name=${objectKey({ name })}`,
    });
    checkVersion({ ...readListQuery(query), match: undefined }, current);
  }
  return withWarnings(objectAnswer(object, request, { context }), kind);
}

export async function listObjects(request: ResourceRequest, context: ApiContext): Answer {
  const { resource, path } = request;
  formOf(request);
  const query = readListQuery(request.query);
  const page = await context.lists.page({
    kind: resource.kind,
    namespace: path.namespace,
    query,
  });
  return withWarnings(pageAnswer(page, request, context), resource.kind);
}

type Page = Awaited<ReturnType<ApiContext['lists']['page']>>;

function pageAnswer(page: Page, request: ResourceRequest, context: ApiContext): HttpAnswer {
  const { kind } = request.resource;
  const head = { ...page, kind };
  const form = formOf(request);
  if (form === 'object') return jsonAnswer(encodeList(head, page.items));
  const metadata = listMetadata(head);
  if (form === 'metadata') return jsonAnswer(partialList(page.items, metadata));
  const options = tableOptions(request.query, { kind, nowMs: context.clock.now() });
  return jsonAnswer(tableOf(page.items, { ...options, metadata }));
}

function partialList(items: readonly KubeObject[], metadata: object): object {
  return {
    kind: 'PartialObjectMetadataList',
    apiVersion: apiNames.metaVersion,
    metadata,
    items: items.map(partialMetadata),
  };
}
