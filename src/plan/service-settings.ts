/**
 * How a Service says it wants to choose: spec fields and annotations together, and what in them was not taken.
 * A value that cannot be read never stops the Service: it falls back by the rule its annotation documents.
 */
import {
  annotations,
  isHttpPort,
  readAnnotation,
  type AnnotationSpec,
  type Service,
} from '../kube/index.ts';
import {
  defaultScheduler,
  type Affinity,
  type ProxyProtocol,
  type Replay,
  type SchedulerName,
} from '../model/index.ts';

/** An annotation that was not taken as it stands. */
export interface SettingProblem {
  readonly key: string;
  readonly problem: string;
  /** What holds instead. */
  readonly fallback: string;
}

export interface ServiceSettings {
  readonly scheduler: SchedulerName;
  /** For connections. */
  readonly affinity: Affinity;
  /** What HTTP ports are to be balanced by; undefined: by connections, as all others. */
  readonly perRequest: 'none' | 'cookie' | undefined;
  /** For TCP ports. */
  readonly proxyProtocol: ProxyProtocol;
  /** For TCP ports. */
  readonly replay: Replay;
  readonly problems: readonly SettingProblem[];
}

/** The API server's default for ClientIP affinity, seconds. */
const defaultAffinityTimeoutSeconds = 10_800;

export function serviceSettings(service: Service): ServiceSettings {
  const problems: SettingProblem[] = [];
  const read = <T>(spec: AnnotationSpec<T>, fallback: string): T | undefined => {
    const reading = readAnnotation(service, spec);
    if (reading === undefined || reading.ok) return reading?.value;
    problems.push({ key: reading.key, problem: reading.problem, fallback });
    return undefined;
  };
  const declared = service.spec?.sessionAffinity === 'ClientIP' ? 'clientIP' : 'none';
  const scheduler = read(annotations.scheduler, defaultScheduler) ?? defaultScheduler;
  const wished = read(annotations.affinity, declared) ?? declared;
  const balance = read(annotations.balance, 'connection') ?? 'connection';
  const perRequest = wished === 'cookie' ? 'cookie' : balance === 'request' ? 'none' : undefined;
  if (perRequest !== undefined && !(service.spec?.ports ?? []).some(isHttpPort)) {
    problems.push({
      key: wished === 'cookie' ? annotations.affinity.key : annotations.balance.key,
      problem: 'no port says that it is HTTP, by appProtocol or by the name http or grpc',
      fallback: 'connections are balanced',
    });
  }
  return {
    scheduler,
    affinity: affinityOf(service, wished === 'cookie' ? declared : wished),
    perRequest,
    proxyProtocol: read(annotations.proxyProtocol, 'none') ?? 'none',
    replay: read(annotations.replay, 'none') ?? 'none',
    problems,
  };
}

function affinityOf(service: Service, kind: 'none' | 'clientIP'): Affinity {
  if (kind === 'none') return { kind };
  const timeoutSeconds =
    service.spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinityTimeoutSeconds;
  return { kind, timeoutSeconds };
}
