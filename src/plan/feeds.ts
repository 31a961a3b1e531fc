/** What the planner follows: Services, EndpointSlices and the weights of Pods, from the API into the tracker. */
import {
  annotations,
  createReflector,
  endpointSliceKind,
  podKind,
  readAnnotation,
  serviceKind,
  type EndpointSlice,
  type EventRecorder,
  type ObjectClient,
  type Pod,
  type Reflector,
  type Service,
} from '../kube/index.ts';
import type { Clock, Random } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import { createProblemLog } from './problem-log.ts';
import type { ChangeTracker, PodWeight } from './tracker.ts';

export interface FeedOptions {
  readonly client: ObjectClient;
  readonly tracker: ChangeTracker;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly events?: EventRecorder | undefined;
  /** Called after each change. */
  readonly changed: () => void;
}

/** All of them, to be started together: a Plan needs every one to have been listed. */
export function createFeeds(options: FeedOptions): readonly Reflector[] {
  return [services(options), slices(options), weights(options)];
}

function services({ tracker, changed, events, ...common }: FeedOptions): Reflector {
  const problems = createProblemLog(common.log, events);
  return createReflector<Service>({
    ...common,
    kind: serviceKind,
    onReplace: (items) => {
      for (const service of items) problems.check(service);
      tracker.replaceServices(items);
      changed();
    },
    onEvent: ({ type, object }) => {
      if (type === 'DELETED') tracker.removeService(object);
      else {
        problems.check(object);
        tracker.setService(object);
      }
      changed();
    },
  });
}

function slices({ tracker, changed, ...common }: FeedOptions): Reflector {
  return createReflector<EndpointSlice>({
    ...common,
    kind: endpointSliceKind,
    onReplace: (items) => {
      tracker.replaceSlices(items);
      changed();
    },
    onEvent: ({ type, object }) => {
      if (type === 'DELETED') tracker.removeSlice(object);
      else tracker.setSlice(object);
      changed();
    },
  });
}

/** Only Pods that have the label are listed: where nobody weighs, this costs nothing. */
function weights({ tracker, changed, ...common }: FeedOptions): Reflector {
  return createReflector<Pod>({
    ...common,
    kind: podKind,
    options: { labelSelector: annotations.weight.key },
    onReplace: (items) => {
      tracker.replaceWeights(items.map(weightOf));
      changed();
    },
    onEvent: ({ type, object }) => {
      const weighed = weightOf(object);
      tracker.setWeight(type === 'DELETED' ? { ...weighed, weight: undefined } : weighed);
      changed();
    },
  });
}

/** A label that cannot be read counts as none. */
function weightOf(pod: Pod): PodWeight {
  const reading = readAnnotation(pod, annotations.weight);
  return {
    namespace: pod.metadata.namespace ?? '',
    pod: pod.metadata.name,
    weight: reading?.ok === true ? reading.value : undefined,
  };
}
