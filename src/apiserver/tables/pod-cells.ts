/** What Tables show of Pods (printPod in pkg/printers/internalversion, Kubernetes 1.36). */
import type { ContainerStatus, Pod } from '../../kube/index.ts';
import { ageSince } from './age.ts';
import type { Cells } from './core-cells.ts';

const none = '<none>';

export function podCells(pod: Pod, nowMs: number): Cells {
  const { spec = {}, status = {} } = pod;
  const statuses = status.containerStatuses ?? [];
  const ready = statuses.filter((one) => one.ready === true && one.state?.running !== undefined);
  const restarts = statuses.reduce((sum, one) => sum + (one.restartCount ?? 0), 0);
  const restartedAt = statuses
    .flatMap((one) => one.lastState?.terminated?.finishedAt ?? [])
    .toSorted()
    .at(-1);
  const restartText =
    restarts === 0 || restartedAt === undefined
      ? String(restarts)
      : `${restarts} (${ageSince(restartedAt, nowMs)} ago)`;
  return [
    `${ready.length}/${spec.containers?.length ?? 0}`,
    podReason(pod, ready.length > 0),
    restartText,
    status.podIP ?? status.podIPs?.[0]?.ip ?? none,
    spec.nodeName ?? none,
    none,
    none,
  ];
}

function podReason({ metadata, status = {} }: Pod, hasRunning: boolean): string {
  if (metadata.deletionTimestamp !== undefined) {
    return status.reason === 'NodeLost' ? 'Unknown' : 'Terminating';
  }
  const { reason = status.phase ?? '' } = status;
  // The first container with something to say is the one that is shown.
  const told = (status.containerStatuses ?? []).flatMap((one) => containerReason(one) ?? []);
  const shown = told[0] ?? reason;
  if (shown !== 'Completed' || !hasRunning) return shown;
  const isReady = (status.conditions ?? []).some((c) => c.type === 'Ready' && c.status === 'True');
  return isReady ? 'Running' : 'NotReady';
}

function containerReason({ state = {} }: ContainerStatus): string | undefined {
  const { waiting, terminated } = state;
  if (waiting?.reason !== undefined && waiting.reason !== '') return waiting.reason;
  if (terminated === undefined) return undefined;
  if (terminated.reason !== undefined && terminated.reason !== '') return terminated.reason;
  const { signal = 0, exitCode } = terminated;
  return signal === 0 ? `ExitCode:${exitCode}` : `Signal:${signal}`;
}
