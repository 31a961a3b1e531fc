/** The shapes of the kinds served: a table for each, naming the fields of src/kube/kinds.ts. */
import {
  boolean,
  integer,
  integerOrString,
  list,
  object,
  string,
  stringMap,
  strings,
  type Shape,
} from './shape.ts';

const metadata = object(
  {
    name: string,
    namespace: string,
    generateName: string,
    uid: string,
    resourceVersion: string,
    generation: integer,
    creationTimestamp: string,
    deletionTimestamp: string,
    deletionGracePeriodSeconds: integer,
    labels: stringMap,
    annotations: stringMap,
    finalizers: strings,
    ownerReferences: list(
      object(
        {
          apiVersion: string,
          kind: string,
          name: string,
          uid: string,
          controller: boolean,
          blockOwnerDeletion: boolean,
        },
        'apiVersion',
        'kind',
        'name',
        'uid',
      ),
    ),
  },
  'name',
);

export const whole = { apiVersion: string, kind: string, metadata };

export const namespaceShape: Shape = object({
  ...whole,
  spec: object({ finalizers: strings }),
  status: object({ phase: string }),
});

export const conditions = list(
  object(
    {
      type: string,
      status: string,
      reason: string,
      message: string,
      lastTransitionTime: string,
      lastUpdateTime: string,
    },
    'type',
    'status',
  ),
);

export const nodeShape: Shape = object({
  ...whole,
  spec: object({ podCIDRs: strings, unschedulable: boolean }),
  status: object({
    addresses: list(object({ type: string, address: string }, 'type', 'address')),
    conditions,
  }),
});

const containerPorts = list(
  object({ name: string, containerPort: integer, protocol: string }, 'containerPort'),
);

/** What probes and hooks have in common. */
const handlers = {
  httpGet: object(
    {
      path: string,
      port: integerOrString,
      host: string,
      scheme: string,
      httpHeaders: list(object({ name: string, value: string }, 'name', 'value')),
    },
    'port',
  ),
  tcpSocket: object({ port: integerOrString, host: string }, 'port'),
  exec: object({ command: strings }),
} as const;

const probe = object({
  ...handlers,
  grpc: object({ port: integer, service: string }, 'port'),
  initialDelaySeconds: integer,
  periodSeconds: integer,
  timeoutSeconds: integer,
  successThreshold: integer,
  failureThreshold: integer,
});

const hook = object({ ...handlers, sleep: object({ seconds: integer }) });

const containers = list(
  object(
    {
      name: string,
      image: string,
      command: strings,
      args: strings,
      env: list(object({ name: string, value: string }, 'name')),
      ports: containerPorts,
      readinessProbe: probe,
      livenessProbe: probe,
      startupProbe: probe,
      lifecycle: object({ postStart: hook, preStop: hook }),
    },
    'name',
  ),
);

export const podSpec = object({
  nodeName: string,
  hostname: string,
  subdomain: string,
  restartPolicy: string,
  terminationGracePeriodSeconds: integer,
  activeDeadlineSeconds: integer,
  tolerations: list(
    object({
      key: string,
      operator: string,
      value: string,
      effect: string,
      tolerationSeconds: integer,
    }),
  ),
  initContainers: containers,
  containers,
});

const containerState = object({
  running: object({ startedAt: string }),
  waiting: object({ reason: string, message: string }),
  terminated: object(
    {
      exitCode: integer,
      signal: integer,
      reason: string,
      message: string,
      startedAt: string,
      finishedAt: string,
    },
    'exitCode',
  ),
});

export const podShape: Shape = object({
  ...whole,
  spec: podSpec,
  status: object({
    phase: string,
    podIP: string,
    podIPs: list(object({ ip: string }, 'ip')),
    conditions,
    containerStatuses: list(
      object(
        {
          name: string,
          image: string,
          imageID: string,
          ready: boolean,
          started: boolean,
          restartCount: integer,
          state: containerState,
          lastState: containerState,
        },
        'name',
      ),
    ),
    startTime: string,
    reason: string,
    message: string,
  }),
});

const servicePort = object(
  {
    name: string,
    protocol: string,
    appProtocol: string,
    port: integer,
    targetPort: integerOrString,
    nodePort: integer,
  },
  'port',
);

export const serviceShape: Shape = object({
  ...whole,
  spec: object({
    type: string,
    clusterIP: string,
    clusterIPs: strings,
    ipFamilies: strings,
    ipFamilyPolicy: string,
    ports: list(servicePort),
    selector: stringMap,
    sessionAffinity: string,
    sessionAffinityConfig: object({ clientIP: object({ timeoutSeconds: integer }) }),
    externalIPs: strings,
    externalName: string,
    loadBalancerIP: string,
    loadBalancerClass: string,
    loadBalancerSourceRanges: strings,
    allocateLoadBalancerNodePorts: boolean,
    internalTrafficPolicy: string,
    externalTrafficPolicy: string,
    trafficDistribution: string,
    healthCheckNodePort: integer,
    publishNotReadyAddresses: boolean,
  }),
  status: object({
    loadBalancer: object({
      ingress: list(object({ ip: string, hostname: string, ipMode: string })),
    }),
  }),
});

const names = list(object({ name: string }, 'name'));

export const endpointSliceShape: Shape = object(
  {
    ...whole,
    addressType: string,
    endpoints: {
      type: 'list',
      nullable: true,
      items: object(
        {
          addresses: strings,
          conditions: object({ ready: boolean, serving: boolean, terminating: boolean }),
          hostname: string,
          nodeName: string,
          zone: string,
          hints: object({ forZones: names, forNodes: names }),
          targetRef: object({ kind: string, namespace: string, name: string, uid: string }),
        },
        'addresses',
      ),
    },
    ports: {
      type: 'list',
      nullable: true,
      items: object({ name: string, protocol: string, port: integer, appProtocol: string }),
    },
  },
  'addressType',
);
