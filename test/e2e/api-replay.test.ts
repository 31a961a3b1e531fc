/**
 * Every request that was recorded from a real API server (Kubernetes 1.36) gets the same answer here, but for
 * addresses, uids, times and versions, and but for the differences named below.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { startApi, type ApiReply, type TestApi } from '../support/api.ts';

interface Recorded {
  readonly step: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly accept?: string;
    readonly contentType?: string;
    readonly body?: string;
  };
  readonly response: {
    readonly status: number;
    readonly contentType?: string;
    readonly warning?: string;
    readonly body?: string;
  };
}

const file = new URL('./testdata/kubernetes-1.36.jsonl.gz', import.meta.url);
const recorded = gunzipSync(readFileSync(file))
  .toString('utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Recorded);

let api: TestApi;
before(async () => {
  api = await startApi({ controllers: true, allowLoopbackEndpoints: false });
});
after(() => api.stop());

/** What a recorded version, uid, name or token is here. */
const here = new Map<string, string>();

for (const [number, { step, request, response }] of recorded.entries()) {
  test(`${number} ${step}: ${request.method} ${request.path.slice(0, 60)}`, async () => {
    const reply = await replay(number, request);
    const difference = differences[number];
    if (difference?.instead !== undefined) return difference.instead(reply);
    assert.equal(reply.status, response.status, reply.text.slice(0, 500));
    assert.equal(reply.headers['warning'], response.warning ?? undefined);
    if (isProtobuf(response.contentType)) return assert.ok(JSON.parse(reply.text));
    assert.equal(reply.headers['content-type'], response.contentType);
    if (!response.contentType?.startsWith('application/json')) {
      return assert.equal(reply.text, response.body);
    }
    const ours = bodiesOf(reply.text);
    const theirs = bodiesOf(response.body ?? '');
    learn(theirs, ours);
    const without = [...everywhere, ...(difference?.without ?? [])];
    assert.deepEqual(comparable(ours, without), comparable(theirs, without));
  });
}

interface Difference {
  readonly why: string;
  /** Keys that are not compared. */
  readonly without?: readonly string[];
  /** Instead of the comparison. */
  readonly instead?: (reply: ApiReply) => void;
}

/** Fields that are nowhere compared: Go writes the zero time of a condition as null, and owns it. */
const everywhere: readonly string[] = [
  'lastProbeTime',
  'lastTransitionTime',
  'f:lastProbeTime',
  'f:lastTransitionTime',
];

const ownVersion: Difference = {
  why: 'the version is our own',
  without: ['gitVersion', 'gitCommit', 'goVersion', 'compiler', 'platform'],
};
const fewerKinds: Difference = {
  why: 'fewer kinds and sub-resources are served; those that are look the same',
  instead: (reply) => assertServed(reply),
};
const ourSlices: Difference = {
  why: 'our controller names its slices after what is in them, and was a moment faster',
  instead: (reply) => assert.match(reply.text, /"web-[a-z0-9]+"/),
};
const dryRunClaims: Difference = {
  why: 'a dry run here refuses what the real write would: the API server gives nothing out in one',
  instead: (reply) => assert.equal(reply.status, 422),
};

const differences: Readonly<Record<number, Difference>> = {
  0: ownVersion,
  1: ownVersion,
  2: fewerKinds,
  3: fewerKinds,
  18: ourSlices,
  19: ourSlices,
  20: {
    why: 'our controllers write under our name, and the ports of a subset in another order',
    without: ['manager', 'cells'],
  },
  79: {
    why: 'what can be had is less, and the message says which client setting to change',
    instead: (reply) => {
      assert.equal(reply.status, 406);
      assert.match(reply.text, /"reason":"NotAcceptable".*AcceptContentTypes|AcceptContentTypes/);
    },
  },
  104: dryRunClaims,
  106: dryRunClaims,
  131: { why: 'no grace is written out', without: ['deletionGracePeriodSeconds'] },
};

interface Discovered {
  readonly metadata: { readonly name?: string };
  readonly versions: readonly { readonly resources: readonly DiscoveredResource[] }[];
}

interface DiscoveredResource {
  readonly resource: string;
  readonly subresources?: readonly { readonly subresource: string }[];
}

/** Each resource that is discovered here is discovered there, in the same words. */
function assertServed({ text, headers }: ApiReply): void {
  assert.equal(headers['content-type'], recorded[2]?.response.contentType);
  const resourcesIn = (body: string): ReadonlyMap<string, DiscoveredResource> => {
    const { items } = JSON.parse(body) as { readonly items: readonly Discovered[] };
    return new Map(
      items.flatMap(({ metadata, versions }) =>
        versions.flatMap(({ resources }) =>
          resources.map((one) => [`${metadata.name ?? ''}/${one.resource}`, one] as const),
        ),
      ),
    );
  };
  const theirs = new Map([2, 3].flatMap((n) => [...resourcesIn(recorded[n]?.response.body ?? '')]));
  const ours = resourcesIn(text);
  assert.ok(ours.size >= 6);
  for (const [name, one] of ours) {
    const other = theirs.get(name);
    const served = new Set(one.subresources?.map(({ subresource }) => subresource));
    const same = other?.subresources?.filter(({ subresource }) => served.has(subresource)) ?? [];
    const { subresources: _all, ...rest } = other ?? { resource: '' };
    assert.deepEqual(one, same.length === 0 ? rest : { ...rest, subresources: same }, name);
  }
}

/** Bodies that the recording could not keep: protobuf with bytes beyond ASCII. */
const bodies: Readonly<Record<number, object>> = {
  46: serviceOf('np', 'NodePort'),
  47: serviceOf('lb', 'LoadBalancer'),
};

function serviceOf(name: string, type: string): object {
  return {
    metadata: { name, labels: { app: name } },
    spec: {
      type,
      selector: { app: name },
      ports: [{ name: '80-8080', protocol: 'TCP', port: 80, targetPort: 8080 }],
    },
  };
}

/** What somebody did while the watch of step 69 ran. */
async function happenings(): Promise<void> {
  const path = '/api/v1/namespaces/shop/services';
  const curl = { 'user-agent': 'curl/8.0' };
  const headers = { ...curl, 'content-type': 'application/merge-patch+json' };
  for (const n of ['1', '2']) {
    const body = JSON.stringify({ metadata: { annotations: { n } } });
    await api.request({ method: 'PATCH', path: `${path}/web`, headers, body });
  }
  await api.request({ method: 'DELETE', path: `${path}/ext`, headers: curl });
}

async function replay(number: number, request: Recorded['request']): Promise<ApiReply> {
  if (number === 69) await happenings();
  const { method, accept, contentType } = request;
  const replaced = bodies[number];
  const body = replaced === undefined ? translate(request.body) : JSON.stringify(replaced);
  const type = replaced === undefined ? contentType : 'application/json';
  const path = translate(request.path) ?? '';
  const isWatch = /[?&]watch=/.test(path);
  const lines = (recorded[number]?.response.body ?? '').trim().split('\n').length;
  const ending = new AbortController();
  let seen = 0;
  let text = '';
  const reply = api.request({
    method,
    path,
    headers: {
      'user-agent': accept === '*/*' ? 'curl/8.0' : 'kubectl/v1.35.0',
      ...(accept === undefined ? {} : { accept }),
      ...(type === undefined || type === null ? {} : { 'content-type': type }),
    },
    body,
    ...(isWatch
      ? {
          signal: ending.signal,
          onText: (piece: string) => {
            text += piece;
            seen += piece.split('\n').length - 1;
            if (seen >= lines) ending.abort();
          },
        }
      : {}),
  });
  if (!isWatch) return await reply;
  await assert.rejects(reply, { name: 'AbortError' });
  return { status: 200, headers: { 'content-type': 'application/json' }, text };
}

function translate(text: string | undefined): string | undefined {
  if (text === undefined || text === null) return undefined;
  let translated = text;
  for (const [theirs, ours] of here) {
    const isVersion = /^[0-9]+$/.test(theirs);
    if (!isVersion) translated = translated.replaceAll(theirs, ours);
  }
  return translated
    .replaceAll(
      /([?&]resourceVersion=)([0-9]+)/g,
      (_, name, version) => name + (here.get(version) ?? version),
    )
    .replaceAll(
      /("resourceVersion":")([0-9]+)/g,
      (_, name, version) => name + (here.get(version) ?? version),
    );
}

function isProtobuf(contentType: string | undefined): boolean {
  return contentType === 'application/vnd.kubernetes.protobuf';
}

/** One document, or the lines of a watch. */
function bodiesOf(text: string): readonly unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
  }
}

/** Remembers what their versions, uids and tokens are here, where the answers have the same shape. */
function learn(theirs: unknown, ours: unknown): void {
  if (!isObject(theirs) || !isObject(ours)) return;
  for (const [key, value] of Object.entries(theirs)) {
    const own = ours[key];
    const isName = key === 'name' && 'generateName' in theirs;
    const isLearned = isName || ['uid', 'resourceVersion', 'continue'].includes(key);
    if (isLearned && typeof value === 'string' && typeof own === 'string' && value !== own) {
      here.set(value, own);
    }
    learn(value, own);
  }
}

const dynamic = [
  'uid',
  'resourceVersion',
  'creationTimestamp',
  'deletionTimestamp',
  'time',
  'continue',
];

/** Without what differs from run to run. */
function comparable(value: unknown, without: readonly string[]): unknown {
  const visit = (at: unknown, key: string, parent: unknown): unknown => {
    if (without.includes(key)) return undefined;
    if (dynamic.includes(key)) return key.toUpperCase();
    if (key === 'name' && isObject(parent) && 'generateName' in parent) return 'GENERATED';
    if (Array.isArray(at)) {
      const items = at.map((item) => visit(item, '', at));
      // Within a second the order of owners is by name, across seconds by time.
      return key === 'managedFields' ? items.toSorted(byText) : items;
    }
    if (isObject(at)) {
      const fields = Object.entries(at)
        .map(([name, field]) => [normal(name), visit(field, name, at)] as const)
        .filter(([, field]) => field !== undefined);
      return Object.fromEntries(fields);
    }
    if (typeof at === 'number' && at >= 30_000 && at <= 32_770) return 'NODE PORT';
    return typeof at === 'string' ? normal(at) : at;
  };
  return visit(value, '', undefined);
}

function normal(text: string): string {
  let changed = text;
  for (const [theirs, ours] of here) {
    if (!/^[0-9]+$/.test(theirs)) changed = changed.replaceAll(theirs, ours);
  }
  return changed
    .replaceAll(/\b10\.(?:9[6-9]|1[01][0-9])\.[0-9]+\.[0-9]+\b/g, 'SERVICE IP')
    .replaceAll(/\b3[0-2][0-9]{3}\/TCP/g, 'PORT/TCP')
    .replaceAll(/^[0-9]+s$/g, 'AGE')
    .replaceAll(/[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z/g, 'TIME')
    .replaceAll(/current: [0-9]+/g, 'current: N')
    .replaceAll(/^(web|q)-[a-z0-9]{5,8}$/g, '$1-GENERATED');
}

function byText(a: unknown, b: unknown): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
