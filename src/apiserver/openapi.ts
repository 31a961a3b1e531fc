/**
 * OpenAPI documents: the recorded schemas, kept packed, and paths made from the kinds that are served. kubectl reads
 * them for `explain`, and to see which query parameters a write takes.
 */
import { createHash } from 'node:crypto';
import { ApiError, isJsonObject, type JsonObject, type Kind } from '../kube/index.ts';
import { packageFile, readBytes, unzipText } from '../sys/index.ts';
import { jsonAnswer } from './answers.ts';
import type { Answer } from './context.ts';
import { notAcceptable } from './negotiate.ts';
import { resourceGroups, type Resource } from './resources.ts';

interface GroupVersion {
  /** `api/v1`, `apis/apps/v1`: where it is served, and how its document is named. */
  readonly path: string;
  readonly resources: readonly Resource[];
}

const groupVersions: readonly GroupVersion[] = [...resourceGroups()].map(([key, resources]) => ({
  path: key.startsWith('/') ? `api${key}` : `apis/${key}`,
  resources,
}));

/** Answers `/openapi/v3`, a document below it, and `/openapi/v2`. */
export async function openApiAnswer(
  segments: readonly string[],
  accept: string | undefined,
): Answer {
  const [, version, ...rest] = segments;
  if (!acceptsJson(accept)) throw notAcceptable();
  if (version === 'v2' && rest.length === 0) return jsonAnswer(await swagger());
  if (version !== 'v3') throw notServed();
  if (rest.length === 0) return jsonAnswer(index());
  const found = groupVersions.find(({ path }) => path === rest.join('/'));
  if (found === undefined) throw notServed();
  return jsonAnswer(await documentOf(found));
}

function acceptsJson(accept = '*/*'): boolean {
  return /(^|,)\s*(application\/json|application\/\*|\*\/\*)\s*(;|,|$)/.test(accept);
}

function notServed(): ApiError {
  return new ApiError('NotFound', 'the server could not find the requested resource');
}

function index(): object {
  const entries = groupVersions.map(({ path, resources }) => {
    const names = resources.map(({ kind }) => kind.plural).join();
    const hash = createHash('sha256').update(names).digest('hex').toUpperCase();
    return [path, { serverRelativeURL: `/openapi/v3/${path}?hash=${hash}` }] as const;
  });
  return { paths: Object.fromEntries(entries) };
}

async function documentOf({ path, resources }: GroupVersion): Promise<JsonObject> {
  const recorded = await recordedDocument(path);
  const paths = Object.fromEntries(resources.flatMap((resource) => pathsOf(path, resource)));
  return {
    openapi: '3.0.0',
    info: { title: 'Kubernetes', version: 'v1.36.0' },
    paths,
    components: recorded['components'] ?? {},
  };
}

/** Empty when nothing was recorded of the group. */
async function recordedDocument(path: string): Promise<JsonObject> {
  const file = packageFile(`assets/openapi/${path.replaceAll('/', '_')}.json.gz`);
  const document: unknown = JSON.parse(await unzipText(await readBytes(file)));
  return isJsonObject(document) ? document : {};
}

const writeParameters = ['dryRun', 'fieldManager', 'fieldValidation'];
const readParameters = ['limit', 'continue', 'labelSelector', 'fieldSelector', 'resourceVersion'];

function pathsOf(prefix: string, { kind }: Resource): readonly (readonly [string, object])[] {
  const base = kind.namespaced ? `/${prefix}/namespaces/{namespace}` : `/${prefix}`;
  const collection = `${base}/${kind.plural}`;
  return [
    [
      collection,
      {
        get: operation(kind, 'list', readParameters),
        post: operation(kind, 'post', writeParameters),
      },
    ],
    [
      `${collection}/{name}`,
      {
        get: operation(kind, 'get', []),
        put: operation(kind, 'put', writeParameters),
        patch: operation(kind, 'patch', [...writeParameters, 'force']),
        delete: operation(kind, 'delete', ['dryRun', 'gracePeriodSeconds', 'propagationPolicy']),
      },
    ],
  ];
}

// oxlint-disable-next-line eslint/max-params -- a row of a table.
function operation(kind: Kind, action: string, parameters: readonly string[]): object {
  return {
    'x-kubernetes-action': action,
    [gvkExtension]: { group: kind.group, version: kind.version, kind: kind.kind },
    parameters: parameters.map((name) => ({ name, in: 'query', schema: { type: 'string' } })),
    responses: { 200: { description: 'OK' } },
  };
}

const gvkExtension = 'x-kubernetes-group-version-kind';

/** The same schemas as one OpenAPI v2 document. */
async function swagger(): Promise<object> {
  const definitions: [string, unknown][] = [];
  const paths: (readonly [string, object])[] = [];
  for (const { path, resources } of groupVersions) {
    const { components } = await recordedDocument(path);
    const schemas = isJsonObject(components) ? components['schemas'] : undefined;
    definitions.push(...Object.entries(isJsonObject(schemas) ? schemas : {}));
    paths.push(...resources.flatMap((resource) => pathsOf(path, resource)));
  }
  const text = JSON.stringify(Object.fromEntries(definitions));
  return {
    swagger: '2.0',
    info: { title: 'Kubernetes', version: 'v1.36.0' },
    paths: Object.fromEntries(paths),
    definitions: JSON.parse(text.replaceAll('#/components/schemas/', '#/definitions/')),
  };
}
