/** The rules of a Service's spec, in the order and the words of the API server (Kubernetes 1.36). */
import {
  dnsLabelProblems,
  dnsSubdomainProblems,
  portNameProblems,
  qualifiedNameProblems,
  type Service,
  type ServicePortSpec,
  type ServiceSpec,
} from '../kube/index.ts';
import { familyOf, parseCidr, parseIp } from '../model/index.ts';
import { notAnAddress, notARange, specialAddressProblems } from './addresses.ts';
import { validateLabels } from './metadata.ts';
import type { Problems } from './problems.ts';
import { validateFamilyChange } from './service-families.ts';
import { isExternallyAccessible, isHeadless, needsHealthCheckPort } from './service-defaults.ts';

const portProblem = 'must be between 1 and 65535, inclusive';
export const protocols: readonly string[] = ['SCTP', 'TCP', 'UDP'];

const kubeletPort = 10_250;
const maxAffinityTimeoutSeconds = 86_400;

/** `service` is completed. */
export function validateService(
  service: Service,
  stored: Service | undefined,
  problems: Problems,
): void {
  const spec = service.spec ?? {};
  const ports = spec.ports ?? [];
  if (ports.length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName') {
    problems.required('spec.ports');
  }
  validateForType(spec, problems);
  validatePorts(ports, problems);
  validateLabels(spec.selector, 'spec.selector', problems);
  validateAffinity(spec, problems);
  validateClusterIps(spec, problems);
  for (const [i, address] of (spec.externalIPs ?? []).entries()) {
    const field = `spec.externalIPs[${i}]`;
    if (parseIp(address) === undefined) problems.invalid(field, address, notAnAddress);
    problems.invalidEach(field, address, specialAddressProblems(address));
  }
  oneOf('spec.type', spec.type, { of: types, problems });
  validateNodePorts(spec, problems);
  validateDuplicatePorts(ports, problems);
  validateSourceRanges(spec, problems);
  validateLoadBalancer(spec, problems);
  validatePolicies(spec, problems);
  if (stored?.spec !== undefined) validateChange(spec, stored.spec, problems);
}

const types: readonly string[] = ['ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'];

function oneOf(
  field: string,
  value: string | undefined,
  rule: { readonly of: readonly string[]; readonly problems: Problems },
): void {
  if (value === undefined || value === '') rule.problems.required(field);
  else if (!rule.of.includes(value)) rule.problems.notSupported(field, value, rule.of);
}

function validateForType(spec: ServiceSpec, problems: Problems): void {
  const { type = '' } = spec;
  if (type === 'LoadBalancer') {
    for (const [i, { port }] of (spec.ports ?? []).entries()) {
      if (port !== kubeletPort) continue;
      const why = `may not expose port ${kubeletPort} externally since it is used by kubelet`;
      problems.invalid(`spec.ports[${i}]`, port, why);
    }
  }
  if ((type === 'LoadBalancer' || type === 'NodePort') && isHeadless(spec)) {
    const why = `may not be set to 'None' for ${type} services`;
    problems.invalid('spec.clusterIPs[0]', 'None', why);
  }
  if (type === 'ExternalName') validateExternalName(spec, problems);
}

function validateExternalName(spec: ServiceSpec, problems: Problems): void {
  const why = 'may not be set for ExternalName services';
  if ((spec.clusterIPs ?? []).length > 0) problems.forbidden('spec.clusterIPs', why);
  if ((spec.ipFamilies ?? []).length > 0) problems.forbidden('spec.ipFamilies', why);
  if (spec.ipFamilyPolicy !== undefined) problems.forbidden('spec.ipFamilyPolicy', why);
  // A trailing dot marks the name as complete.
  const name = (spec.externalName ?? '').replace(/\.$/, '');
  if (name === '') problems.required('spec.externalName');
  else problems.invalidEach('spec.externalName', name, dnsSubdomainProblems(name));
}

function validatePorts(ports: readonly ServicePortSpec[], problems: Problems): void {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const field = `spec.ports[${i}]`;
    const { name = '', protocol, appProtocol } = port;
    if (name === '') {
      if (ports.length > 1) problems.required(`${field}.name`);
    } else {
      problems.invalidEach(`${field}.name`, name, dnsLabelProblems(name));
      if (names.has(name)) problems.duplicate(`${field}.name`, name);
      names.add(name);
    }
    validatePortNumber(`${field}.port`, port.port, problems);
    oneOf(`${field}.protocol`, protocol, { of: protocols, problems });
    const target = port.targetPort ?? 0;
    if (typeof target === 'number') validatePortNumber(`${field}.targetPort`, target, problems);
    else problems.invalidEach(`${field}.targetPort`, target, portNameProblems(target));
    if (appProtocol !== undefined) {
      problems.invalidEach(`${field}.appProtocol`, appProtocol, qualifiedNameProblems(appProtocol));
    }
  }
}

export function validatePortNumber(field: string, port: number, problems: Problems): void {
  if (port < 1 || port > 65_535) problems.invalid(field, port, portProblem);
}

function validateAffinity(spec: ServiceSpec, problems: Problems): void {
  const of = ['ClientIP', 'None'];
  oneOf('spec.sessionAffinity', spec.sessionAffinity, { of, problems });
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinity !== 'ClientIP' || timeout === undefined) return;
  if (timeout > 0 && timeout <= maxAffinityTimeoutSeconds) return;
  const field = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
  const why = `must be greater than 0 and less than ${maxAffinityTimeoutSeconds}`;
  problems.invalid(field, timeout, why);
}

function validateClusterIps(spec: ServiceSpec, problems: Problems): void {
  if (spec.type === 'ExternalName') return;
  const { clusterIP = '', clusterIPs = [], ipFamilies = [] } = spec;
  if (clusterIPs.length > 0 && clusterIP === '') {
    const why = 'must be empty when `clusterIP` is not specified';
    problems.invalid('spec.clusterIPs', clusterIPs, why);
  } else if (clusterIPs.length > 0 && clusterIPs[0] !== clusterIP) {
    problems.invalid('spec.clusterIPs', clusterIPs, 'first value must match `clusterIP`');
  }
  for (const [i, family] of ipFamilies.entries()) {
    const field = `spec.ipFamilies[${i}]`;
    if (family !== 'IPv4' && family !== 'IPv6') {
      problems.notSupported(field, family, ['IPv4', 'IPv6']);
    } else if (ipFamilies.indexOf(family) < i) {
      problems.duplicate(field, family);
    }
  }
  if (spec.ipFamilyPolicy !== undefined) {
    const of = ['PreferDualStack', 'RequireDualStack', 'SingleStack'];
    oneOf('spec.ipFamilyPolicy', spec.ipFamilyPolicy, { of, problems });
  }
  validateClusterIpList(clusterIPs, ipFamilies, problems);
}

function validateClusterIpList(
  addresses: readonly string[],
  families: readonly string[],
  problems: Problems,
): void {
  if (addresses[0] === 'None') {
    if (addresses.length > 1) {
      problems.invalid('spec.clusterIPs', addresses, "'None' must be the first and only value");
    }
    return;
  }
  if (addresses.length > 2) {
    problems.invalid('spec.clusterIPs', addresses, 'may only hold up to 2 values');
  }
  for (const [i, address] of addresses.entries()) {
    const field = `spec.clusterIPs[${i}]`;
    if (parseIp(address) === undefined) {
      problems.invalid(field, address, notAnAddress);
    } else if (families[i] !== undefined && familyOf(address) !== families[i]) {
      const why = `expected an ${families[i]} value as indicated by \`ipFamilies[${i}]\``;
      problems.invalid(field, address, why);
    }
  }
}

function validateNodePorts({ type, ports = [] }: ServiceSpec, problems: Problems): void {
  const seen = new Set<string>();
  for (const [i, { nodePort = 0, protocol }] of ports.entries()) {
    if (nodePort === 0) continue;
    const field = `spec.ports[${i}].nodePort`;
    if (type === 'ClusterIP') {
      problems.forbidden(field, "may not be used when `type` is 'ClusterIP'");
    }
    const key = `${protocol}/${nodePort}`;
    if (seen.has(key)) problems.duplicate(field, nodePort);
    seen.add(key);
  }
}

function validateDuplicatePorts(ports: readonly ServicePortSpec[], problems: Problems): void {
  const seen = new Set<string>();
  for (const [i, { port, protocol }] of ports.entries()) {
    const key = `${protocol}/${port}`;
    if (seen.has(key)) {
      // The API server prints its own structure here.
      problems.duplicate(`spec.ports[${i}]`, {
        Name: '',
        Protocol: protocol,
        AppProtocol: null,
        Port: port,
        TargetPort: 0,
        NodePort: 0,
      });
    }
    seen.add(key);
  }
}

function validateSourceRanges(spec: ServiceSpec, problems: Problems): void {
  const ranges = spec.loadBalancerSourceRanges ?? [];
  // The API server spells the field this way.
  const field = 'spec.LoadBalancerSourceRanges';
  if (ranges.length > 0 && spec.type !== 'LoadBalancer') {
    problems.forbidden(field, "may only be used when `type` is 'LoadBalancer'");
  }
  for (const [i, range] of ranges.entries()) {
    if (parseCidr(range.trim()) === undefined) problems.invalid(`${field}[${i}]`, range, notARange);
  }
}

function validatePolicies(spec: ServiceSpec, problems: Problems): void {
  const { externalTrafficPolicy, internalTrafficPolicy, trafficDistribution } = spec;
  const of = ['Cluster', 'Local'];
  const external = 'spec.externalTrafficPolicy';
  if (isExternallyAccessible(spec)) {
    oneOf(external, externalTrafficPolicy, { of, problems });
  } else if (externalTrafficPolicy !== undefined && externalTrafficPolicy !== '') {
    const why = 'may only be set for externally-accessible services';
    problems.invalid(external, externalTrafficPolicy, why);
  }
  const healthPort = spec.healthCheckNodePort ?? 0;
  if (healthPort !== 0 && !needsHealthCheckPort(spec)) {
    const why =
      "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    problems.invalid('spec.healthCheckNodePort', healthPort, why);
  }
  if (internalTrafficPolicy !== undefined) {
    oneOf('spec.internalTrafficPolicy', internalTrafficPolicy, { of, problems });
  }
  if (trafficDistribution !== undefined) {
    const distributions = ['PreferClose', 'PreferSameZone', 'PreferSameNode'];
    oneOf('spec.trafficDistribution', trafficDistribution, { of: distributions, problems });
  }
}

function validateLoadBalancer(spec: ServiceSpec, problems: Problems): void {
  const { type, allocateLoadBalancerNodePorts, loadBalancerClass } = spec;
  const onlyThere = "may only be used when `type` is 'LoadBalancer'";
  if (type === 'LoadBalancer') {
    if (loadBalancerClass === undefined) return;
    const why = qualifiedNameProblems(loadBalancerClass);
    problems.invalidEach('spec.loadBalancerClass', loadBalancerClass, why);
    return;
  }
  if (allocateLoadBalancerNodePorts !== undefined) {
    problems.forbidden('spec.allocateLoadBalancerNodePorts', onlyThere);
  }
  if (loadBalancerClass !== undefined) problems.forbidden('spec.loadBalancerClass', onlyThere);
}

/** What stays for life: addresses and families, except to and from ExternalName, and what a load balancer is told once. */
function validateChange(spec: ServiceSpec, old: ServiceSpec, problems: Problems): void {
  validateFamilyChange(spec, old, problems);
  if (spec.type === 'LoadBalancer' && old.type === 'LoadBalancer') {
    const { loadBalancerClass } = spec;
    if (loadBalancerClass !== old.loadBalancerClass) {
      problems.invalid(
        'spec.loadBalancerClass',
        loadBalancerClass ?? null,
        'may not change once set',
      );
    }
  }
  const port = spec.healthCheckNodePort ?? 0;
  const before = old.healthCheckNodePort ?? 0;
  const keeps = needsHealthCheckPort(spec) && needsHealthCheckPort(old);
  if (keeps && before !== 0 && port !== before) {
    problems.invalid('spec.healthCheckNodePort', port, 'field is immutable');
  }
}
