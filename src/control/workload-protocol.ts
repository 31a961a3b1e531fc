/** What commands ask about workloads over the control socket: plain data, as protocol.ts. */
import type { ErrorView } from './protocol.ts';

export const workloadPaths = {
  run: '/run',
  scale: '/scale',
  bind: '/bind',
  logs: '/logs',
} as const;

/** A Deployment of processes, and a Service before it when a port is given. */
export interface RunRequest {
  readonly namespace: string;
  readonly name: string;
  readonly replicas: number;
  readonly port: number | undefined;
  /** Program and arguments. */
  readonly command: readonly string[];
  /** Where it runs; the instance's own folder when undefined. */
  readonly folder: string | undefined;
}

/** Kinds that can be scaled or bound, as people write them: `deployment/web`. */
export const workloadKinds = ['deployment', 'statefulset', 'replicaset', 'pod'] as const;

export type WorkloadKind = (typeof workloadKinds)[number];

export interface WorkloadName {
  readonly namespace: string;
  readonly kind: WorkloadKind;
  readonly name: string;
}

export interface ScaleRequest extends WorkloadName {
  readonly replicas: number;
}

/** Exactly one of `command` and `address`. */
export interface BindRequest extends WorkloadName {
  /** A line for the shell, or a JSON array of words. */
  readonly command: string | undefined;
  /** HOST or HOST:PORT. */
  readonly address: string | undefined;
  readonly folder: string | undefined;
}

export interface LogsRequest {
  readonly namespace: string;
  readonly pod: string;
  /** Go on with what comes, until the Pod is gone. */
  readonly follow: boolean;
  /** So many of the last lines; all that are kept when undefined. */
  readonly tail: number | undefined;
  /** What the process before the present one wrote. */
  readonly previous: boolean;
}

export interface WorkloadView extends WorkloadName {
  readonly change: 'created' | 'scaled' | 'bound' | 'unchanged';
  /** Undefined for a Pod. */
  readonly replicas: number | undefined;
  /** The Service that was made along with it, and where it says it is. */
  readonly service: { readonly name: string; readonly address: string } | undefined;
}

/** A line a Pod wrote. */
export interface LogLineView {
  readonly from: 'stdout' | 'stderr';
  readonly text: string;
  /** ISO 8601. */
  readonly at: string;
}

/** The lines that logs answer with; `alive` says that the Pod is there and silent. */
export type LogsLine =
  | { readonly kind: 'line'; readonly line: LogLineView }
  | { readonly kind: 'alive' }
  | { readonly kind: 'error'; readonly error: ErrorView };

/** What an instance that runs workloads can do. Rejects with CodedErrors; they reach the person who asked. */
export interface WorkloadSource {
  run(request: RunRequest): Promise<WorkloadView>;
  scale(request: ScaleRequest): Promise<WorkloadView>;
  bind(request: BindRequest): Promise<WorkloadView>;
  logs(request: LogsRequest, options: LogsRun): Promise<void>;
}

export interface LogsRun {
  readonly onLine: (line: LogLineView) => void;
  /** Called now and then while there is nothing to tell. */
  readonly onSilence: () => void;
  readonly signal: AbortSignal;
}
