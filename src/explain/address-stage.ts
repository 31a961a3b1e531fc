/** Where the Service is reached: what it says, what the driver made of it, and who else claims it. */
import {
  familyOf,
  formatSocketAddress,
  claimantsOf,
  type ApplyReport,
  type Frontend,
  type FrontendFailure,
  type SocketAddress,
  type VirtualServer,
} from '../model/index.ts';
import type { PortCase, ServiceCase } from './service-case.ts';
import { declaredAddresses, frontendLabel } from './wording.ts';
import { subjectOf } from './world.ts';

export function tellAddresses(c: ServiceCase): void {
  const { notes, service, spec, world } = c;
  const servers = c.ports.flatMap(({ server }) => server ?? []);
  if (servers.length > 0) {
    const addresses = servers.flatMap((server) => declaredAddresses(server, world.plan.node));
    notes.add('service-found', {
      on: subjectOf(service, 'spec.clusterIPs'),
      values: { service: c.key, type: spec.type ?? 'ClusterIP', addresses },
    });
  }
  if (spec.type === 'LoadBalancer') tellLoadBalancer(c);
  for (const port of c.ports) {
    if (port.server === undefined) tellUnplanned(c, port);
    else for (const frontend of port.server.frontends) tellFrontend(c, port.server, frontend);
  }
}

function tellUnplanned(c: ServiceCase, port: PortCase): void {
  const { node, revision } = c.world.plan;
  c.notes.add('not-planned', {
    on: subjectOf(c.service, 'spec.ports'),
    values: { node: node.name, port: port.label, service: c.key, revision },
  });
}

function tellLoadBalancer({ notes, service, spec, key }: ServiceCase): void {
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  const on = subjectOf(service, 'status.loadBalancer.ingress');
  if (ingress.length === 0) {
    const numbers = (spec.ports ?? []).flatMap(({ nodePort }) =>
      nodePort === undefined || nodePort === 0 ? [] : [nodePort],
    );
    const nodePorts = numbers.length === 0 ? '' : ` or NodePort ${numbers.join(', ')}`;
    const named = spec.loadBalancerClass;
    const which = named === undefined ? 'load balancers' : `the load balancer class ${named}`;
    notes.add('lb-pending', { on, values: { service: key, class: which, nodePorts } });
  }
  const others = ingress.flatMap((i) =>
    i.ip === undefined || i.ipMode === 'Proxy' ? (i.ip ?? i.hostname ?? []) : [],
  );
  if (others.length > 0) notes.add('lb-not-forwarded', { on, values: { addresses: others } });
}

function tellFrontend(c: ServiceCase, server: VirtualServer, frontend: Frontend): void {
  const { notes, service, world } = c;
  const { plan, report } = world;
  const label = frontendLabel(frontend, server.ref.protocol);
  const node = plan.node.name;
  const on = subjectOf(service, fieldOf(frontend));
  const claimants = claimantsOf(plan.frontends, server, frontend);
  const [owner] = claimants;
  if (owner !== undefined && owner.id !== server.id) {
    notes.add('address-lost', { on, values: { frontend: label, owner: nameOf(owner) } });
    return;
  }
  if (claimants.length > 1) {
    const others = claimants.slice(1).map((other) => `Service ${nameOf(other)}`);
    notes.add('address-shared', { on, values: { frontend: label, others, service: c.key } });
  }
  const isNowhere =
    frontend.address === undefined &&
    !plan.node.nodePortAddresses.some((address) => familyOf(address) === server.ref.family);
  if (isNowhere) {
    const { family } = server.ref;
    notes.add('nodeport-nowhere', { on, values: { frontend: label, node, family } });
    return;
  }
  const failure = failureOf(report, server, frontend);
  if (failure !== undefined) {
    const { message, remedy } = failure;
    const values = { frontend: label, node, message };
    if (remedy === undefined) notes.add('address-failed-plain', { on, values });
    else notes.add('address-failed', { on, values: { ...values, remedy } });
  }
  const reached = standInsOf(report, server, frontend).map(formatSocketAddress);
  if (reached.length > 0)
    notes.add('address-stands-in', { on, values: { frontend: label, reached } });
}

export function failureOf(
  report: ApplyReport | undefined,
  server: VirtualServer,
  frontend: Frontend,
): FrontendFailure | undefined {
  return report?.failures.find((f) => f.server === server.id && isSame(f.frontend, frontend));
}

export function standInsOf(
  report: ApplyReport | undefined,
  server: VirtualServer,
  frontend: Frontend,
): readonly SocketAddress[] {
  return (report?.standIns ?? [])
    .filter((s) => s.server === server.id && isSame(s.frontend, frontend))
    .map((s) => s.address);
}

function isSame(a: Frontend, b: Frontend): boolean {
  return a.kind === b.kind && a.address === b.address && a.port === b.port;
}

function nameOf({ ref }: VirtualServer): string {
  return `${ref.namespace}/${ref.name}`;
}

/** Where a Service says that it has a frontend. */
export function fieldOf({ kind }: Frontend): string {
  switch (kind) {
    case 'clusterIP':
      return 'spec.clusterIPs';
    case 'nodePort':
      return 'spec.ports[].nodePort';
    case 'loadBalancer':
      return 'status.loadBalancer.ingress';
    case 'externalIP':
      return 'spec.externalIPs';
  }
}
