/**
 * Records on each Service where it really answers when that is somewhere else than it says (a low port without
 * privilege, say), so that `kubectl get` and other tools can tell people.
 */
import {
  annotations,
  formatReachedAt,
  isNotFound,
  objectKey,
  serviceKind,
  type ObjectClient,
  type ObjectName,
  type ReachedAt,
} from '../kube/index.ts';
import type { ApplyReport, Plan, StandIn } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';

export interface ReachedAtOptions {
  readonly client: ObjectClient;
  readonly log: Logger;
}

export class ReachedAtRecorder {
  private readonly options: ReachedAtOptions;
  /** What stands on each Service that has the annotation from us. */
  private readonly written = new Map<
    string,
    { readonly name: ObjectName; readonly text: string }
  >();
  private seen: readonly StandIn[] = [];
  private writing: Promise<void> = Promise.resolve();

  constructor(options: ReachedAtOptions) {
    this.options = options;
  }

  /** Takes note of an apply; writes happen after one another in the background. */
  record(plan: Plan, report: ApplyReport): void {
    if (report.standIns === this.seen) return;
    this.seen = report.standIns;
    const wanted = wantedTexts(plan, report.standIns);
    const stale = [...this.written].filter(([key]) => !wanted.has(key));
    this.writing = this.writing.then(async () => {
      for (const [key, { name, text }] of wanted) {
        if (this.written.get(key)?.text === text) continue;
        this.written.set(key, { name, text });
        await this.write(name, text);
      }
      for (const [key, { name }] of stale) {
        this.written.delete(key);
        await this.write(name, null);
      }
    });
  }

  /** Resolves when everything noted so far is written. */
  async settled(): Promise<void> {
    await this.writing;
  }

  private async write(name: ObjectName, text: string | null): Promise<void> {
    const patch = { metadata: { annotations: { [annotations.reachedAt.key]: text } } };
    try {
      await this.options.client.patch(serviceKind, name, patch);
    } catch (thrown) {
      if (isNotFound(thrown)) return;
      this.written.delete(objectKey(name));
      this.options.log.warn('Cannot record where a Service answers', {
        service: objectKey(name),
        error: thrown,
      });
    }
  }
}

function wantedTexts(
  plan: Plan,
  standIns: readonly StandIn[],
): ReadonlyMap<string, { readonly name: ObjectName; readonly text: string }> {
  const entries = new Map<string, { name: ObjectName; reached: ReachedAt[] }>();
  for (const { server: id, frontend, address } of standIns) {
    const server = plan.servers.get(id);
    if (server === undefined || frontend.address === undefined) continue;
    const name = { namespace: server.ref.namespace, name: server.ref.name };
    const entry = entries.get(objectKey(name)) ?? { name, reached: [] };
    entry.reached.push({
      declared: { address: frontend.address, port: frontend.port },
      reached: address,
    });
    entries.set(objectKey(name), entry);
  }
  return new Map(
    [...entries].map(([key, { name, reached }]) => [key, { name, text: formatReachedAt(reached) }]),
  );
}
