/** The asking side of the control socket, typed: what a command calls. */
import { LocalError, requestLocal, type LocalRequestOptions } from '../sys/net/index.ts';
import { backupPaths, type BackupRequest, type BackupView } from './backup-protocol.ts';
import { readError, readList, readObject, readSpreadLine } from './decode.ts';
import { ControlError, RemoteError } from './errors.ts';
import type { NameRequest, NameView } from './name-protocol.ts';
import type { RequestQuestionView, RequestView } from './request-protocol.ts';
import {
  controlPaths,
  protocolHeader,
  protocolVersion,
  type AuditView,
  type EndpointView,
  type ErrorView,
  type ExplainRequest,
  type ExplainView,
  type HandoverOffer,
  type InstanceView,
  type MetricsView,
  type PlanView,
  type ServiceFilter,
  type ServicePortView,
  type SpreadRequest,
  type SpreadView,
  type TrafficView,
} from './protocol.ts';

import { readLogsLine } from './workload-decode.ts';
import {
  workloadPaths,
  type BindRequest,
  type LogLineView,
  type LogsRequest,
  type RunRequest,
  type ScaleRequest,
  type WorkloadView,
} from './workload-protocol.ts';

/**
 * Every call rejects with CONTROL_NOT_RUNNING, CONTROL_TIMED_OUT, CONTROL_VERSION_MISMATCH or CONTROL_FAILED
 * when it gets no answer, and with the instance's own code (RemoteError) when it gets a refusal.
 */
export interface ControlClient {
  instance(): Promise<InstanceView>;
  services(filter: ServiceFilter): Promise<readonly ServicePortView[]>;
  endpoints(filter: ServiceFilter): Promise<readonly EndpointView[]>;
  traffic(filter: ServiceFilter): Promise<TrafficView>;
  metrics(): Promise<MetricsView>;
  plan(): Promise<PlanView>;
  audit(): Promise<AuditView>;
  spread(request: SpreadRequest, options?: SpreadCallOptions): Promise<SpreadView>;
  explain(request: ExplainRequest): Promise<ExplainView>;
  /** Asks the instance to wait for a process that takes over. */
  handOver(protocol: string): Promise<HandoverOffer>;
  explainName(request: NameRequest): Promise<NameView>;
  explainRequest(question: RequestQuestionView): Promise<RequestView>;
  backup(request: BackupRequest): Promise<BackupView>;
  restore(request: BackupRequest): Promise<BackupView>;
  run(request: RunRequest): Promise<WorkloadView>;
  scale(request: ScaleRequest): Promise<WorkloadView>;
  bind(request: BindRequest): Promise<WorkloadView>;
  /** Resolves when there is nothing more to tell. */
  logs(request: LogsRequest, onLine: (line: LogLineView) => void): Promise<void>;
}

export interface SpreadCallOptions {
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface ControlClientOptions {
  /** The longest silence taken for life. */
  readonly timeoutMs?: number;
}

export function createControlClient(
  socketPath: string,
  { timeoutMs = 30_000 }: ControlClientOptions = {},
): ControlClient {
  const headers = { [protocolHeader]: protocolVersion };
  const ask = async (
    options: Omit<LocalRequestOptions, 'headers' | 'timeoutMs'>,
  ): Promise<unknown> => {
    const { status, body } = await reach(() =>
      requestLocal(socketPath, { ...options, headers, timeoutMs }),
    );
    if (status !== 200) throw remoteError(readError(body));
    return body;
  };
  const get = (path: string, filter?: ServiceFilter): Promise<unknown> =>
    ask({ method: 'GET', url: withQuery(path, filter) });
  const post = (url: string, body: object): Promise<unknown> => ask({ method: 'POST', url, body });
  const workload = async (url: string, body: object): Promise<WorkloadView> =>
    readObject(await post(url, body));
  return {
    audit: async () => readObject<AuditView>(await get(controlPaths.audit)),
    handOver: async (protocol) =>
      readObject<HandoverOffer>(await post(controlPaths.handover, { protocol })),
    backup: async (request) => readObject<BackupView>(await post(backupPaths.backup, request)),
    restore: async (request) => readObject<BackupView>(await post(backupPaths.restore, request)),
    run: (request) => workload(workloadPaths.run, request),
    scale: (request) => workload(workloadPaths.scale, request),
    bind: (request) => workload(workloadPaths.bind, request),
    logs: async (request, onLine) => {
      await ask({
        method: 'POST',
        url: workloadPaths.logs,
        body: request,
        onLine: (value) => {
          const said = readLogsLine(value);
          if (said.kind === 'line') onLine(said.line);
          else if (said.kind === 'error') throw remoteError(said.error);
        },
      });
    },
    instance: async () => readObject<InstanceView>(await get(controlPaths.instance)),
    services: async (filter) => readList<ServicePortView>(await get(controlPaths.services, filter)),
    endpoints: async (filter) => readList<EndpointView>(await get(controlPaths.endpoints, filter)),
    traffic: async (filter) => readObject<TrafficView>(await get(controlPaths.traffic, filter)),
    metrics: async () => readObject<MetricsView>(await get(controlPaths.metrics)),
    plan: async () => readObject<PlanView>(await get(controlPaths.plan)),
    explain: async (request) => readObject<ExplainView>(await post(controlPaths.explain, request)),
    explainRequest: async (question) =>
      readObject<RequestView>(await post(controlPaths.explainRequest, question)),
    explainName: async (request) =>
      readObject<NameView>(await post(controlPaths.explainName, request)),
    spread: async (request, { signal, onProgress } = {}) => {
      let result: SpreadView | undefined;
      await ask({
        method: 'POST',
        url: controlPaths.spread,
        body: request,
        signal,
        onLine: (value) => {
          const line = readSpreadLine(value);
          if (line.kind === 'progress') onProgress?.(line.done, line.total);
          else if (line.kind === 'result') result = line.view;
          else throw remoteError(line.error);
        },
      });
      if (result !== undefined) return result;
      throw new ControlError(
        'CONTROL_FAILED',
        'Cannot measure the spread: the answer has no result',
      );
    },
  };
}

function withQuery(path: string, filter: ServiceFilter | undefined): string {
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(filter ?? {})) {
    if (typeof value === 'string') query.set(key, value);
  }
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}

function remoteError({ code, message, remedy, details }: ErrorView): ControlError | RemoteError {
  const options = { remedy, details };
  return code === 'CONTROL_VERSION_MISMATCH'
    ? new ControlError(code, message, options)
    : new RemoteError(code, message, options);
}

/** Failures of the way there, in the words of this room. */
async function reach<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (!(cause instanceof LocalError)) throw cause;
    if (cause.code === 'LOCAL_NOT_SERVED') {
      throw new ControlError(
        'CONTROL_NOT_RUNNING',
        'Cannot reach the instance: it is not running',
        {
          cause,
          remedy: 'Start one with npm start, or switchyard up',
        },
      );
    }
    if (cause.code === 'LOCAL_TIMED_OUT') {
      throw new ControlError(
        'CONTROL_TIMED_OUT',
        'Cannot reach the instance: it runs and does not answer',
        { cause, remedy: 'Look at its log; when it hangs, stop it and start it again' },
      );
    }
    throw new ControlError('CONTROL_FAILED', `Cannot reach the instance: ${cause.message}`, {
      cause,
      remedy: cause.remedy,
    });
  }
}
