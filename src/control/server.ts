/** The serving side of the control socket: what a running instance tells the commands of its own user. */
import { CodedError } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import {
  LocalError,
  serveLocal,
  type LocalAnswer,
  type LocalRequest,
  type LocalServer,
} from '../sys/net/index.ts';
import { answerBackups, type BackupSource } from './backup-protocol.ts';
import { readExplainRequest, readHandoverRequest, readSpreadRequest } from './decode.ts';
import { errorView } from './error-view.ts';
import { ControlError } from './errors.ts';
import { readNameRequest, type NameSource } from './name-protocol.ts';
import { readRequestQuestion, type RequestSource } from './request-protocol.ts';
import { controlSocket } from './instance.ts';
import {
  controlPaths,
  protocolHeader,
  protocolVersion,
  type AuditView,
  type EndpointView,
  type ExplainRequest,
  type ExplainView,
  type HandoverOffer,
  type InstanceView,
  type MetricsView,
  type PlanView,
  type ServiceFilter,
  type ServicePortView,
  type SpreadLine,
  type SpreadRequest,
  type SpreadView,
  type TrafficView,
} from './protocol.ts';

import type { WorkloadSource } from './workload-protocol.ts';
import { answerWorkloads } from './workload-routes.ts';

/** What an instance can tell. Throws CodedErrors; they reach the person who asked. */
export interface ControlSource {
  instance(): InstanceView;
  services(filter: ServiceFilter): readonly ServicePortView[];
  endpoints(filter: ServiceFilter): readonly EndpointView[];
  traffic(filter: ServiceFilter): TrafficView;
  metrics(): Promise<MetricsView>;
  plan(): PlanView;
  spread(request: SpreadRequest, options: SpreadRun): Promise<SpreadView>;
  explain(request: ExplainRequest): Promise<ExplainView>;
  audit(): Promise<AuditView>;
  /** Prepares to hand everything to another process that speaks this protocol; undefined where that cannot be. */
  handOver?(protocol: string): Promise<HandoverOffer>;
  /** Undefined where no names are answered. */
  readonly names?: NameSource | undefined;
  /** Where requests are decided; undefined when this instance has no gateway. */
  readonly requests?: RequestSource | undefined;
  /** Undefined where the objects are somebody else's. */
  readonly backups?: BackupSource | undefined;
  /** Undefined where no Pods are run: a node of a cluster. */
  readonly workloads?: WorkloadSource | undefined;
}

export interface SpreadRun {
  readonly onProgress: (progress: { readonly done: number; readonly total: number }) => void;
  /** Aborts when the person who asked has gone, or the instance stops. */
  readonly signal: AbortSignal;
}

export interface ControlServerOptions {
  /** The instance's own folder (`instanceFolder`). */
  readonly folder: string;
  readonly instance: string;
  readonly source: ControlSource;
  /** While it is so only the instance itself is told of: half of an answer would pass for a whole one. */
  readonly isStarting?: (() => boolean) | undefined;
  readonly log: Logger;
}

/** `start` rejects with CONTROL_INSTANCE_TAKEN, or with a LOCAL code when the folder cannot be used. */
export function createControlServer(options: ControlServerOptions): Component {
  let server: LocalServer | undefined;
  let state: ComponentStatus['state'] = 'starting';
  return {
    name: 'control',
    start: async () => {
      const path = controlSocket(options.folder);
      try {
        server = await serveLocal(path, (request) => answer(request, options));
      } catch (thrown) {
        state = 'failed';
        throw thrown instanceof LocalError && thrown.code === 'LOCAL_IN_USE'
          ? instanceTaken(options.instance, thrown)
          : thrown;
      }
      state = 'ready';
      options.log.debug('Serving the control socket', { path });
    },
    stop: async () => {
      state = 'stopped';
      await server?.close();
      server = undefined;
    },
    status: () => ({ state, detail: undefined }),
  };
}

export function instanceTaken(instance: string, cause: unknown): ControlError {
  return new ControlError(
    'CONTROL_INSTANCE_TAKEN',
    `Cannot start instance ${instance}: an instance of that name is running already`,
    { cause, remedy: 'Stop it, or give this one another name with --instance' },
  );
}

/** Never rejects. */
async function answer(
  request: LocalRequest,
  { source, instance, isStarting, log }: ControlServerOptions,
): Promise<LocalAnswer> {
  try {
    checkVersion(request, instance, source);
    if (request.url.pathname !== controlPaths.instance && isStarting?.() === true) {
      throw new ControlError(
        'CONTROL_STARTING',
        `Cannot answer: instance ${instance} is starting`,
        {
          remedy: 'Ask again when it has said that it is ready',
        },
      );
    }
    const answered = await answerWorkloads({
      request,
      source: source.workloads,
      said: (thrown) => said(thrown, log),
    });
    const backedUp = await answerBackups(request, source.backups);
    return answered ?? backedUp ?? (await route(request, source, log));
  } catch (thrown) {
    return { kind: 'json', status: 400, body: { error: said(thrown, log) } };
  }
}

async function route(
  request: LocalRequest,
  source: ControlSource,
  log: Logger,
): Promise<LocalAnswer> {
  const { method, url } = request;
  const filter: ServiceFilter = {
    namespace: url.searchParams.get('namespace') ?? undefined,
    name: url.searchParams.get('name') ?? undefined,
  };
  switch (`${method} ${url.pathname}`) {
    case `GET ${controlPaths.instance}`:
      return ok(source.instance());
    case `GET ${controlPaths.services}`:
      return ok(source.services(filter));
    case `GET ${controlPaths.endpoints}`:
      return ok(source.endpoints(filter));
    case `GET ${controlPaths.traffic}`:
      return ok(source.traffic(filter));
    case `GET ${controlPaths.metrics}`:
      return ok(await source.metrics());
    case `GET ${controlPaths.plan}`:
      return ok(source.plan());
    case `GET ${controlPaths.audit}`:
      return ok(await source.audit());
    case `POST ${controlPaths.explain}`:
      return ok(await source.explain(readExplainRequest(request.body)));
    case `POST ${controlPaths.explainName}`:
      return ok(await namesOf(source).explain(readNameRequest(request.body)));
    case `POST ${controlPaths.explainRequest}`:
      return ok(await requestsOf(source).explain(readRequestQuestion(request.body)));
    case `POST ${controlPaths.spread}`: {
      const asked = readSpreadRequest(request.body);
      return {
        kind: 'lines',
        write: (emit) => runSpread(asked, { request, source, log, emit }),
      };
    }
    case `POST ${controlPaths.handover}`:
      if (source.handOver !== undefined) {
        return ok(await source.handOver(readHandoverRequest(request.body)));
      }
      throw noSuchQuestion(method, url);
    default:
      throw noSuchQuestion(method, url);
  }
}

function noSuchQuestion(method: string, url: URL): ControlError {
  return new ControlError(
    'CONTROL_BAD_REQUEST',
    `Cannot answer ${method} ${url.pathname}: there is no such question`,
  );
}

function namesOf({ names }: ControlSource): NameSource {
  if (names !== undefined) return names;
  throw new ControlError(
    'CONTROL_NO_NAMES',
    'Cannot explain the name: this instance answers no names',
    { remedy: 'Ask the instance that is your name server' },
  );
}

function requestsOf({ requests }: ControlSource): RequestSource {
  if (requests !== undefined) return requests;
  throw new ControlError(
    'CONTROL_NO_GATEWAY',
    'Cannot explain the request: this instance has no gateway',
    { remedy: 'Ask an instance that was started with switchyard up' },
  );
}

const ok = (body: unknown): LocalAnswer => ({ kind: 'json', status: 200, body });

interface Running {
  readonly request: LocalRequest;
  readonly source: ControlSource;
  readonly log: Logger;
  readonly emit: (line: SpreadLine) => Promise<void>;
}

async function runSpread(asked: SpreadRequest, running: Running): Promise<void> {
  const { request, source, log, emit } = running;
  // Progress is not waited for: the measurement must not run at the pace of whoever watches it.
  let told = Promise.resolve();
  try {
    const view = await source.spread(asked, {
      onProgress: ({ done, total }) => {
        told = told.then(() => emit({ kind: 'progress', done, total }));
      },
      signal: request.signal,
    });
    await told;
    await emit({ kind: 'result', view });
  } catch (thrown) {
    await told;
    await emit({ kind: 'error', error: said(thrown, log) });
  }
}

function checkVersion(request: LocalRequest, instance: string, source: ControlSource): void {
  const asked = request.header(protocolHeader);
  if (asked === protocolVersion) return;
  throw new ControlError(
    'CONTROL_VERSION_MISMATCH',
    `Cannot answer the command: instance ${instance} is Switchyard ${source.instance().version}` +
      ` with control protocol ${protocolVersion}, the command speaks ${asked ?? 'none'}`,
    {
      remedy:
        'Use the command of the version that is running, or restart the instance with this one',
    },
  );
}

/** The error as data. What nobody foresaw is also logged: its stack stays here. */
function said(thrown: unknown, log: Logger): ReturnType<typeof errorView> {
  if (!(thrown instanceof CodedError)) log.error('A control request failed', { error: thrown });
  return errorView(thrown);
}
