/** What keeps one Pod from serving, read from its status as a kubelet or Switchyard's node writes it. */
import { isJsonArray, isJsonObject, type Pod, type PodCondition } from '../kube/index.ts';
import { unsaid } from './reasons/pod-reasons.ts';
import type { ReasonCode } from './reasons.ts';

type PodCode = Extract<ReasonCode, `pod-${string}`>;

/** The first thing in the way; what comes behind it cannot be known. */
export interface PodTrouble {
  readonly code: PodCode;
  readonly field: string;
  readonly values: PodValues;
}

type PodValues = Readonly<
  Record<'container' | 'reason' | 'message' | 'probe' | 'phase' | 'gate' | 'exit', string>
> & { readonly restarts: number };

/** Ready to be listed as a ready endpoint: it has an address, says so, and does not end. */
export function isReady(pod: Pod): boolean {
  return troubleOf(pod) === undefined;
}

/** Succeeded or failed: it will never serve again. */
export function isFinished(pod: Pod): boolean {
  return pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
}

export function isTerminating(pod: Pod): boolean {
  return pod.metadata.deletionTimestamp !== undefined;
}

/** Undefined for a Pod that serves. */
export function troubleOf(pod: Pod): PodTrouble | undefined {
  if (isFinished(pod)) {
    const { reason, message } = pod.status ?? {};
    const said = [reason, message].filter((text) => text !== undefined).join(': ');
    return trouble(pod, 'pod-finished', { field: 'status.phase', reason: said || undefined });
  }
  if (isTerminating(pod)) {
    return trouble(pod, 'pod-terminating', { field: 'metadata.deletionTimestamp' });
  }
  const scheduled = conditionOf(pod, 'PodScheduled');
  if (scheduled?.status === 'False') return trouble(pod, 'pod-unscheduled', said(scheduled));
  const waiting = containersOf(pod).find((container) => container.waiting !== undefined);
  if (waiting !== undefined) return waitingTrouble(pod, waiting);
  const ready = conditionOf(pod, 'Ready');
  if (ready?.status !== 'True') return unreadyTrouble(pod, ready);
  const hasAddress = pod.status?.podIP !== undefined || (pod.status?.podIPs ?? []).length > 0;
  return hasAddress ? undefined : trouble(pod, 'pod-no-address', { field: 'status.podIP' });
}

function waitingTrouble(pod: Pod, container: ContainerState): PodTrouble {
  const { reason, message } = container.waiting ?? {};
  const { name, restarts, exitCode } = container;
  const exit = exitCode === undefined ? undefined : `exit code ${exitCode}`;
  const parts = { field: 'status.containerStatuses', container: name, reason, message };
  if (reason === 'CrashLoopBackOff')
    return trouble(pod, 'pod-crashing', { ...parts, restarts, exit });
  return trouble(pod, /image/i.test(reason ?? '') ? 'pod-image' : 'pod-waiting', parts);
}

function unreadyTrouble(pod: Pod, ready: PodCondition | undefined): PodTrouble {
  if (
    pod.status?.podIP === undefined &&
    (pod.status?.podIPs ?? []).length === 0 &&
    ready === undefined
  ) {
    return trouble(pod, 'pod-no-address', { field: 'status.podIP' });
  }
  if (ready === undefined) return trouble(pod, 'pod-unreported', { field: 'status.conditions' });
  const containers = conditionOf(pod, 'ContainersReady');
  const texts = `${ready.message ?? ''} ${containers?.message ?? ''}`;
  const unready = containersOf(pod).find((container) => !container.ready);
  const probe = probeOf(pod, unready?.name);
  if (/connection refused|ECONNREFUSED|nothing listens/i.test(texts)) {
    return trouble(pod, 'pod-refused', said(ready));
  }
  if (/probe/i.test(texts) || (unready !== undefined && probe !== undefined)) {
    const container = unready?.name ?? pod.spec?.containers?.[0]?.name;
    return trouble(pod, 'pod-probe-failed', { ...said(ready), probe, container });
  }
  const gate = gatesOf(pod).find((type) => conditionOf(pod, type)?.status !== 'True');
  if (gate !== undefined && containers?.status !== 'False') {
    const message = conditionOf(pod, gate)?.message ?? ready.message;
    return trouble(pod, 'pod-gate', { field: 'spec.readinessGates', gate, message });
  }
  return trouble(pod, 'pod-not-ready', said(ready));
}

type TroubleParts = { readonly field: string } & {
  readonly [Name in keyof PodValues]?: PodValues[Name] | undefined;
};

function trouble(pod: Pod, code: PodCode, parts: TroubleParts): PodTrouble {
  const { field, reason, message, probe, exit, container = '', gate = '', restarts = 0 } = parts;
  const values = {
    container,
    gate,
    restarts,
    reason: reason ?? unsaid.reason,
    message: message?.replace(/\.$/, '') ?? unsaid.message,
    probe: probe ?? unsaid.probe,
    exit: exit ?? unsaid.exit,
    phase: pod.status?.phase ?? unsaid.phase,
  };
  return { code, field, values };
}

function said({ type, reason, message }: PodCondition): TroubleParts {
  return { field: `status.conditions[${type}]`, reason, message };
}

function conditionOf(pod: Pod, type: string): PodCondition | undefined {
  return pod.status?.conditions?.find((condition) => condition.type === type);
}

interface ContainerState {
  readonly name: string;
  readonly ready: boolean;
  readonly restarts: number;
  /** Undefined while the container runs or has ended. */
  readonly waiting:
    | { readonly reason: string | undefined; readonly message: string | undefined }
    | undefined;
  /** How it ended the last time. */
  readonly exitCode: number | undefined;
}

/** Init containers first: the others wait for them. */
function containersOf(pod: Pod): readonly ContainerState[] {
  return ['initContainerStatuses', 'containerStatuses'].flatMap((list) =>
    listAt(pod.status, list).map((status) => {
      const waiting = at(at(status, 'state'), 'waiting');
      const exitCode = at(at(at(status, 'lastState'), 'terminated'), 'exitCode');
      const restarts = at(status, 'restartCount');
      return {
        name: textAt(status, 'name') ?? '',
        ready: at(status, 'ready') === true,
        restarts: typeof restarts === 'number' ? restarts : 0,
        waiting: isJsonObject(waiting)
          ? { reason: textAt(waiting, 'reason'), message: textAt(waiting, 'message') }
          : undefined,
        exitCode: typeof exitCode === 'number' ? exitCode : undefined,
      };
    }),
  );
}

/** `GET :8080/healthz`: what a container's readiness probe asks; of the first container that has one. */
function probeOf(pod: Pod, container: string | undefined): string | undefined {
  const containers = listAt(pod.spec, 'containers');
  const found = containers.filter((c) => container === undefined || at(c, 'name') === container);
  const [probe] = found.flatMap((c) => at(c, 'readinessProbe') ?? []);
  const get = at(probe, 'httpGet');
  const command = at(at(probe, 'exec'), 'command');
  const port = (kind: string): string => String(at(at(probe, kind), 'port'));
  if (get !== undefined) return `GET :${port('httpGet')}${textAt(get, 'path') ?? '/'}`;
  if (at(probe, 'tcpSocket') !== undefined) return `TCP :${port('tcpSocket')}`;
  if (at(probe, 'grpc') !== undefined) return `gRPC :${port('grpc')}`;
  return isJsonArray(command) ? `the command ${command.join(' ')}` : undefined;
}

function gatesOf(pod: Pod): readonly string[] {
  return listAt(pod.spec, 'readinessGates').flatMap((gate) => textAt(gate, 'conditionType') ?? []);
}

// Kinds keep fields they do not know; these few are read as the unknown JSON they are.

function at(value: unknown, key: string): unknown {
  return isJsonObject(value) ? value[key] : undefined;
}

function textAt(value: unknown, key: string): string | undefined {
  const found = at(value, key);
  return typeof found === 'string' ? found : undefined;
}

function listAt(value: unknown, key: string): readonly unknown[] {
  const found = at(value, key);
  return isJsonArray(found) ? found : [];
}
