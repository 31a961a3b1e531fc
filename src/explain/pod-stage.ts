/** How many of the Pods are ready, and what is in the way of the others. */
import type { Pod } from '../kube/index.ts';
import { isFinished, isReady, isTerminating, troubleOf, type PodTrouble } from './pod-trouble.ts';
import type { ServiceCase } from './service-case.ts';
import { subjectOf } from './world.ts';

export function tellPods(c: ServiceCase): void {
  const { notes, service, pods } = c;
  if (pods.length === 0) return;
  // What has finished or ends is on its way out; it counts only where nothing else is there.
  const current = pods.filter((pod) => !isFinished(pod) && !isTerminating(pod));
  const counted = current.length > 0 ? current : pods;
  const ready = pods.filter(isReady).length;
  const on = subjectOf(service, 'spec.selector');
  const all = counted.length;
  if (ready === all) notes.add('pods-ready', { on, values: { ready, all } });
  else if (ready > 0) notes.add('pods-some-ready', { on, values: { ready, all } });
  else
    notes.add('pods-none-ready', {
      on,
      values: { all },
      ...(c.isServed ? { severity: 'warning' } : {}),
    });
  const leaving = ready > 0 ? pods.filter((pod) => isFinished(pod) || isTerminating(pod)) : [];
  if (leaving.length > 0) {
    const names = leaving.map((pod) => pod.metadata.name).toSorted();
    notes.add('pods-leaving', { on, values: { pods: names } });
  }
  for (const group of groupsOf(pods.filter((pod) => !leaving.includes(pod)))) tellGroup(c, group);
  tellPublished(c);
}

interface TroubleGroup {
  readonly trouble: PodTrouble;
  readonly pods: readonly Pod[];
}

/** Pods with the same trouble are one finding, told by the first one's words. */
function groupsOf(pods: readonly Pod[]): readonly TroubleGroup[] {
  const groups = new Map<string, TroubleGroup>();
  for (const pod of pods) {
    const trouble = troubleOf(pod);
    if (trouble === undefined) continue;
    const { container, reason, gate } = trouble.values;
    const key = JSON.stringify([trouble.code, container, reason, gate]);
    const group = groups.get(key) ?? { trouble, pods: [] };
    groups.set(key, { trouble: group.trouble, pods: [...group.pods, pod] });
  }
  return [...groups.values()];
}

function tellGroup(c: ServiceCase, { trouble, pods }: TroubleGroup): void {
  const [first] = pods;
  if (first === undefined) return;
  const names = pods.map((pod) => pod.metadata.name).toSorted();
  c.notes.add(trouble.code, {
    on: subjectOf(first, trouble.field),
    values: { ...trouble.values, pods: names, first: first.metadata.name, namespace: c.namespace },
    // Where nothing serves, each trouble is why.
    ...(c.isServed ? {} : { severity: 'broken' }),
  });
}

function tellPublished({ notes, service, spec, pods }: ServiceCase): void {
  if (spec.publishNotReadyAddresses !== true) return;
  const on = subjectOf(service, 'spec.publishNotReadyAddresses');
  const unready = pods
    .filter((pod) => !isReady(pod) && !isFinished(pod))
    .map((pod) => pod.metadata.name);
  notes.add('publish-not-ready', { on, values: {} });
  if (unready.length > 0) notes.add('not-ready-published', { on, values: { pods: unready } });
}
