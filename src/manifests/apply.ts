/**
 * Makes the API hold what manifests describe: creates, changes by what was edited, and deletes what this source
 * made and no longer contains. Fields that a manifest does not mention stay as they are.
 */
import {
  ApiError,
  fieldOf,
  isAlreadyExists,
  isJsonObject,
  isNotFound,
  jsonEqual,
  kindKey,
  mergePatchFor,
  nameOf,
  namespaceKind,
  podKind,
  type JsonObject,
  type KubeObject,
  type ObjectClient,
} from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { formatHeld, type Held } from './held-objects.ts';
import { ManifestError, type ManifestProblem } from './errors.ts';
import { describeObject, refusalProblems, type DesiredObject } from './load.ts';

export interface ApplySummary {
  readonly created: number;
  readonly changed: number;
  readonly deleted: number;
  readonly unchanged: number;
}

export interface Applier {
  /** All or nothing: when it rejects with ManifestError, the set applied before is in place again. */
  apply(desired: readonly DesiredObject[]): Promise<ApplySummary>;
}

export interface ApplierMemory {
  /** What an earlier process put into the API. */
  readonly held?: readonly Held[];
  /** Is given the text that `parseHeld` reads whenever it changes, before anything is made. */
  readonly remember?: ((text: string) => Promise<void>) | undefined;
}

export function createApplier(client: ObjectClient, memory: ApplierMemory = {}): Applier {
  return new ManifestApplier(client, memory);
}

/** From so many on, what is there is listed instead of asked for one by one. */
const manyAtOnce = 100;

/** So many objects are on their way into the API together. */
const atOnce = 128;

type Outcome = 'created' | 'changed' | 'unchanged';

class ManifestApplier implements Applier {
  private readonly client: ObjectClient;
  /** What this source put into the API, by key. */
  private readonly held: Map<string, Held>;
  private readonly remember: ApplierMemory['remember'];
  private remembered = '';

  constructor(client: ObjectClient, { held = [], remember }: ApplierMemory) {
    this.client = client;
    this.held = new Map(held.map((each) => [each.wanted.key, each]));
    this.remember = remember;
  }

  async apply(desired: readonly DesiredObject[]): Promise<ApplySummary> {
    const before = [...this.held.values()].map(({ wanted }) => wanted);
    await this.rememberComing(desired);
    const { summary, problems } = await this.converge(desired);
    const [first, ...rest] = problems;
    if (first === undefined) {
      await this.rememberAll([...this.held.values()]);
      return summary;
    }
    // What stood before was taken once, so it is taken again; what is wrong is told either way.
    await this.converge(before);
    await this.rememberAll([...this.held.values()]);
    throw new ManifestError(first, rest);
  }

  /** Whatever ends this process on the way: what it made is known to be its own. */
  private async rememberComing(desired: readonly DesiredObject[]): Promise<void> {
    if (this.remember === undefined) return;
    const coming: Held[] = [];
    for (const wanted of desired) {
      if (this.held.has(wanted.key)) continue;
      if ((await this.find(wanted.kind, wanted.object)) !== undefined) continue;
      coming.push({ wanted, made: true });
    }
    if (coming.length > 0) await this.rememberAll([...this.held.values(), ...coming]);
  }

  private async rememberAll(held: readonly Held[]): Promise<void> {
    if (this.remember === undefined) return;
    const text = formatHeld(held);
    if (text === this.remembered) return;
    await this.remember(text);
    this.remembered = text;
  }

  private async converge(desired: readonly DesiredObject[]): Promise<{
    readonly summary: ApplySummary;
    readonly problems: readonly ManifestProblem[];
  }> {
    const problems: ManifestProblem[] = [];
    const counts = { created: 0, changed: 0, unchanged: 0 };
    const absent = await this.absentOf(desired);
    const put = async (wanted: DesiredObject): Promise<void> => {
      try {
        counts[await this.put(wanted, absent.has(wanted.key))]++;
      } catch (thrown) {
        problems.push(...applyProblems(wanted, thrown));
      }
    };
    const [namespaces, others] = namespacesApart(desired);
    for (const wanted of namespaces) await put(wanted);
    // A store that writes them down does so for many at the price of one.
    for (let i = 0; i < others.length; i += atOnce) {
      await Promise.all(others.slice(i, i + atOnce).map(put));
    }
    // Nothing goes for a set that did not come about.
    if (problems.length > 0) return { summary: { ...counts, deleted: 0 }, problems };
    const kept = new Set(desired.map(({ key }) => key));
    const obsolete = [...this.held.values()].filter(({ wanted }) => !kept.has(wanted.key));
    const made = obsolete.filter((held) => held.made).map(({ wanted }) => wanted);
    let deleted = 0;
    for (const wanted of namespacesFirst(made).toReversed()) {
      try {
        if (await this.remove(wanted)) deleted++;
      } catch (thrown) {
        problems.push(...applyProblems(wanted, thrown));
      }
    }
    for (const { wanted } of obsolete) this.held.delete(wanted.key);
    return { summary: { ...counts, deleted }, problems };
  }

  /** `absent`: it was not there a moment ago. */
  private async put(wanted: DesiredObject, absent: boolean): Promise<Outcome> {
    const { key, kind, object } = wanted;
    const held = this.held.get(key);
    const last = held?.wanted.object;
    const stored = absent ? undefined : await this.find(kind, object);
    if (stored === undefined) {
      try {
        await this.client.create(kind, object);
      } catch (thrown) {
        // Somebody else made it meanwhile.
        if (!absent || !isAlreadyExists(thrown)) throw thrown;
        return await this.put(wanted, false);
      }
      this.held.set(key, { wanted, made: true });
      await this.putStatus(wanted, undefined);
      return 'created';
    }
    if (last !== undefined && jsonEqual(last, object)) {
      this.held.set(key, { wanted, made: held?.made === true });
      return 'unchanged';
    }
    const patch = patchFor(last, stored, object);
    const made = held?.made === true;
    if (patch !== undefined) {
      try {
        await this.client.patch(kind, nameOf(object), patch);
      } catch (thrown) {
        if (!made || !isImmutablePod(wanted, thrown)) throw thrown;
        await this.replace(wanted);
        return 'changed';
      }
    }
    this.held.set(key, { wanted, made });
    await this.putStatus(wanted, last);
    return patch === undefined ? 'unchanged' : 'changed';
  }

  /** What of a Pod may not change is the next Pod's: this one goes at once, as the file's author asked. */
  private async replace(wanted: DesiredObject): Promise<void> {
    const { key, kind, object } = wanted;
    await this.client.delete(kind, nameOf(object), { gracePeriodSeconds: 0 });
    await this.client.create(kind, object);
    this.held.set(key, { wanted, made: true });
    await this.putStatus(wanted, undefined);
  }

  /** A status that is written down is meant: an address of something that runs already. */
  private async putStatus(
    { kind, object }: DesiredObject,
    last: KubeObject | undefined,
  ): Promise<void> {
    const status = statusOf(object);
    if (status === undefined || jsonEqual(status, statusOf(last))) return;
    await this.client.patch(kind, nameOf(object), { status }, { subresource: 'status' });
  }

  /**
   * Of many at once, the keys of those that are not there: one list of each kind says so, where asking for each would
   * cost a refusal for each.
   */
  private async absentOf(desired: readonly DesiredObject[]): Promise<ReadonlySet<string>> {
    const fresh = desired.filter(({ key }) => !this.held.has(key));
    const absent = new Set<string>();
    if (fresh.length < manyAtOnce) return absent;
    const kinds = new Map(fresh.map(({ kind }) => [kindKey(kind), kind]));
    const there = new Set<string>();
    for (const [word, kind] of kinds) {
      const { items } = await this.client.list(kind);
      for (const item of items) there.add(placeOf(word, item));
    }
    for (const { key, kind, object } of fresh) {
      if (!there.has(placeOf(kindKey(kind), object))) absent.add(key);
    }
    return absent;
  }

  private async find(
    kind: DesiredObject['kind'],
    object: KubeObject,
  ): Promise<KubeObject | undefined> {
    try {
      return await this.client.get(kind, nameOf(object));
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined;
      throw thrown;
    }
  }

  /** False when it was gone already. */
  private async remove({ kind, object }: DesiredObject): Promise<boolean> {
    try {
      await this.client.delete(kind, nameOf(object));
      return true;
    } catch (thrown) {
      if (isNotFound(thrown)) return false;
      throw thrown;
    }
  }
}

/** Objects go into Namespaces, so these come first. */
function namespacesFirst(objects: readonly DesiredObject[]): readonly DesiredObject[] {
  return namespacesApart(objects).flat();
}

function namespacesApart(
  objects: readonly DesiredObject[],
): readonly [namespaces: readonly DesiredObject[], others: readonly DesiredObject[]] {
  const isNamespace = ({ kind }: DesiredObject): boolean =>
    kindKey(kind) === kindKey(namespaceKind);
  return [objects.filter(isNamespace), objects.filter((object) => !isNamespace(object))];
}

/**
 * What was edited since the last manifest, taken away included; without a last one, what is stored differently.
 * The status is no part of it. Undefined when nothing is to be done.
 */
export function patchFor(
  last: KubeObject | undefined,
  stored: KubeObject,
  wanted: KubeObject,
): JsonObject | undefined {
  const target: JsonObject = { ...wanted, status: undefined };
  if (last === undefined) return mergePatchFor(stored, target);
  const changed = mergePatchFor(last, target) ?? {};
  const patch = mergeDeep(removals({ ...last, status: undefined }, target), changed);
  return Object.keys(patch).length === 0 ? undefined : patch;
}

/** Null for every field of `last` that `next` lacks. */
function removals(last: JsonObject, next: JsonObject): JsonObject {
  const found: [string, unknown][] = [];
  for (const [key, before] of Object.entries(last)) {
    const after = fieldOf(next, key);
    if (before === undefined) continue;
    if (after === undefined) found.push([key, null]);
    else if (isJsonObject(before) && isJsonObject(after)) {
      const inner = removals(before, after);
      if (Object.keys(inner).length > 0) found.push([key, inner]);
    }
  }
  return Object.fromEntries(found);
}

function mergeDeep(base: JsonObject, over: JsonObject): JsonObject {
  const merged = new Map<string, unknown>(Object.entries(base));
  for (const [key, value] of Object.entries(over)) {
    const below = merged.get(key);
    merged.set(key, isJsonObject(below) && isJsonObject(value) ? mergeDeep(below, value) : value);
  }
  return Object.fromEntries(merged);
}

function statusOf(object: KubeObject | undefined): unknown {
  return object !== undefined && 'status' in object ? object.status : undefined;
}

function applyProblems(wanted: DesiredObject, thrown: unknown): readonly ManifestProblem[] {
  if (thrown instanceof ApiError && userReasons.includes(thrown.code)) {
    return refusalProblems(wanted, thrown, 'MANIFEST_REFUSED');
  }
  const { document, kind, object } = wanted;
  return [
    {
      code: 'MANIFEST_UNAPPLIED',
      file: document.file,
      line: document.line,
      object: describeObject(kind, object),
      field: undefined,
      reason: messageOf(thrown),
      remedy: 'Save the file again once the API answers',
    },
  ];
}

const userReasons: readonly string[] = [
  'Invalid',
  'BadRequest',
  'Forbidden',
  'NotFound',
  'Conflict',
];

/** The Pod itself is fine, only it cannot become what stands there. */
function isImmutablePod({ kind }: DesiredObject, thrown: unknown): boolean {
  if (kindKey(kind) !== kindKey(podKind) || !(thrown instanceof ApiError)) return false;
  const { causes } = thrown;
  return (
    causes.length > 0 && causes.every(({ message }) => message.includes('pod updates may not'))
  );
}

/** What tells objects apart; manifests and stored objects say the same. */
function placeOf(kind: string, { metadata }: KubeObject): string {
  return JSON.stringify([kind, metadata.namespace, metadata.name]);
}
