/**
 * What a Service leaves out: defaults (pkg/apis/core/v1/defaults.go), values it had before and an update does not
 * mention, and values that its new type has no use for (pkg/registry/core/service, Kubernetes 1.36).
 */
import { jsonEqual, type Service, type ServicePortSpec, type ServiceSpec } from '../kube/index.ts';

const defaultAffinityTimeoutSeconds = 10_800;

/** `stored` is the Service before an update. */
export function completeService(service: Service, stored: Service | undefined): Service {
  const defaulted = applyDefaults(service.spec ?? {});
  const old = stored?.spec;
  const spec =
    old === undefined
      ? withClusterIps(defaulted)
      : dropUnused(carryOver(normalizeClusterIps(defaulted, old), old), old);
  return { ...service, spec };
}

export function needsClusterIp({ type }: ServiceSpec): boolean {
  return type === 'ClusterIP' || type === 'NodePort' || type === 'LoadBalancer';
}

export function needsNodePorts(spec: ServiceSpec): boolean {
  if (spec.type === 'NodePort') return true;
  return spec.type === 'LoadBalancer' && spec.allocateLoadBalancerNodePorts !== false;
}

export function needsHealthCheckPort({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

export function isExternallyAccessible({ type, externalIPs }: ServiceSpec): boolean {
  if (type === 'NodePort' || type === 'LoadBalancer') return true;
  return type === 'ClusterIP' && (externalIPs ?? []).length > 0;
}

export function isHeadless({ clusterIP, clusterIPs }: ServiceSpec): boolean {
  return (clusterIPs?.[0] ?? clusterIP) === 'None';
}

/** A spec without some of its fields. */
function without(spec: ServiceSpec, ...fields: readonly (keyof ServiceSpec)[]): ServiceSpec {
  const names: readonly string[] = fields;
  return Object.fromEntries(Object.entries(spec).filter(([name]) => !names.includes(name)));
}

function applyDefaults(given: ServiceSpec): ServiceSpec {
  const type = given.type ?? 'ClusterIP';
  const sessionAffinity = given.sessionAffinity ?? 'None';
  const base = sessionAffinity === 'None' ? without(given, 'sessionAffinityConfig') : given;
  const timeoutSeconds =
    given.sessionAffinityConfig?.clientIP?.timeoutSeconds ?? defaultAffinityTimeoutSeconds;
  const spec: ServiceSpec = {
    ...base,
    type,
    sessionAffinity,
    ...(given.ports === undefined ? {} : { ports: given.ports.map(completePort) }),
    ...(sessionAffinity === 'ClientIP'
      ? { sessionAffinityConfig: { clientIP: { timeoutSeconds } } }
      : {}),
  };
  return {
    ...spec,
    ...(isExternallyAccessible(spec) && !given.externalTrafficPolicy
      ? { externalTrafficPolicy: 'Cluster' }
      : {}),
    ...(needsClusterIp(spec) && given.internalTrafficPolicy === undefined
      ? { internalTrafficPolicy: 'Cluster' }
      : {}),
    ...(type === 'LoadBalancer' && given.allocateLoadBalancerNodePorts === undefined
      ? { allocateLoadBalancerNodePorts: true }
      : {}),
  };
}

function completePort(port: ServicePortSpec): ServicePortSpec {
  const unset = port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '';
  return {
    ...port,
    protocol: port.protocol ?? 'TCP',
    ...(unset ? { targetPort: port.port } : {}),
  };
}

/** clusterIPs follows clusterIP, the older field. */
function withClusterIps(spec: ServiceSpec): ServiceSpec {
  const { clusterIP = '', clusterIPs = [] } = spec;
  if (clusterIP === '' && clusterIPs.length === 0) return without(spec, 'clusterIP', 'clusterIPs');
  return clusterIPs.length === 0 ? { ...spec, clusterIPs: [clusterIP] } : spec;
}

/** An update of one of the two fields means both. */
function normalizeClusterIps(spec: ServiceSpec, old: ServiceSpec): ServiceSpec {
  const { clusterIP = '', clusterIPs = [] } = spec;
  const same = jsonEqual(clusterIPs, old.clusterIPs ?? []);
  if (clusterIP !== (old.clusterIP ?? '') && same) {
    return clusterIP === ''
      ? without(spec, 'clusterIP', 'clusterIPs')
      : { ...spec, clusterIPs: [clusterIP] };
  }
  return withClusterIps(spec);
}

/** What was allocated stays when the update does not mention it. */
function carryOver(spec: ServiceSpec, old: ServiceSpec): ServiceSpec {
  const keepsAddress =
    needsClusterIp(spec) && needsClusterIp(old) && !spec.clusterIP && !spec.clusterIPs?.length;
  const keepsHealthPort =
    needsHealthCheckPort(spec) && needsHealthCheckPort(old) && !spec.healthCheckNodePort;
  return {
    ...spec,
    ...(keepsAddress && old.clusterIP !== undefined ? { clusterIP: old.clusterIP } : {}),
    ...(keepsAddress && old.clusterIPs !== undefined ? { clusterIPs: old.clusterIPs } : {}),
    ...(keepsHealthPort && old.healthCheckNodePort !== undefined
      ? { healthCheckNodePort: old.healthCheckNodePort }
      : {}),
    ...(needsNodePorts(spec) && needsNodePorts(old) && spec.ports !== undefined
      ? { ports: carryNodePorts(spec.ports, old.ports ?? []) }
      : {}),
  };
}

/** By the port's name; a node port that another port of the update names is not given twice. */
function carryNodePorts(
  ports: readonly ServicePortSpec[],
  old: readonly ServicePortSpec[],
): readonly ServicePortSpec[] {
  const before = new Map(old.map((port) => [port.name ?? '', port.nodePort]));
  const used = new Set(ports.flatMap((port) => port.nodePort || []));
  return ports.map((port) => {
    const nodePort = before.get(port.name ?? '');
    if (port.nodePort || !nodePort || used.has(nodePort)) return port;
    used.add(nodePort);
    return { ...port, nodePort };
  });
}

/** A change of type takes away what only the old type had, unless the update changes it too. */
function dropUnused(spec: ServiceSpec, old: ServiceSpec): ServiceSpec {
  const gone: (keyof ServiceSpec)[] = [];
  const dropIfSame = (...fields: readonly (keyof ServiceSpec)[]): void => {
    gone.push(...fields.filter((field) => jsonEqual(spec[field], old[field])));
  };
  if (needsClusterIp(old) && !needsClusterIp(spec)) {
    dropIfSame('clusterIP', 'clusterIPs', 'ipFamilies', 'ipFamilyPolicy', 'internalTrafficPolicy');
  }
  if (needsHealthCheckPort(old) && !needsHealthCheckPort(spec)) dropIfSame('healthCheckNodePort');
  if (old.type === 'LoadBalancer' && spec.type !== 'LoadBalancer') {
    dropIfSame('allocateLoadBalancerNodePorts', 'loadBalancerClass');
  }
  if (isExternallyAccessible(old) && !isExternallyAccessible(spec)) {
    dropIfSame('externalTrafficPolicy');
  }
  const next = gone.length === 0 ? spec : without(spec, ...gone);
  const hadNodePorts = old.type === 'NodePort' || old.type === 'LoadBalancer';
  const hasNodePorts = next.type === 'NodePort' || next.type === 'LoadBalancer';
  if (!hadNodePorts || hasNodePorts || next.ports === undefined) return next;
  const known = new Set((old.ports ?? []).map((port) => port.nodePort));
  return {
    ...next,
    ports: next.ports.map((port) => {
      const { nodePort, ...rest } = port;
      return nodePort !== undefined && known.has(nodePort) ? rest : port;
    }),
  };
}
