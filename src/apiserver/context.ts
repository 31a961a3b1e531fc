/** What every answer is made from. */
import type { Clock } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import type { ObjectRegistry } from '../registry/index.ts';
import type { HttpAnswer, HttpRequest } from '../sys/http/index.ts';
import type { Access } from './access/index.ts';
import type { Lists } from './lists.ts';
import type { Usage } from './metrics.ts';
import type { ResourcePath } from './request-info.ts';
import type { Resource } from './resources.ts';

/** The output of Pods that are processes. */
export interface LogSource {
  /** What is kept, the oldest first; undefined when the Pod `NAMESPACE/NAME` never said anything. */
  linesOf(pod: string): readonly PodLine[] | undefined;
  /** Calls `listen` with each line to come; returns how to stop that. */
  follow(pod: string, listen: (line: PodLine) => void): () => void;
}

export interface PodLine {
  readonly text: string;
  readonly atMs: number;
}

export interface ApiContext {
  readonly registry: ObjectRegistry;
  readonly access: Access;
  readonly lists: Lists;
  readonly clock: Clock;
  readonly newUid: () => string;
  readonly log: Logger;
  readonly logs: LogSource | undefined;
  readonly usage: Usage;
  readonly maxWatches: number;
  readonly version: string;
}

/** A request for a resource that is served. */
export interface ResourceRequest {
  readonly http: HttpRequest;
  readonly path: ResourcePath;
  readonly resource: Resource;
  readonly query: URLSearchParams;
}

export type Answer = Promise<HttpAnswer>;
