/** The asking side of the control socket, typed: what a command calls. */
import { requestLocal, LocalError } from '../sys/net/index.ts';
import { readError, readList, readObject, readSpreadLine } from './decode.ts';
import { ControlError, RemoteError } from './errors.ts';
import {
  controlPaths,
  protocolHeader,
  protocolVersion,
  type EndpointView,
  type ErrorView,
  type InstanceView,
  type PlanView,
  type ServiceFilter,
  type ServicePortView,
  type SpreadRequest,
  type SpreadView,
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
  plan(): Promise<PlanView>;
  spread(request: SpreadRequest, options?: SpreadCallOptions): Promise<SpreadView>;
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
  const get = async (path: string, filter?: ServiceFilter): Promise<unknown> => {
    const query = new URLSearchParams();
    for (const [key, value] of Object.entries(filter ?? {})) {
      if (typeof value === 'string') query.set(key, value);
    }
    const url = query.size === 0 ? path : `${path}?${query.toString()}`;
    const { status, body } = await reach(() =>
      requestLocal(socketPath, { method: 'GET', url, headers, timeoutMs }),
    );
    if (status !== 200) throw remoteError(readError(body));
    return body;
  };
  const post = async (url: string, asked: object): Promise<WorkloadView> => {
    const { status, body } = await reach(() =>
      requestLocal(socketPath, { method: 'POST', url, headers, body: asked, timeoutMs }),
    );
    if (status !== 200) throw remoteError(readError(body));
    return readObject<WorkloadView>(body);
  };
  return {
    run: (request) => post(workloadPaths.run, request),
    scale: (request) => post(workloadPaths.scale, request),
    bind: (request) => post(workloadPaths.bind, request),
    logs: async (request, onLine) => {
      const { status, body } = await reach(() =>
        requestLocal(socketPath, {
          method: 'POST',
          url: workloadPaths.logs,
          headers,
          body: request,
          timeoutMs,
          onLine: (value) => {
            const said = readLogsLine(value);
            if (said.kind === 'line') onLine(said.line);
            else if (said.kind === 'error') throw remoteError(said.error);
          },
        }),
      );
      if (status !== 200) throw remoteError(readError(body));
    },
    instance: async () => readObject<InstanceView>(await get(controlPaths.instance)),
    services: async (filter) => readList<ServicePortView>(await get(controlPaths.services, filter)),
    endpoints: async (filter) => readList<EndpointView>(await get(controlPaths.endpoints, filter)),
    plan: async () => readObject<PlanView>(await get(controlPaths.plan)),
    spread: async (request, options = {}) => {
      let result: SpreadView | undefined;
      const { status, body } = await reach(() =>
        requestLocal(socketPath, {
          method: 'POST',
          url: controlPaths.spread,
          headers,
          body: request,
          signal: options.signal,
          timeoutMs,
          onLine: (value) => {
            const line = readSpreadLine(value);
            if (line.kind === 'progress') options.onProgress?.(line.done, line.total);
            else if (line.kind === 'result') result = line.view;
            else throw remoteError(line.error);
          },
        }),
      );
      if (status !== 200) throw remoteError(readError(body));
      if (result !== undefined) return result;
      throw new ControlError(
        'CONTROL_FAILED',
        'Cannot measure the spread: the answer has no result',
      );
    },
  };
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
