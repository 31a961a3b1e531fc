/** The spec of Pods, theirs and that of templates: its defaults, and the rules for what is read here. */
import {
  dnsLabelProblems,
  freezeCopy,
  nodeTaints,
  portNameProblems,
  type Container,
  type LifecycleHandler,
  type PodSpec,
  type Probe,
  type Toleration,
} from '../kube/index.ts';
import type { Problems } from './problems.ts';
import { protocols, validatePortNumber } from './service-validation.ts';

export const defaultGracePeriodSeconds = 30;

const podDefaults = {
  restartPolicy: 'Always',
  terminationGracePeriodSeconds: defaultGracePeriodSeconds,
  dnsPolicy: 'ClusterFirst',
  securityContext: {},
  schedulerName: 'default-scheduler',
} as const;

/** Pods have it, templates do not: it comes when the Pod is made. One frozen copy that all Pods share. */
const ownPodDefaults = freezeCopy({
  enableServiceLinks: true,
  priority: 0,
  preemptionPolicy: 'PreemptLowerPriority',
});

/** What admission adds: a Pod stays for a while on a node that is in trouble. */
const nodeTolerations: readonly Toleration[] = freezeCopy(
  [nodeTaints.notReady, nodeTaints.unreachable].map((key) => ({
    key,
    operator: 'Exists',
    effect: 'NoExecute',
    tolerationSeconds: 300,
  })),
);

const containerDefaults = {
  resources: {},
  terminationMessagePath: '/dev/termination-log',
  terminationMessagePolicy: 'File',
} as const;

const probeDefaults = {
  timeoutSeconds: 1,
  periodSeconds: 10,
  successThreshold: 1,
  failureThreshold: 3,
} as const;

const restartPolicies: readonly string[] = ['Always', 'OnFailure', 'Never'];

export function completePodSpec(spec: PodSpec | undefined): PodSpec {
  const completed = completeTemplateSpec(spec);
  return { ...ownPodDefaults, ...completed, tolerations: withNodeTolerations(completed) };
}

function withNodeTolerations({ tolerations }: PodSpec): readonly Toleration[] {
  if (tolerations === undefined || tolerations.length === 0) return nodeTolerations;
  const missing = nodeTolerations.filter(
    (own) =>
      !tolerations.some(
        ({ key = '', effect = '' }) =>
          (key === own.key || key === '') && (effect === own.effect || effect === ''),
      ),
  );
  return missing.length === 0 ? tolerations : [...tolerations, ...missing];
}

export function completeTemplateSpec(spec: PodSpec | undefined): PodSpec {
  const { containers, initContainers } = spec ?? {};
  return {
    ...podDefaults,
    ...spec,
    ...(initContainers === undefined
      ? {}
      : { initContainers: initContainers.map(completeContainer) }),
    ...(containers === undefined ? {} : { containers: containers.map(completeContainer) }),
  };
}

function completeContainer(container: Container): Container {
  const isPinned = /:(?!latest$)[^/]+$/.test(container.image ?? '');
  const imageDefaults = { imagePullPolicy: isPinned ? 'IfNotPresent' : 'Always' };
  const { readinessProbe, livenessProbe, startupProbe, lifecycle } = container;
  return {
    ...containerDefaults,
    ...imageDefaults,
    ...container,
    ...(container.ports === undefined
      ? {}
      : { ports: container.ports.map((port) => ({ protocol: 'TCP', ...port })) }),
    ...(readinessProbe === undefined ? {} : { readinessProbe: completeProbe(readinessProbe) }),
    ...(livenessProbe === undefined ? {} : { livenessProbe: completeProbe(livenessProbe) }),
    ...(startupProbe === undefined ? {} : { startupProbe: completeProbe(startupProbe) }),
    ...(lifecycle === undefined ? {} : { lifecycle: completeHooks(lifecycle) }),
  };
}

function completeProbe(probe: Probe): Probe {
  return { ...probeDefaults, ...withRequest(probe) };
}

function completeHooks({
  postStart,
  preStop,
}: NonNullable<Container['lifecycle']>): NonNullable<Container['lifecycle']> {
  return {
    ...(postStart === undefined ? {} : { postStart: withRequest(postStart) }),
    ...(preStop === undefined ? {} : { preStop: withRequest(preStop) }),
  };
}

function withRequest<T extends Pick<Probe, 'httpGet'>>(handler: T): T {
  const { httpGet } = handler;
  return httpGet === undefined
    ? handler
    : { ...handler, httpGet: { path: '/', scheme: 'HTTP', ...httpGet } };
}

/** `field` is where the spec is: `spec`, or `spec.template.spec`. */
export function validatePodSpec(
  spec: PodSpec | undefined,
  field: string,
  problems: Problems,
): void {
  const containers = spec?.containers ?? [];
  if (containers.length === 0) problems.required(`${field}.containers`);
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const at = `${field}.containers[${i}]`;
    const { name, image = '' } = container;
    if (name === '') problems.required(`${at}.name`);
    else problems.invalidEach(`${at}.name`, name, dnsLabelProblems(name));
    if (name !== '' && names.has(name)) problems.duplicate(`${at}.name`, name);
    names.add(name);
    if (image === '') problems.required(`${at}.image`);
    validateContainerPorts(container, at, problems);
    validateProbes(container, at, problems);
    for (const [name, hook] of Object.entries(container.lifecycle ?? {})) {
      validateHandler(hook, `${at}.lifecycle.${name}`, problems);
    }
  }
  const { hostname, subdomain, terminationGracePeriodSeconds: grace = 0 } = spec ?? {};
  const { restartPolicy = 'Always' } = spec ?? {};
  for (const [name, value] of Object.entries({ hostname, subdomain })) {
    if (value === undefined) continue;
    problems.invalidEach(`${field}.${name}`, value, dnsLabelProblems(value));
  }
  if (!restartPolicies.includes(restartPolicy)) {
    problems.notSupported(`${field}.restartPolicy`, restartPolicy, restartPolicies);
  }
  validateNotNegative(grace, `${field}.terminationGracePeriodSeconds`, problems);
}

export function validateNotNegative(
  value: number | undefined,
  field: string,
  problems: Problems,
): void {
  if (value !== undefined && value < 0) {
    problems.invalid(field, value, 'must be greater than or equal to 0');
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

function validateProbes(container: Container, field: string, problems: Problems): void {
  const { readinessProbe, livenessProbe, startupProbe } = container;
  for (const [name, probe] of Object.entries({ livenessProbe, readinessProbe, startupProbe })) {
    if (probe === undefined) continue;
    const at = `${field}.${name}`;
    validateProbe(probe, at, problems);
    const { successThreshold = 1 } = probe;
    if (name !== 'readinessProbe' && successThreshold !== 1) {
      problems.invalid(`${at}.successThreshold`, successThreshold, 'must be 1');
    }
  }
}

function validateProbe(probe: Probe, field: string, problems: Problems): void {
  validateHandler(probe, field, problems);
  const { initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold } = probe;
  const numbers = { initialDelaySeconds, timeoutSeconds, periodSeconds, failureThreshold };
  for (const [name, value] of Object.entries(numbers)) {
    validateNotNegative(value, `${field}.${name}`, problems);
  }
}

/** Probes and hooks do exactly one thing. */
function validateHandler(
  { exec, httpGet, tcpSocket, grpc, sleep }: Pick<Probe, 'grpc'> & LifecycleHandler,
  field: string,
  problems: Problems,
): void {
  const handlers = Object.entries({ exec, httpGet, tcpSocket, grpc, sleep }).filter(
    ([, handler]) => handler !== undefined,
  );
  for (const [name] of handlers.slice(1)) {
    problems.forbidden(`${field}.${name}`, 'may not specify more than 1 handler type');
  }
  if (handlers.length === 0) problems.required(field, 'must specify a handler type');
  for (const [name, handler] of Object.entries({ httpGet, tcpSocket, grpc })) {
    const port = handler?.port;
    const at = `${field}.${name}.port`;
    if (typeof port === 'number') validatePortNumber(at, port, problems);
    else if (port !== undefined) problems.invalidEach(at, port, portNameProblems(port));
  }
  if (exec !== undefined && (exec.command ?? []).length === 0) {
    problems.required(`${field}.exec.command`);
  }
}
