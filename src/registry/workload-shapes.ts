/** The shapes of the kinds that make Pods, of Events, and of what is only kept. */
import {
  boolean,
  integer,
  integerOrString,
  list,
  object,
  string,
  stringMap,
  strings,
} from './shape.ts';
import type { Shape } from './shape.ts';
import { conditions, podSpec, whole } from './shapes.ts';

const selector = object({
  matchLabels: stringMap,
  matchExpressions: list(
    object({ key: string, operator: string, values: strings }, 'key', 'operator'),
  ),
});

const template = object({
  metadata: object({ name: string, labels: stringMap, annotations: stringMap }),
  spec: podSpec,
});

const counts = {
  observedGeneration: integer,
  replicas: integer,
  readyReplicas: integer,
  availableReplicas: integer,
  updatedReplicas: integer,
} as const;

export const deploymentShape: Shape = object({
  ...whole,
  spec: object({
    replicas: integer,
    selector,
    template,
    strategy: object({
      type: string,
      rollingUpdate: object({ maxSurge: integerOrString, maxUnavailable: integerOrString }),
    }),
    minReadySeconds: integer,
    revisionHistoryLimit: integer,
    progressDeadlineSeconds: integer,
    paused: boolean,
  }),
  status: object({ ...counts, unavailableReplicas: integer, collisionCount: integer, conditions }),
});

export const replicaSetShape: Shape = object({
  ...whole,
  spec: object({ replicas: integer, minReadySeconds: integer, selector, template }),
  status: object({ ...counts, fullyLabeledReplicas: integer, conditions }),
});

export const statefulSetShape: Shape = object({
  ...whole,
  spec: object({
    replicas: integer,
    selector,
    template,
    serviceName: string,
    podManagementPolicy: string,
    minReadySeconds: integer,
    revisionHistoryLimit: integer,
    ordinals: object({ start: integer }),
    updateStrategy: object({ type: string, rollingUpdate: object({ partition: integer }) }),
  }),
  status: object({
    ...counts,
    currentReplicas: integer,
    currentRevision: string,
    updateRevision: string,
    collisionCount: integer,
  }),
});

/** Of the data nothing is known here: each controller has its own. */
export const controllerRevisionShape: Shape = object({ ...whole, revision: integer }, 'revision');

export const eventShape: Shape = object({
  ...whole,
  involvedObject: object({
    apiVersion: string,
    kind: string,
    namespace: string,
    name: string,
    uid: string,
    resourceVersion: string,
  }),
  reason: string,
  message: string,
  type: string,
  count: integer,
  firstTimestamp: string,
  lastTimestamp: string,
  source: object({ component: string, host: string }),
  reportingComponent: string,
  reportingInstance: string,
});

export const configMapShape: Shape = object({
  ...whole,
  data: stringMap,
  binaryData: stringMap,
  immutable: boolean,
});

export const secretShape: Shape = object({
  ...whole,
  type: string,
  data: stringMap,
  stringData: stringMap,
  immutable: boolean,
});

export const leaseShape: Shape = object({
  ...whole,
  spec: object({
    holderIdentity: string,
    leaseDurationSeconds: integer,
    acquireTime: string,
    renewTime: string,
    leaseTransitions: integer,
  }),
});
