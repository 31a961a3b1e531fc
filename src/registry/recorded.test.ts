/**
 * The registry's answers held against what a real API server (Kubernetes 1.36) answered to the same requests: every
 * write of the recording, in its order, in one registry. testdata/recorded-writes.json has them all, so that one that
 * is left out is left out here, by name.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  ApiError,
  isJsonObject,
  isKubeObject,
  kinds,
  schemaOf,
  strictProblems,
  withoutUnknownFields,
  type JsonObject,
  type Kind,
  type KubeObject,
  type ObjectClient,
} from '../kube/index.ts';
import { parseCidr } from '../model/index.ts';
import { createMemoryStore } from '../store/index.ts';
import { createFakeClock } from '../sys/index.ts';
import { createRegistry } from './registry.ts';

interface Recorded {
  readonly step: string;
  readonly method: string;
  readonly path: string;
  readonly contentType: string;
  readonly status: number;
  readonly body: JsonObject;
  readonly response: JsonObject;
}

/** Not questions to a registry: they are the protocol's, which src/apiserver answers. */
const protocol: Readonly<Record<string, string>> = {
  'content type not possible': 'the body is no JSON',
  'malformed body': 'the body is no JSON',
  'kubectl apply --server-side --field-manager=other -f -': 'who owns which field',
};
/** Where the answer of the registry is another one. */
const differs: Readonly<Record<string, string>> = {
  'invalid: nodePort out of range':
    'a dry run of the real server takes no port, so it does not see the range; this one does',
};
/** Patches that src/apiserver works out: here the object they came to is written instead. */
const otherPatches = ['strategic-merge-patch+json', 'json-patch+json', 'apply-patch+yaml'];

const file = new URL('./testdata/recorded-writes.json', import.meta.url);
const recorded = JSON.parse(readFileSync(file, 'utf8')) as readonly Recorded[];

let uids = 0;
const registry = createRegistry({
  store: createMemoryStore({ clock: createFakeClock(), newUid: () => `uid-${uids++}` }),
  random: () => (uids++ % 97) / 97,
  serviceRange: parseCidr('10.96.0.0/12')!,
  allowLoopbackEndpoints: false,
});

for (const [i, answer] of recorded.entries()) {
  const why = protocol[answer.step] ?? differs[answer.step];
  test(`${i} ${answer.method}: ${answer.step}`, { skip: why === undefined ? false : why }, () =>
    replay(answer),
  );
}

test('the recordings are all there', () => {
  const statuses = Object.groupBy(recorded, ({ status }) => String(status));
  const counts = Object.entries(statuses).map(([status, all]) => [status, all?.length]);
  assert.deepEqual(Object.fromEntries(counts), {
    200: 14,
    201: 22,
    400: 5,
    404: 1,
    409: 4,
    422: 29,
  });
});

async function replay(answer: Recorded): Promise<void> {
  const made = await attempt(answer);
  if (answer.status >= 400) {
    assert.ok(made instanceof ApiError, `it was taken: ${JSON.stringify(made)}`);
    const { reason, message, details } = answer.response;
    assert.equal(withoutUids(made.message), withoutUids(String(message)));
    assert.equal(made.code, reason);
    const causes = isJsonObject(details) ? details['causes'] : undefined;
    assert.deepEqual(made.causes, causes ?? []);
    return;
  }
  if (made instanceof ApiError) throw made;
  // kubectl asked for protobuf: there the answer cannot be read, only that it was yes.
  if (made !== undefined && isJsonObject(answer.response))
    assert.deepEqual(comparable(made), comparable(answer.response));
}

/** What comes of a request, or the refusal; undefined for what is gone. */
async function attempt(answer: Recorded): Promise<KubeObject | ApiError | undefined> {
  try {
    return await perform(answer, requestOf(answer));
  } catch (thrown) {
    if (thrown instanceof ApiError) return thrown;
    throw thrown;
  }
}

interface Request {
  readonly kind: Kind;
  readonly namespace: string | undefined;
  readonly name: string;
  readonly isStatus: boolean;
  readonly query: URLSearchParams;
}

function requestOf({ path }: Recorded): Request {
  const url = new URL(path, 'http://host');
  const parts =
    /^\/apis?\/(?:[^/]+\/)?v1\/(?:namespaces\/([^/]+)\/)?([a-z]+)(?:\/([^/]+))?(\/status)?$/;
  const [, namespace, plural, name = '', status] = parts.exec(url.pathname) ?? [];
  const kind = kinds.find((known) => known.plural === plural);
  assert.ok(kind !== undefined, path);
  return { kind, namespace, name, isStatus: status !== undefined, query: url.searchParams };
}

async function perform(answer: Recorded, request: Request): Promise<KubeObject | undefined> {
  const { kind, namespace, name, isStatus, query } = request;
  const { body, contentType } = answer;
  const place = { namespace, name };
  // What the API does before it asks a registry.
  const isWhole = answer.method === 'POST' || answer.method === 'PUT';
  const schema = schemaOf(kind);
  assert.ok(schema !== undefined);
  if (isWhole && query.get('fieldValidation') === 'Strict') refuseUnknownFields(kind, body);
  switch (answer.method) {
    case 'POST': {
      const given = isJsonObject(body['metadata']) ? body['metadata'] : {};
      if (given['namespace'] !== undefined && given['namespace'] !== namespace) {
        const why =
          'the namespace of the provided object does not match the namespace sent on the request';
        throw new ApiError('BadRequest', why);
      }
      const known = withoutUnknownFields(schema, body) as JsonObject;
      const object = {
        ...known,
        metadata: { ...given, ...(namespace === undefined ? {} : { namespace }) },
      };
      const made = await registry.create(kind, object as KubeObject);
      if (query.get('dryRun') === 'All') {
        await registry.delete(
          kind,
          { namespace, name: made.metadata.name },
          { gracePeriodSeconds: 0 },
        );
      }
      return made;
    }
    case 'PUT':
      return await registry.update(kind, placed(body, place));
    case 'PATCH': {
      if (query.get('dryRun') === 'All') return undefined;
      if (!otherPatches.some((type) => contentType.endsWith(type))) {
        return await registry.patch(kind, place, body, isStatus ? { subresource: 'status' } : {});
      }
      const result = placed(answer.response, place);
      return answer.status === 201
        ? await registry.create(kind, result)
        : await writeResult(registry, { kind, result });
    }
    default: {
      const options = isJsonObject(body['preconditions']) ? body['preconditions'] : {};
      const { uid } = options;
      await registry.delete(kind, place, typeof uid === 'string' ? { preconditions: { uid } } : {});
      return undefined;
    }
  }
}

/** The object that another kind of patch came to, with the addresses this registry gave. */
async function writeResult(
  client: ObjectClient,
  { kind, result }: { readonly kind: Kind; readonly result: KubeObject },
): Promise<KubeObject> {
  const { namespace, name } = result.metadata;
  const stored = await client.get(kind, { namespace, name });
  const [from, own] = [result, stored].map((object) => ('spec' in object ? object.spec : {}));
  const { clusterIP, clusterIPs } = own as { clusterIP?: string; clusterIPs?: readonly string[] };
  const spec = { ...(from as object), clusterIP, clusterIPs };
  return await client.update(kind, { ...result, spec } as KubeObject);
}

function placed(
  body: JsonObject,
  place: { readonly namespace: string | undefined; readonly name: string },
): KubeObject {
  const given = isJsonObject(body['metadata']) ? body['metadata'] : {};
  const { uid: _uid, creationTimestamp: _made, generation: _generation, ...metadata } = given;
  // A version of the recording says nothing here, but for the one that is stale in both.
  const { resourceVersion, ...rest } = metadata;
  const version = resourceVersion === '1' ? { resourceVersion } : {};
  return { ...body, metadata: { ...rest, ...version, ...place } } as unknown as KubeObject;
}

function refuseUnknownFields(kind: Kind, body: JsonObject): void {
  const schema = schemaOf(kind);
  assert.ok(schema !== undefined);
  const problems = strictProblems(schema, JSON.stringify(body));
  if (problems.length === 0) return;
  const { kind: name, version } = kind;
  const why = `${name} in version ${JSON.stringify(version)} cannot be handled as a ${name}: strict decoding error: ${problems.join(', ')}`;
  throw new ApiError('BadRequest', why);
}

function withoutUids(text: string): string {
  return text.replace(/in record \([^)]*\)/, 'in record (UID)');
}

const differing: readonly string[] = [
  'uid',
  'creationTimestamp',
  'resourceVersion',
  'generation',
  'managedFields',
  'kubectl.kubernetes.io/last-applied-configuration',
];

/** Without what differs from run to run: addresses, node ports, times, generated ends of names. */
function comparable(object: unknown): unknown {
  assert.ok(isKubeObject(object));
  const { generateName } = object.metadata;
  const text = JSON.stringify(object, (key, value: unknown) => {
    if (differing.includes(key)) return undefined;
    if (key === 'annotations' && isJsonObject(value)) {
      const kept = Object.keys(value).filter((name) => !differing.includes(name));
      if (kept.length === 0) return undefined;
    }
    if (key === 'name' && typeof value === 'string' && generateName !== undefined) {
      return value.startsWith(generateName) ? `${generateName}xxxxx` : value;
    }
    // Times that nobody set are null on the wire, and left out here.
    if (/^last.*Time$/.test(key) && value === null) return undefined;
    if (key === 'nodePort' || key === 'healthCheckNodePort') return 'PORT';
    if (typeof value === 'string' && /^10\.(9[6-9]|1[01][0-9])\./.test(value)) return 'ADDRESS';
    return value;
  });
  return JSON.parse(text);
}
