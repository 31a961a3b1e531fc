/** Answers what is asked about workloads; the serving side of workload-protocol.ts. */
import type { LocalAnswer, LocalRequest } from '../sys/net/index.ts';
import { ControlError } from './errors.ts';
import type { ErrorView } from './protocol.ts';
import {
  readBindRequest,
  readLogsRequest,
  readRunRequest,
  readScaleRequest,
} from './workload-decode.ts';
import {
  workloadPaths,
  type LogsLine,
  type LogsRequest,
  type WorkloadSource,
} from './workload-protocol.ts';

export interface WorkloadRouting {
  readonly request: LocalRequest;
  /** Undefined where no workloads run. */
  readonly source: WorkloadSource | undefined;
  /** The error as data. */
  readonly said: (thrown: unknown) => ErrorView;
}

/** Undefined when the question is not about workloads. Rejects with what the source refused. */
export async function answerWorkloads(routing: WorkloadRouting): Promise<LocalAnswer | undefined> {
  const { request } = routing;
  const path = Object.values(workloadPaths).find((known) => known === request.url.pathname);
  if (path === undefined || request.method !== 'POST') return undefined;
  const source = routing.source;
  if (source === undefined) {
    throw new ControlError(
      'CONTROL_NO_WORKLOADS',
      `Cannot answer ${path}: this instance runs no Pods, it only forwards to those of a cluster`,
      { remedy: 'Ask the cluster, with kubectl' },
    );
  }
  if (path === workloadPaths.run) return ok(await source.run(readRunRequest(request.body)));
  if (path === workloadPaths.scale) return ok(await source.scale(readScaleRequest(request.body)));
  if (path === workloadPaths.bind) return ok(await source.bind(readBindRequest(request.body)));
  const asked = readLogsRequest(request.body);
  return { kind: 'lines', write: (emit) => writeLogs(asked, { ...routing, source, emit }) };
}

const ok = (body: unknown): LocalAnswer => ({ kind: 'json', status: 200, body });

interface Writing extends WorkloadRouting {
  readonly source: WorkloadSource;
  readonly emit: (line: LogsLine) => Promise<void>;
}

async function writeLogs(
  asked: LogsRequest,
  { request, source, said, emit }: Writing,
): Promise<void> {
  let told = Promise.resolve();
  const tell = (line: LogsLine): void => {
    told = told.then(() => emit(line));
  };
  try {
    await source.logs(asked, {
      onLine: (line) => tell({ kind: 'line', line }),
      onSilence: () => tell({ kind: 'alive' }),
      signal: request.signal,
    });
  } catch (thrown) {
    tell({ kind: 'error', error: said(thrown) });
  }
  await told;
}
