/**
 * Service -> its ServicePorts, one a port and IP family, without endpoints: what kube-proxy 1.36 makes of a
 * Service (pkg/proxy/serviceport.go), and which Services it leaves alone.
 */
import { labels, type Service, type ServicePortSpec, type ServiceSpec } from '../kube/index.ts';
import {
  canonicalIp,
  familyOf,
  parseCidr,
  type Affinity,
  type Cidr,
  type Frontend,
  type IpFamily,
  type Protocol,
  type ProxyProtocol,
  type RequestRules,
  type Replay,
  type SchedulerName,
  type ServicePortRef,
  type TrafficPolicy,
} from '../model/index.ts';
import { requestRules } from './request-rules.ts';
import { serviceSettings, type ServiceSettings } from './service-settings.ts';

/** A VirtualServer before its endpoints are known. */
export interface ServicePortDraft {
  readonly ref: ServicePortRef;
  readonly frontends: readonly Frontend[];
  readonly internalTrafficPolicy: TrafficPolicy;
  readonly externalTrafficPolicy: TrafficPolicy;
  readonly scheduler: SchedulerName;
  readonly affinity: Affinity;
  /** Undefined: connections are balanced, not requests. */
  readonly perRequest: RequestRules | undefined;
  readonly proxyProtocol: ProxyProtocol;
  readonly replay: Replay;
  readonly sourceRanges: readonly Cidr[];
}

/** Empty for a Service that is not forwarded: headless, ExternalName, or claimed by another proxy. */
export function servicePortsOf(
  service: Service,
  fallback?: SchedulerName,
): readonly ServicePortDraft[] {
  const spec = service.spec;
  if (spec === undefined || !isForwarded(service)) return [];
  const clusterIps = clusterIpsOf(spec);
  const settings = serviceSettings(service, fallback);
  return (spec.ports ?? []).flatMap((port) =>
    clusterIps.map((clusterIp) => draft({ service, spec, settings, port, clusterIp })),
  );
}

function isForwarded(service: Service): boolean {
  if (service.spec?.type === 'ExternalName') return false;
  return service.metadata.labels?.[labels.serviceProxyName] === undefined;
}

/** Valid ones only; `None` and the empty string give none. */
function clusterIpsOf(spec: ServiceSpec): readonly string[] {
  const declared = spec.clusterIPs ?? (spec.clusterIP === undefined ? [] : [spec.clusterIP]);
  return declared.flatMap((text) => canonicalIp(text) ?? []);
}

interface DraftParts {
  readonly service: Service;
  readonly spec: ServiceSpec;
  readonly settings: ServiceSettings;
  readonly port: ServicePortSpec;
  readonly clusterIp: string;
}

function draft({ service, spec, settings, port, clusterIp }: DraftParts): ServicePortDraft {
  const family = familyOf(clusterIp);
  return {
    ref: {
      namespace: service.metadata.namespace ?? 'default',
      name: service.metadata.name,
      portName: port.name ?? '',
      protocol: protocolOf(port.protocol),
      family,
    },
    frontends: frontendsOf(service, spec, port, clusterIp),
    internalTrafficPolicy: spec.internalTrafficPolicy === 'Local' ? 'Local' : 'Cluster',
    externalTrafficPolicy: externalPolicyOf(spec),
    scheduler: settings.scheduler,
    affinity: settings.affinity,
    perRequest: requestRules(port, settings.perRequest),
    proxyProtocol: protocolOf(port.protocol) === 'TCP' ? settings.proxyProtocol : 'none',
    replay: protocolOf(port.protocol) === 'TCP' ? settings.replay : 'none',
    sourceRanges: sourceRangesOf(spec, family),
  };
}

export function protocolOf(text: string | undefined): Protocol {
  return text === 'UDP' || text === 'SCTP' ? text : 'TCP';
}

function frontendsOf(
  service: Service,
  spec: ServiceSpec,
  port: ServicePortSpec,
  clusterIp: string,
): readonly Frontend[] {
  const family = familyOf(clusterIp);
  const ofFamily = (address: string | undefined): string[] => {
    const canonical = address === undefined ? undefined : canonicalIp(address);
    return canonical !== undefined && familyOf(canonical) === family ? [canonical] : [];
  };
  const frontends: Frontend[] = [{ kind: 'clusterIP', address: clusterIp, port: port.port }];
  for (const address of (spec.externalIPs ?? []).flatMap(ofFamily)) {
    frontends.push({ kind: 'externalIP', address, port: port.port });
  }
  if (spec.type === 'LoadBalancer') {
    // ipMode Proxy: the load balancer must see the traffic itself (KEP-1860), so it is not short-circuited.
    const ingress = (service.status?.loadBalancer?.ingress ?? []).filter(
      (i) => i.ipMode === undefined || i.ipMode === 'VIP',
    );
    for (const address of ingress.flatMap((i) => ofFamily(i.ip))) {
      frontends.push({ kind: 'loadBalancer', address, port: port.port });
    }
  }
  if (port.nodePort !== undefined && port.nodePort > 0) {
    frontends.push({ kind: 'nodePort', address: undefined, port: port.nodePort });
  }
  return frontends;
}

/** `Local` means something only where traffic can come from outside. */
function externalPolicyOf(spec: ServiceSpec): TrafficPolicy {
  const external =
    spec.type === 'NodePort' ||
    spec.type === 'LoadBalancer' ||
    (spec.externalIPs !== undefined && spec.externalIPs.length > 0);
  return external && spec.externalTrafficPolicy === 'Local' ? 'Local' : 'Cluster';
}

/** A range of everything is no restriction; ranges of the other family say nothing about this one. */
function sourceRangesOf(spec: ServiceSpec, family: IpFamily): readonly Cidr[] {
  const ranges = (spec.loadBalancerSourceRanges ?? [])
    .flatMap((text) => parseCidr(text.trim()) ?? [])
    .filter((range) => range.family === family);
  return ranges.some((range) => range.prefix === 0) ? [] : ranges;
}
