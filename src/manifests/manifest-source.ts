/** Keeps the API as the manifests say: loads at start, then again after every change of the files. */
import type { ObjectClient } from '../kube/index.ts';
import { messageOf, type Clock } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import { createObjectCheck } from '../registry/index.ts';
import { watchPath } from '../sys/index.ts';
import { createApplier, type Applier, type ApplySummary } from './apply.ts';
import { parseHeld, type ManifestMemory } from './held-objects.ts';
import { formatProblem, ManifestError, type ManifestProblem } from './errors.ts';
import { loadManifests, type LoadedManifests, type SkippedDocument } from './load.ts';
import type { WatchedPath } from './read-files.ts';

/** What came of a load. */
export type ManifestReport =
  | {
      readonly result: 'applied';
      readonly summary: ApplySummary;
      /** Documents of kinds that are not served, each told once. */
      readonly skipped: readonly SkippedDocument[];
    }
  /** The set applied before is still in place. */
  | { readonly result: 'refused'; readonly problems: readonly ManifestProblem[] };

export interface ManifestSourceOptions {
  /** Files and folders. */
  readonly paths: readonly string[];
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly log: Logger;
  /** What an earlier process made from files, so that it can take it away again; undefined to forget. */
  readonly memory?: ManifestMemory | undefined;
  onReport?(report: ManifestReport): void;
}

/** Editors write in several steps; this long after the first one, all are done. */
const settleMs = 50;

/** `start` rejects with ManifestError when the manifests are broken: all problems of all files. */
export function createManifestSource(options: ManifestSourceOptions): Component {
  return new ManifestSource(options);
}

class ManifestSource implements Component {
  readonly name = 'manifests';
  private readonly options: ManifestSourceOptions;
  private readonly check = createObjectCheck({ allowLoopback: true });
  private readonly applier: Applier;
  private readonly stopping = new AbortController();
  private readonly watches = new Map<string, AbortController>();
  private readonly told = new Set<string>();
  private state: ComponentStatus = { state: 'starting', detail: undefined };
  private changed = false;
  private reloading: Promise<void> | undefined;

  constructor(options: ManifestSourceOptions) {
    this.options = options;
    this.applier = createApplier(options.client, {
      held: parseHeld(options.memory?.recalled),
      remember: options.memory && ((text) => options.memory?.remember(text) ?? Promise.resolve()),
    });
  }

  async start(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const loaded = await loadManifests(this.options.paths, this.check);
    await this.apply(loaded);
    await this.watch(loaded.watched);
    // Files changed while the watches were set up are read again.
    this.reloadSoon();
    this.state = { state: 'ready', detail: undefined };
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    for (const watch of this.watches.values()) watch.abort();
    this.watches.clear();
    await this.reloading;
    this.state = { state: 'stopped', detail: undefined };
  }

  status(): ComponentStatus {
    return this.state;
  }

  private reloadSoon(): void {
    this.changed = true;
    if (this.stopping.signal.aborted) return;
    this.reloading ??= this.reloadWhileChanged().finally(() => {
      this.reloading = undefined;
    });
  }

  private async reloadWhileChanged(): Promise<void> {
    const { signal } = this.stopping;
    while (this.changed && !signal.aborted) {
      await this.options.clock.sleep(settleMs, signal);
      this.changed = false;
      if (!signal.aborted) await this.reload();
    }
  }

  /** A broken edit changes nothing but the status. */
  private async reload(): Promise<void> {
    const { log } = this.options;
    const loaded = await loadManifests(this.options.paths, this.check);
    await this.watch(loaded.watched);
    try {
      await this.apply(loaded);
      this.state = { state: 'ready', detail: undefined };
    } catch (thrown) {
      this.state = { state: 'degraded', detail: messageOf(thrown) };
      if (!(thrown instanceof ManifestError)) {
        log.error('Cannot reload manifests; kept the last good state', { error: thrown });
        return;
      }
      for (const problem of thrown.problems) {
        log.warn('Kept the last good state: a manifest is broken', {
          problem: formatProblem(problem),
          object: problem.object,
          remedy: problem.remedy,
        });
      }
      this.options.onReport?.({ result: 'refused', problems: thrown.problems });
    }
  }

  /** Throws ManifestError, and changes nothing then. */
  private async apply(loaded: LoadedManifests): Promise<void> {
    const [first, ...rest] = loaded.problems;
    if (first !== undefined) throw new ManifestError(first, rest);
    const summary = await this.applier.apply(loaded.desired);
    const skipped = loaded.skipped.filter((document) => this.isNews(document));
    for (const document of skipped) {
      this.options.log.info('Passed over a manifest of a kind that is not served', { ...document });
    }
    for (const problem of loaded.warnings) {
      const { object, remedy } = problem;
      const text = formatProblem(problem);
      if (this.told.has(text)) continue;
      this.told.add(text);
      const fields = { problem: text, object, remedy };
      this.options.log.warn('A manifest has a field that its kind does not have', fields);
    }
    const { created, changed, deleted } = summary;
    // A save that changes nothing is no news, unless it ends a broken state.
    const isNews = created + changed + deleted + skipped.length > 0;
    if (isNews || this.state.state !== 'ready') {
      this.options.onReport?.({ result: 'applied', summary, skipped });
    }
  }

  private isNews({ file, apiVersion, kind }: SkippedDocument): boolean {
    const key = `${file} ${apiVersion} ${kind}`;
    if (this.told.has(key)) return false;
    this.told.add(key);
    return true;
  }

  /** Folders come and go with the files in them; one that came back is another folder. */
  private async watch(wanted: readonly WatchedPath[]): Promise<void> {
    const paths = new Map(wanted.map((watched) => [JSON.stringify(watched), watched.path]));
    for (const [key, watch] of this.watches) {
      if (paths.has(key)) continue;
      watch.abort();
      this.watches.delete(key);
    }
    for (const [key, path] of paths) {
      if (this.watches.has(key) || this.stopping.signal.aborted) continue;
      const watch = new AbortController();
      this.watches.set(key, watch);
      try {
        await watchPath(path, () => this.reloadSoon(), watch.signal);
      } catch (thrown) {
        // Gone again between the load and the watch: the next load says so.
        this.watches.delete(key);
        this.options.log.warn('Cannot watch a manifest path', { path, error: messageOf(thrown) });
      }
    }
  }
}
