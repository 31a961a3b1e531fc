/** The spec of Pods, theirs and that of templates: its defaults, and the rules for what is read here. */
import {
  dnsLabelProblems,
  portNameProblems,
  type Container,
  type PodSpec,
  type Probe,
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

/** Pods have it, templates do not: it comes when the Pod is made. */
const ownPodDefaults = { enableServiceLinks: true } as const;

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
  return { ...ownPodDefaults, ...completeTemplateSpec(spec) };
}

export function completeTemplateSpec(spec: PodSpec | undefined): PodSpec {
  const containers = spec?.containers;
  return {
    ...podDefaults,
    ...spec,
    ...(containers === undefined ? {} : { containers: containers.map(completeContainer) }),
  };
}

function completeContainer(container: Container): Container {
  const isPinned = /:(?!latest$)[^/]+$/.test(container.image ?? '');
  const imageDefaults = { imagePullPolicy: isPinned ? 'IfNotPresent' : 'Always' };
  const { readinessProbe, livenessProbe, startupProbe } = container;
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
  };
}

function completeProbe(probe: Probe): Probe {
  const { httpGet } = probe;
  return {
    ...probeDefaults,
    ...probe,
    ...(httpGet === undefined ? {} : { httpGet: { path: '/', scheme: 'HTTP', ...httpGet } }),
  };
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
  const { httpGet, tcpSocket, exec, grpc } = probe;
  const handlers = Object.entries({ exec, httpGet, tcpSocket, grpc }).filter(
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
  const { initialDelaySeconds, periodSeconds, timeoutSeconds, failureThreshold } = probe;
  const numbers = { initialDelaySeconds, timeoutSeconds, periodSeconds, failureThreshold };
  for (const [name, value] of Object.entries(numbers)) {
    validateNotNegative(value, `${field}.${name}`, problems);
  }
}
