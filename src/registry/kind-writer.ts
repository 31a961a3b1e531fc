/** Writes the objects of one kind by its strategy: decode, complete, check, claim, store. */
import {
  alreadyExists,
  ApiError,
  applyMergePatch,
  freezeCopy,
  garbageFinalizers,
  invalid,
  isAlreadyExists,
  isConflict,
  isJsonArray,
  isJsonObject,
  isLeaving,
  isNotFound,
  modifiedSince,
  nameOf,
  sameSpec,
  type DeleteOptions,
  type JsonObject,
  type Kind,
  type KubeObject,
  type MergePatch,
  type ObjectClient,
  type ObjectMeta,
  type ObjectName,
  type PatchOptions,
} from '../kube/index.ts';
import type { Random } from '../model/index.ts';
import { decodeObject, inspectNew, inspectUpdate, metadataOf } from './inspect.ts';
import { generateName } from './metadata.ts';
import { Problems } from './problems.ts';
import type { Claim, Strategy } from './strategy.ts';
import {
  checkPreconditions,
  type Revision,
  type TrackFields,
  type WriteContext,
} from './write-context.ts';

/** A writer whose kind its holder need not know. */
export interface Writer {
  readonly kind: Kind;
  create(value: unknown, context?: WriteContext): Promise<KubeObject>;
  update(value: unknown): Promise<KubeObject>;
  patch(name: ObjectName, patch: MergePatch, options?: PatchOptions): Promise<KubeObject>;
  revise(name: ObjectName, revision: Revision, context: WriteContext): Promise<KubeObject>;
  delete(name: ObjectName, options?: DeleteOptions & WriteContext): Promise<void>;
}

export interface WriterOptions {
  readonly store: ObjectClient;
  readonly random: Random;
  readonly trackFields?: TrackFields | undefined;
}

/** How often a write that did not say which version it means is tried again when somebody was faster. */
const attempts = 5;
const nameAttempts = 8;

export function createWriter<T extends KubeObject>(
  strategy: Strategy<T>,
  options: WriterOptions,
): Writer {
  return new KindWriter(strategy, options);
}

class KindWriter<T extends KubeObject> implements Writer {
  readonly kind: Kind<T>;
  private readonly strategy: Strategy<T>;
  private readonly store: ObjectClient;
  private readonly random: Random;
  private readonly trackFields: TrackFields | undefined;

  constructor(strategy: Strategy<T>, options: WriterOptions) {
    this.kind = strategy.kind;
    this.strategy = strategy;
    this.store = options.store;
    this.random = options.random;
    this.trackFields = options.trackFields;
  }

  async create(value: unknown, context: WriteContext = {}): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      const prefix = generatedPrefix(value);
      const named =
        prefix === undefined ? value : withName(value, generateName(prefix, this.random));
      const inspected = inspectNew(this.strategy, named);
      const object = this.tracked(inspected, { given: named, stored: undefined, context });
      const claim = this.claim(object, undefined);
      try {
        if (context.dryRun === true) return await this.previewNew(claim);
        const stored = await this.storeNew(claim.object);
        claim.commit();
        return stored;
      } catch (thrown) {
        claim.revert();
        if (prefix === undefined || attempt >= nameAttempts || !isAlreadyExists(thrown))
          throw thrown;
      }
    }
  }

  /** With what follows from it, begun together: both are in one commit, and the writer waits for one sync. */
  private async storeNew(object: T): Promise<T> {
    const { stored: follow, removed: unfollow } = this.strategy;
    if (follow === undefined) return await this.store.create(this.kind, object);
    const [made, followed] = await Promise.allSettled([
      this.store.create(this.kind, object),
      follow(object, undefined),
    ]);
    if (made.status === 'rejected') {
      await unfollow?.(object);
      throw made.reason;
    }
    if (followed.status === 'rejected') throw followed.reason;
    return made.value;
  }

  async update(value: unknown): Promise<T> {
    const { metadata } = decodeObject(this.strategy, value);
    const expected = metadata.resourceVersion;
    return await this.write(metadata, () => ({ expected, value }), {});
  }

  async patch(name: ObjectName, patch: MergePatch, options: PatchOptions = {}): Promise<T> {
    const metadata = patch['metadata'];
    const expected = isJsonObject(metadata) ? metadata['resourceVersion'] : undefined;
    const version = typeof expected === 'string' ? expected : undefined;
    return await this.write(
      name,
      (stored) => ({ expected: version, value: applyMergePatch(stored, patch) }),
      { subresource: options.subresource },
    );
  }

  async revise(name: ObjectName, revision: Revision, context: WriteContext): Promise<T> {
    return await this.write(name, revision, context);
  }

  async delete(name: ObjectName, options: DeleteOptions & WriteContext = {}): Promise<void> {
    const { uid, resourceVersion } = options.preconditions ?? {};
    for (let attempt = 1; ; attempt++) {
      const stored = await this.store.get(this.kind, name);
      const { metadata } = stored;
      // What is given back must be what the deleted object held: no newer version of it.
      const preconditions = {
        uid: uid ?? metadata.uid,
        resourceVersion: resourceVersion ?? metadata.resourceVersion,
      };
      try {
        const asked = this.strategy.gracePeriodSeconds?.(stored, options.gracePeriodSeconds) ?? 0;
        if (options.dryRun === true) return checkPreconditions(this.kind, stored, preconditions);
        const { propagationPolicy } = options;
        const how = { preconditions, gracePeriodSeconds: asked, propagationPolicy };
        await this.store.delete(this.kind, name, how);
        // One that stays for its grace or its finalizers keeps what it holds until it goes.
        if (asked === 0 && !waitsForOthers(metadata.finalizers ?? [], propagationPolicy)) {
          await this.gone(stored);
        }
        return;
      } catch (thrown) {
        const isSame = (uid ?? metadata.uid) === metadata.uid && resourceVersion === undefined;
        if (!isConflict(thrown) || !isSame || attempt >= attempts) throw thrown;
      }
    }
  }

  private async gone(object: T): Promise<void> {
    this.strategy.release?.(object);
    await this.strategy.removed?.(object);
  }

  /** Reads, makes the next object, stores it; again when somebody was faster and the caller named no version. */
  private async write(name: ObjectName, revision: Revision, context: WriteContext): Promise<T> {
    const { name: text, namespace } = name;
    for (let attempt = 1; ; attempt++) {
      const stored = await this.store.get(this.kind, { namespace, name: text });
      const { resourceVersion } = stored.metadata;
      const { expected, value } = revision(stored);
      if (expected !== undefined && expected !== resourceVersion) {
        throw modifiedSince(this.kind, text);
      }
      const claim = this.next(value, stored, context);
      const { object } = claim;
      const version = resourceVersion === undefined ? {} : { resourceVersion };
      try {
        if (context.dryRun === true) return preview(claim, stored);
        const metadata = { ...object.metadata, ...version };
        const written = await this.store.update(this.kind, { ...object, metadata });
        claim.commit();
        // The last finalizer came off an object that was to go: storing it was its end.
        const { finalizers = [], deletionGracePeriodSeconds: grace = 0 } = written.metadata;
        if (isLeaving(written) && grace === 0 && finalizers.length === 0) await this.gone(written);
        else await this.strategy.stored?.(written, stored);
        return written;
      } catch (thrown) {
        claim.revert();
        if (expected !== undefined || attempt >= attempts || !isConflict(thrown)) throw thrown;
      }
    }
  }

  /** What a write makes of the stored object: the status alone, or all but the status. */
  private next(value: unknown, stored: T, context: WriteContext): Claim<T> {
    const given = isJsonObject(value) ? value : {};
    if (context.subresource === 'status') {
      // Everything else stays, save for who owns what.
      const metadata = withManagedFields(stored.metadata, metadataOf(given));
      const revised = { ...stored, metadata, status: given['status'] ?? {} };
      const decoded = decodeObject(this.strategy, revised);
      return unclaimed(this.tracked(decoded, { given, stored, context }));
    }
    const status: unknown = 'status' in stored ? stored.status : undefined;
    const decoded = decodeObject(this.strategy, isJsonObject(value) ? { ...value, status } : value);
    const { name, namespace } = stored.metadata;
    if (decoded.metadata.name !== name || decoded.metadata.namespace !== namespace) {
      throw new ApiError(
        'BadRequest',
        `the name of the object (${decoded.metadata.name}) does not match the name on the URL (${name})`,
      );
    }
    const revised = inspectUpdate(this.strategy, decoded, stored);
    return this.claim(this.tracked(revised, { given, stored, context }), stored);
  }

  private tracked(object: T, { given, stored, context }: Tracking<T>): T {
    const { trackFields, kind } = this;
    if (trackFields === undefined || context.ownershipSettled === true) return object;
    const { manager, subresource } = context;
    const managedFields = trackFields({ kind, object, given, stored, manager, subresource });
    return { ...object, metadata: { ...object.metadata, managedFields } };
  }

  /** What would be stored; refused as the real write would be. */
  private async previewNew(claim: Claim<T>): Promise<T> {
    const name = nameOf(claim.object);
    try {
      await this.store.get(this.kind, name);
    } catch (thrown) {
      if (!isNotFound(thrown)) throw thrown;
      claim.revert();
      return claim.object;
    }
    throw alreadyExists(this.kind, name.name);
  }

  private claim(object: T, stored: T | undefined): Claim<T> {
    if (this.strategy.allocate === undefined) return unclaimed(object);
    const problems = new Problems();
    const claim = this.strategy.allocate(object, stored, problems);
    if (problems.causes.length === 0) return claim;
    claim.revert();
    throw invalid(this.kind, object.metadata.name, problems.causes);
  }
}

interface Tracking<T> {
  readonly given: unknown;
  readonly stored: T | undefined;
  readonly context: WriteContext;
}

/** What an update would leave; what was claimed for it is free again. */
function preview<T extends KubeObject>(claim: Claim<T>, stored: T): T {
  claim.revert();
  const { uid, creationTimestamp, resourceVersion, generation: before = 1 } = stored.metadata;
  const generation = sameSpec(claim.object, stored) ? before : before + 1;
  const system = { uid, creationTimestamp, resourceVersion, generation };
  return freezeCopy({ ...claim.object, metadata: { ...claim.object.metadata, ...system } });
}

function withManagedFields<M extends ObjectMeta>(metadata: M, given: JsonObject): M {
  const managedFields = given['managedFields'];
  return isJsonArray(managedFields) ? { ...metadata, managedFields } : metadata;
}

/** It stays although it is deleted: for a finalizer, or for those it owns. */
function waitsForOthers(
  finalizers: readonly string[],
  policy: DeleteOptions['propagationPolicy'],
): boolean {
  if (policy === undefined) return finalizers.length > 0;
  const ofGarbage: readonly string[] = Object.values(garbageFinalizers);
  return policy !== 'Background' || finalizers.some((each) => !ofGarbage.includes(each));
}

function unclaimed<T>(object: T): Claim<T> {
  return { object, commit: () => undefined, revert: () => undefined };
}

/** The generateName of an object that has no name of its own. */
function generatedPrefix(value: unknown): string | undefined {
  const { name, generateName: prefix } = metadataOf(value);
  const isNamed = typeof name === 'string' && name !== '';
  return isNamed || typeof prefix !== 'string' || prefix === '' ? undefined : prefix;
}

function withName(value: unknown, name: string): JsonObject {
  return isJsonObject(value) ? { ...value, metadata: { ...metadataOf(value), name } } : {};
}
