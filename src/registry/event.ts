/** Events: what happened to an object, for people. */
import { dnsSubdomainProblems, eventKind, type Event } from '../kube/index.ts';
import type { Strategy } from './strategy.ts';
import { eventShape } from './workload-shapes.ts';

export const eventStrategy: Strategy<Event> = {
  kind: eventKind,
  shape: eventShape,
  nameProblems: dnsSubdomainProblems,
  complete: (event) => ({
    ...event,
    // As in Go, where the object is never absent, only empty.
    involvedObject: { ...event.involvedObject },
  }),
  validate: ({ involvedObject, metadata }, _stored, problems) => {
    const { namespace = 'default' } = involvedObject;
    if (namespace !== metadata.namespace) {
      const why = 'does not match event.namespace';
      problems.invalid('involvedObject.namespace', involvedObject.namespace ?? '', why);
    }
  },
  initialStatus: (event) => event,
};
