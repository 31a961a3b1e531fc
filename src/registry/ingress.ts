/** Ingresses: their rules (pkg/apis/networking, Kubernetes 1.36). */
import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  ingressKind,
  portNameProblems,
  type Ingress,
  type IngressBackend,
  type IngressPath,
} from '../kube/index.ts';
import { parseIp } from '../model/index.ts';
import { ingressShape } from './ingress-shapes.ts';
import type { Problems } from './problems.ts';
import { validatePortNumber } from './service-validation.ts';
import type { Strategy } from './strategy.ts';

const pathTypes: readonly string[] = ['Exact', 'ImplementationSpecific', 'Prefix'];
const badParts = ['//', '/./', '/../', '%2f', '%2F'] as const;
const badEnds = ['/..', '/.'] as const;

export const ingressStrategy: Strategy<Ingress> = {
  kind: ingressKind,
  shape: ingressShape,
  nameProblems: dnsSubdomainProblems,
  complete: (ingress) => ({ ...ingress, spec: { ...ingress.spec } }),
  validate: ({ spec = {} }, _stored, problems) => {
    const { rules = [], defaultBackend, ingressClassName, tls = [] } = spec;
    if (rules.length === 0 && defaultBackend === undefined) {
      const why = 'either `defaultBackend` or `rules` must be specified';
      problems.invalid('spec', spec, why);
    }
    if (defaultBackend !== undefined) {
      validateBackend(defaultBackend, 'spec.defaultBackend', problems);
    }
    for (const [i, { host = '', http }] of rules.entries()) {
      const at = `spec.rules[${i}]`;
      if (host !== '') validateHost(host, `${at}.host`, problems);
      if (http !== undefined) validatePaths(http.paths ?? [], `${at}.http.paths`, problems);
    }
    for (const [i, { hosts = [] }] of tls.entries()) {
      for (const [n, host] of hosts.entries()) {
        validateHost(host, `spec.tls[${i}].hosts[${n}]`, problems);
      }
    }
    if (ingressClassName !== undefined) {
      const why = dnsSubdomainProblems(ingressClassName);
      problems.invalidEach('spec.ingressClassName', ingressClassName, why);
    }
  },
  initialStatus: (ingress) => ({ ...ingress, status: { loadBalancer: {} } }),
};

function validateHost(host: string, field: string, problems: Problems): void {
  if (parseIp(host) !== undefined) {
    problems.invalid(field, host, 'must be a DNS name, not an IP address');
    return;
  }
  if (!host.includes('*')) {
    problems.invalidEach(field, host, dnsSubdomainProblems(host));
  } else if (!host.startsWith('*.') || dnsSubdomainProblems(host.slice(2)).length > 0) {
    const why =
      "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character (e.g. '*.example.com', regex used for validation is '\\*\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    problems.invalid(field, host, why);
  }
}

function validatePaths(paths: readonly IngressPath[], field: string, problems: Problems): void {
  if (paths.length === 0) problems.required(field);
  for (const [i, { path = '', pathType, backend = {} }] of paths.entries()) {
    const at = `${field}[${i}]`;
    if (pathType === undefined) problems.required(`${at}.pathType`, 'pathType must be specified');
    else if (!pathTypes.includes(pathType)) {
      problems.notSupported(`${at}.pathType`, pathType, pathTypes);
    } else if (pathType !== 'ImplementationSpecific' || path !== '') {
      validatePath(path, { pathType, field: `${at}.path` }, problems);
    }
    validateBackend(backend, `${at}.backend`, problems);
  }
}

function validatePath(
  path: string,
  { pathType, field }: { readonly pathType: string; readonly field: string },
  problems: Problems,
): void {
  if (!path.startsWith('/')) problems.invalid(field, path, 'must be an absolute path');
  if (pathType === 'ImplementationSpecific') return;
  for (const part of badParts) {
    if (path.includes(part)) problems.invalid(field, path, `must not contain '${part}'`);
  }
  for (const end of badEnds) {
    if (path.endsWith(end)) problems.invalid(field, path, `cannot end with '${end}'`);
  }
}

function validateBackend(
  { service, resource }: IngressBackend,
  field: string,
  problems: Problems,
): void {
  if (service !== undefined && resource !== undefined) {
    problems.invalid(field, '', 'cannot set both resource and service backends');
    return;
  }
  if (resource !== undefined) {
    if (resource.kind === '') problems.required(`${field}.resource.kind`);
    if (resource.name === '') problems.required(`${field}.resource.name`);
    return;
  }
  const { name = '', port = {} } = service ?? {};
  if (service === undefined) {
    problems.required(field, 'cannot omit both resource and service backends');
    return;
  }
  if (name === '') problems.required(`${field}.service.name`);
  else problems.invalidEach(`${field}.service.name`, name, dnsLabelProblems(name));
  const { name: portName = '', number = 0 } = port;
  if (portName !== '' && number !== 0) {
    problems.invalid(field, '', 'cannot set both port name & port number');
  } else if (portName !== '') {
    problems.invalidEach(`${field}.service.port.name`, portName, portNameProblems(portName));
  } else if (number === 0) {
    problems.required(field, 'port name or number is required');
  } else {
    validatePortNumber(`${field}.service.port.number`, number, problems);
  }
}
