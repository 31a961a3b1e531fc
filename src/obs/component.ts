/** What a room exports: something with a life, told apart from its making. */

export interface ComponentStatus {
  /** `starting` until it does its work, `failed` when it gave up, `degraded` when part of it does not work. */
  readonly state: 'starting' | 'ready' | 'degraded' | 'failed' | 'stopped';
  /** A sentence for people; undefined when the state says it all. */
  readonly detail: string | undefined;
}

export interface Component {
  readonly name: string;
  /** Resolves when it does its work. Rejects when it cannot; it then holds nothing. */
  start(signal: AbortSignal): Promise<void>;
  /** Ends its work and frees everything it holds; harmless when called twice or before `start`. */
  stop(): Promise<void>;
  status(): ComponentStatus;
}
