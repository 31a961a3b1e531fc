/**
 * How a Service says it wants to choose: spec fields and annotations together, and what in them was not taken.
 * A value that cannot be read never stops the Service: it falls back by the rule its annotation documents.
 */
import {
  annotations,
  isHttpPort,
  isHttpsPort,
  readAnnotation,
  type Service,
} from '../kube/index.ts';
import {
  defaultScheduler,
  type Affinity,
  type ProxyProtocol,
  type Replay,
  type SchedulerName,
} from '../model/index.ts';
import { requestWishes, type ReadSetting, type RequestWishes } from './request-rules.ts';

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
  /** How HTTP ports are to be treated; undefined: by connections, as all others. */
  readonly perRequest: RequestWishes | undefined;
  /** For TCP ports. */
  readonly proxyProtocol: ProxyProtocol;
  /** For TCP ports. */
  readonly replay: Replay;
  readonly problems: readonly SettingProblem[];
}

/** The API server's default for ClientIP affinity, seconds. */
const defaultAffinityTimeoutSeconds = 10_800;

/** `fallback`: the scheduler of a Service that names none. */
export function serviceSettings(
  service: Service,
  fallback: SchedulerName = defaultScheduler,
): ServiceSettings {
  const problems: SettingProblem[] = [];
  const read: ReadSetting = (spec, instead) => {
    const reading = readAnnotation(service, spec);
    if (reading === undefined || reading.ok) return reading?.value;
    problems.push({ key: reading.key, problem: reading.problem, fallback: instead });
    return undefined;
  };
  const declared = service.spec?.sessionAffinity === 'ClientIP' ? 'clientIP' : 'none';
  const scheduler = read(annotations.scheduler, fallback) ?? fallback;
  const wished = read(annotations.affinity, declared) ?? declared;
  const balance = read(annotations.balance, 'connection') ?? 'connection';
  const hash = read(annotations.hash, 'the scheduler chooses');
  const wanted = wished === 'cookie' || balance === 'request' || hash !== undefined;
  const affinity = wished === 'cookie' ? 'cookie' : 'none';
  const perRequest = wanted ? requestWishes(service, { read, affinity, hash }) : undefined;
  if (perRequest !== undefined) problems.push(...portProblems(service, perRequest));
  return {
    scheduler,
    affinity: affinityOf(service, wished === 'cookie' ? declared : wished),
    perRequest,
    proxyProtocol: read(annotations.proxyProtocol, 'none') ?? 'none',
    replay: read(annotations.replay, 'none') ?? 'none',
    problems,
  };
}

/** Ports that keep balancing connections although their Service asks for more. */
function portProblems(service: Service, { affinity, tlsSecret }: RequestWishes): SettingProblem[] {
  const ports = service.spec?.ports ?? [];
  const { metadata } = service;
  const asked = [annotations.balance.key, annotations.hash.key];
  const key =
    affinity === 'cookie'
      ? annotations.affinity.key
      : (asked.find((each) => metadata.annotations?.[each] !== undefined) ??
        annotations.balance.key);
  return ports.flatMap((port) => {
    if (isHttpPort(port)) return [];
    const { port: number, name = String(number) } = port;
    const fallback = 'its connections are balanced';
    if (isHttpsPort(port)) {
      const problem = `port ${name} speaks TLS, and ${annotations.tlsSecret.key} names no Secret for it`;
      return tlsSecret === undefined ? [{ key, problem, fallback }] : [];
    }
    const problem = `port ${name} does not say that it is HTTP, by appProtocol or by the name http or grpc`;
    return [{ key, problem, fallback }];
  });
}

function affinityOf(service: Service, kind: 'none' | 'clientIP'): Affinity {
  if (kind === 'none') return { kind };
  const timeoutSeconds =
    service.spec?.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinityTimeoutSeconds;
  return { kind, timeoutSeconds };
}
