/** Rules about Services: what they select, where their ports lead, what they claim. */
import {
  annotations,
  endpointSliceKind,
  endpointsKind,
  isHttpPort,
  isOfKind,
  labels,
  readAnnotation,
  type ServicePortSpec,
  type ServiceSpec,
} from '../kube/index.ts';
import {
  byNearness,
  canonicalIp,
  cidrContains,
  formatList,
  parseCidr,
  parseIp,
} from '../model/index.ts';
import { placeOf, type Findings } from './finding.ts';
import {
  containersOf,
  selectedBy,
  type FoundService,
  type ManifestSet,
  type Workload,
} from './manifest-set.ts';

interface Case {
  readonly set: ManifestSet;
  readonly found: FoundService;
  readonly spec: ServiceSpec;
  readonly findings: Findings;
}

export function lintServices(set: ManifestSet, findings: Findings): void {
  for (const found of set.services) {
    const c: Case = { set, found, spec: found.service.spec ?? {}, findings };
    if (c.spec.type === 'ExternalName') {
      lintExternalName(c);
      continue;
    }
    const selected = lintSelector(c);
    for (const [i, port] of (c.spec.ports ?? []).entries()) {
      if (selected.length > 0) lintTarget(c, { port, i, selected });
    }
    if (isHeadless(c.spec)) lintHeadless(c);
    else lintChoice(c);
    lintPolicies(c, selected);
  }
  lintClaims(set, findings);
}

function isHeadless({ clusterIP, clusterIPs }: ServiceSpec): boolean {
  return (clusterIPs?.[0] ?? clusterIP) === 'None';
}

function lintExternalName({ found: { on }, spec, findings }: Case): void {
  const { externalName = '', ports = [], selector = {} } = spec;
  const field = 'spec.externalName';
  const bare = externalName.replace(/\.$/, '');
  if (parseIp(bare) !== undefined) {
    findings.add('external-name-address', { on, field }, { name: bare });
  } else if (bare !== externalName) {
    findings.add('external-name-dot', { on, field }, { name: externalName, without: bare });
  }
  if (ports.length > 0) findings.add('external-name-ports', { on, field: 'spec.ports' }, {});
  if (Object.keys(selector).length > 0) {
    findings.add('external-name-selector', { on, field: 'spec.selector' }, {});
  }
}

/** The workloads that the Service leads to. */
function lintSelector({ set, found, spec, findings }: Case): readonly Workload[] {
  const { on, namespace } = found;
  const selector = spec.selector ?? {};
  if (Object.keys(selector).length === 0) {
    if (!hasWrittenEndpoints(set, found)) {
      const name = found.service.metadata.name;
      const values = { label: labels.serviceName, name };
      findings.add('no-selector', { on, field: 'spec' }, values);
    }
    return [];
  }
  const selected = selectedBy(set, namespace, selector);
  if (selected.length > 0) return selected;
  const place = { on, field: 'spec.selector' };
  const text = formatLabels(selector);
  const others = set.workloads.filter((workload) => workload.namespace === namespace);
  const [nearest] = byNearness(
    text,
    others.map((workload) => formatLabels(workload.labels)),
  );
  const near = others.find((workload) => formatLabels(workload.labels) === nearest);
  if (near === undefined) {
    findings.add('selector-without-workloads', place, { namespace, selector: text });
  } else {
    const shown = Object.keys(near.labels).length === 0 ? 'which has no labels' : nearest;
    const values = { selector: text, near: `${near.label} (${shown ?? ''})` };
    findings.add('selector-matches-nothing', place, values);
  }
  return [];
}

function hasWrittenEndpoints(set: ManifestSet, { service, namespace }: FoundService): boolean {
  const { name } = service.metadata;
  return set.all.some(({ object }) => {
    if (object.metadata.namespace !== namespace) return false;
    if (isOfKind(endpointsKind, object)) return object.metadata.name === name;
    return (
      isOfKind(endpointSliceKind, object) && object.metadata.labels?.[labels.serviceName] === name
    );
  });
}

function formatLabels(all: Readonly<Record<string, string>>): string {
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}`)
    .toSorted()
    .join(',');
}

interface Target {
  readonly port: ServicePortSpec;
  readonly i: number;
  readonly selected: readonly Workload[];
}

function lintTarget({ found: { on }, findings }: Case, { port, i, selected }: Target): void {
  const protocol = port.protocol ?? 'TCP';
  const declared = selected
    .flatMap(containersOf)
    .flatMap(({ ports = [] }) => ports)
    .filter((candidate) => (candidate.protocol ?? 'TCP') === protocol);
  const wanted = port.targetPort ?? port.port;
  const field =
    port.targetPort === undefined ? `spec.ports[${i}].port` : `spec.ports[${i}].targetPort`;
  const workloads = formatList(selected.map(({ label }) => label));
  if (typeof wanted === 'string') {
    const names = declared.flatMap(({ name }) => name ?? []);
    if (names.includes(wanted)) return;
    const [near = declared[0]?.containerPort ?? '8080'] = byNearness(wanted, names);
    const known = names.length === 0 ? 'no named port' : `ports named ${formatList(names)}`;
    findings.add('target-port-name', { on, field }, { workloads, port: wanted, known, near });
    return;
  }
  const numbers = [...new Set(declared.map(({ containerPort }) => containerPort))];
  // Declaring ports is a habit, no duty: containers that declare none may listen anywhere.
  const [near] = numbers;
  if (near === undefined || numbers.includes(wanted)) return;
  const known = `only ${formatList(numbers.map(String))}`;
  findings.add('target-port-undeclared', { on, field }, { workloads, port: wanted, known, near });
}

function lintHeadless({ found: { on, service }, spec, findings }: Case): void {
  if ((spec.sessionAffinity ?? 'None') !== 'None') {
    findings.add('headless-affinity', { on, field: 'spec.sessionAffinity' }, {});
  }
  for (const annotation of [annotations.scheduler, annotations.affinity, annotations.balance]) {
    const key = readAnnotation(service, annotation)?.key;
    if (key === undefined) continue;
    findings.add('headless-scheduler', { on, field: `metadata.annotations.${key}` }, { key });
  }
}

function lintChoice({ found: { on, service }, spec, findings }: Case): void {
  const affinity = readAnnotation(service, annotations.affinity);
  const balance = readAnnotation(service, annotations.balance);
  const isHttp = (spec.ports ?? []).some(isHttpPort);
  const perRequest = [
    affinity?.ok === true && affinity.value === 'cookie' ? affinity.key : undefined,
    balance?.ok === true && balance.value === 'request' ? balance.key : undefined,
  ];
  for (const key of perRequest) {
    if (key === undefined || isHttp) continue;
    findings.add('per-request-without-http', { on, field: `metadata.annotations.${key}` }, { key });
  }
  const { sessionAffinity = 'None' } = spec;
  if (affinity?.ok !== true || sessionAffinity === 'None') return;
  if (affinity.value.toLowerCase() === sessionAffinity.toLowerCase()) return;
  const { key, value } = affinity;
  const place = { on, field: `metadata.annotations.${key}` };
  findings.add('affinity-twice', place, { key, value, field: sessionAffinity });
}

function lintPolicies(
  { found: { on }, spec, findings }: Case,
  selected: readonly Workload[],
): void {
  const workloads =
    selected.length === 0 ? 'the Service' : formatList(selected.map((w) => w.label));
  if (spec.internalTrafficPolicy === 'Local') {
    findings.add('internal-local', { on, field: 'spec.internalTrafficPolicy' }, { workloads });
  }
  if (spec.externalTrafficPolicy === 'Local') {
    findings.add('external-local', { on, field: 'spec.externalTrafficPolicy' }, { workloads });
  }
}

const nodePorts = { first: 30_000, last: 32_767 } as const;
const loopback = parseCidr('127.0.0.0/8');

/** What only one Service can have. */
function lintClaims({ services }: ManifestSet, findings: Findings): void {
  const claims = new Map<string, FoundService>();
  const isSecond = (key: string, found: FoundService): FoundService | undefined => {
    const first = claims.get(key);
    if (first === undefined) claims.set(key, found);
    return first === found ? undefined : first;
  };
  for (const found of services) {
    const { on, service } = found;
    const { clusterIP, clusterIPs = [], externalIPs = [], ports = [] } = service.spec ?? {};
    const addresses = new Set(
      [clusterIP ?? '', ...clusterIPs].flatMap((ip) => canonicalIp(ip) ?? []),
    );
    for (const address of addresses) {
      const place = { on, field: 'spec.clusterIP' };
      const first = isSecond(`address ${address}`, found);
      if (first !== undefined) {
        findings.add('address-claimed-twice', place, { address, ...other(first) });
      } else if (!isLoopback(address)) {
        findings.add('address-is-fixed', place, { address });
      }
    }
    for (const [i, { port, nodePort = 0, protocol = 'TCP' }] of ports.entries()) {
      for (const [n, address] of externalIPs.entries()) {
        const first = isSecond(`external ${address} ${port} ${protocol}`, found);
        if (first === undefined) continue;
        const place = { on, field: `spec.externalIPs[${n}]` };
        findings.add('external-address-claimed-twice', place, { address, port, ...other(first) });
      }
      if (nodePort === 0) continue;
      const place = { on, field: `spec.ports[${i}].nodePort` };
      const first = isSecond(`node port ${nodePort}`, found);
      if (first !== undefined) {
        findings.add('node-port-claimed-twice', place, { port: nodePort, ...other(first) });
      } else if (nodePort < nodePorts.first || nodePort > nodePorts.last) {
        findings.add('node-port-out-of-range', place, { port: nodePort });
      }
    }
  }
}

function isLoopback(address: string): boolean {
  const bytes = parseIp(address);
  return bytes !== undefined && loopback !== undefined && cidrContains(loopback, bytes);
}

function other({ on, service }: FoundService): { readonly other: string; readonly place: string } {
  return { other: `Service ${service.metadata.name}`, place: placeOf(on) };
}
