/** Pods: the defaults a kubelet would rely on, and the rules for what is read here. */
import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  podKind,
  portNameProblems,
  type Container,
  type Pod,
} from '../kube/index.ts';
import type { Problems } from './problems.ts';
import { protocols, validatePortNumber } from './service-validation.ts';
import { podShape } from './shapes.ts';
import type { Strategy } from './strategy.ts';

export const podStrategy: Strategy<Pod> = {
  kind: podKind,
  shape: podShape,
  nameProblems: dnsSubdomainProblems,
  complete: (pod) => ({
    ...pod,
    spec: {
      ...podDefaults,
      ...pod.spec,
      ...(pod.spec?.containers === undefined
        ? {}
        : { containers: pod.spec.containers.map(completeContainer) }),
    },
  }),
  validate: validatePod,
  initialStatus: (pod) => {
    // An embedded Pod with an address is something that runs already: its status is taken as given.
    const given = pod.status?.podIP === undefined ? { phase: 'Pending' } : pod.status;
    return { ...pod, status: { ...given, ...initialStatus } };
  },
};

const podDefaults = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: 30,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
  enableServiceLinks: true,
} as const;

const initialStatus = { qosClass: 'BestEffort' } as const;

const containerDefaults = {
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
} as const;

function completeContainer(container: Container): Container {
  const isPinned = /:(?!latest$)[^/]+$/.test(container.image ?? '');
  const imageDefaults = { imagePullPolicy: isPinned ? 'IfNotPresent' : 'Always' };
  return {
    ...containerDefaults,
    ...imageDefaults,
    ...container,
    ...(container.ports === undefined
      ? {}
      : { ports: container.ports.map((port) => ({ protocol: 'TCP', ...port })) }),
  };
}

function validatePod(pod: Pod, _stored: Pod | undefined, problems: Problems): void {
  const containers = pod.spec?.containers ?? [];
  if (containers.length === 0) problems.required('spec.containers');
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const field = `spec.containers[${i}]`;
    const { name, image = '' } = container;
    if (name === '') problems.required(`${field}.name`);
    else problems.invalidEach(`${field}.name`, name, dnsLabelProblems(name));
    if (name !== '' && names.has(name)) problems.duplicate(`${field}.name`, name);
    names.add(name);
    if (image === '') problems.required(`${field}.image`);
    validateContainerPorts(container, field, problems);
  }
  const { hostname, subdomain, terminationGracePeriodSeconds: grace = 0 } = pod.spec ?? {};
  for (const [field, value] of Object.entries({ hostname, subdomain })) {
    if (value !== undefined) problems.invalidEach(`spec.${field}`, value, dnsLabelProblems(value));
  }
  if (grace < 0) {
    const field = 'spec.terminationGracePeriodSeconds';
    problems.invalid(field, grace, 'must be greater than or equal to 0');
  }
}

function validateContainerPorts(container: Container, field: string, problems: Problems): void {
  const names = new Set<string>();
  for (const [i, port] of (container.ports ?? []).entries()) {
    const at = `${field}.ports[${i}]`;
    const { name = '', containerPort, protocol = '' } = port;
    if (name !== '') {
      problems.invalidEach(`${at}.name`, name, portNameProblems(name));
      if (names.has(name)) problems.duplicate(`${at}.name`, name);
      names.add(name);
    }
    if (containerPort === 0) problems.required(`${at}.containerPort`);
    else validatePortNumber(`${at}.containerPort`, containerPort, problems);
    if (!protocols.includes(protocol)) {
      problems.notSupported(`${at}.protocol`, protocol, protocols);
    }
  }
}
