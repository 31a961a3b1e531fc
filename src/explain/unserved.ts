/** A destination that is no frontend of the Plan: what it nearly is, and whose address it would be. */
import type { Service } from '../kube/index.ts';
import {
  canonicalIp,
  cidrContains,
  familyOf,
  findFrontend,
  formatCidr,
  parseIp,
  type Decision,
  type Protocol,
  type VirtualServer,
} from '../model/index.ts';
import { explainService } from './explain-service.ts';
import { destinationLabel, serverSubject, serviceOf, type FlowCase } from './flow-case.ts';
import { keyOf, namespaceOf, nodeSubject, subjectOf } from './world.ts';

/** The first that fits; each adds its finding and says true. */
const answers = [
  tellOtherProtocol,
  tellOtherPort,
  tellUnplanned,
  tellNodePort,
  tellPod,
  tellUnallocated,
] as const;

export function tellUnserved(c: FlowCase, decision: Decision): void {
  answers.some((answer) => answer(c, decision));
}

const protocols: readonly Protocol[] = ['TCP', 'UDP', 'SCTP'];

function tellOtherProtocol({ world, flow, notes }: FlowCase): boolean {
  const { destination, destinationPort, protocol } = flow;
  const others = protocols.flatMap((other) =>
    other === protocol ? [] : (findFrontend(world.plan, other, destination, destinationPort) ?? []),
  );
  const [found] = others;
  if (found === undefined) return false;
  notes.add('flow-other-protocol', {
    on: serverSubject(found.server, 'spec.ports[].protocol'),
    values: {
      destination: destinationLabel(flow).replace(`/${protocol}`, ''),
      served: others.map(({ server }) => server.ref.protocol),
      protocol,
      port: destinationPort,
      service: serviceOf(found.server),
    },
  });
  return true;
}

function tellOtherPort({ world, flow, notes }: FlowCase, decision: Decision): boolean {
  const { destination, destinationPort, protocol } = flow;
  const owners = [...world.plan.servers.values()].filter((server) =>
    server.frontends.some((frontend) => frontend.address === destination),
  );
  const [owner] = owners;
  if (owner === undefined) return false;
  const served = owners.map((server) => portOf(server, destination)).toSorted();
  const on = serverSubject(owner, 'spec.ports');
  const values = { service: serviceOf(owner), port: destinationPort, protocol, served };
  if (decision.kind === 'reject') notes.add('flow-port-unserved', { on, values });
  else notes.add('flow-port-not-taken', { on, values: { ...values, address: destination } });
  return true;
}

/** `http 80/TCP`: the port of a ServicePort at an address. */
function portOf(server: VirtualServer, address: string): string {
  const port = server.frontends.find((frontend) => frontend.address === address)?.port ?? 0;
  const { portName, protocol } = server.ref;
  return portName === '' ? `${port}/${protocol}` : `${portName} (${port}/${protocol})`;
}

/** A Service has the address, and the Plan does not have the Service there. */
function tellUnplanned(c: FlowCase): boolean {
  const { world, flow, notes } = c;
  const { destination } = flow;
  const service = world.services.find((s) => addressesOf(s).includes(destination));
  if (service === undefined) return false;
  const name = keyOf(service);
  const ingress = service.status?.loadBalancer?.ingress ?? [];
  if (service.spec?.type === 'ExternalName') {
    notes.add('flow-external-name', {
      on: subjectOf(service, 'spec.type'),
      values: { service: name, target: service.spec.externalName ?? '' },
    });
  } else if (ingress.some((i) => i.ip === destination && i.ipMode === 'Proxy')) {
    notes.add('flow-lb-proxy', {
      on: subjectOf(service, 'status.loadBalancer.ingress[].ipMode'),
      values: { service: name, address: destination },
    });
  } else {
    const node = world.plan.node.name;
    const values = { destination: destinationLabel(flow), service: name, node };
    notes.add('flow-not-forwarded', { on: subjectOf(service), values });
    const question = { namespace: namespaceOf(service), name: service.metadata.name };
    const { findings } = explainService(world, question);
    notes.adopt(findings.filter((finding) => finding.severity === 'broken'));
  }
  return true;
}

function addressesOf({ spec, status }: Service): readonly string[] {
  const written = [
    ...(spec?.clusterIPs ?? []),
    spec?.clusterIP ?? '',
    ...(spec?.externalIPs ?? []),
    ...(status?.loadBalancer?.ingress ?? []).map((i) => i.ip ?? ''),
  ];
  return written.flatMap((text) => canonicalIp(text) ?? []);
}

/** Where API servers allocate NodePorts unless told otherwise. */
const nodePorts = { first: 30_000, last: 32_767 } as const;

function tellNodePort({ world, flow, notes }: FlowCase): boolean {
  const { node } = world.plan;
  const { destination, destinationPort: port, protocol } = flow;
  const servers = [...world.plan.servers.values()].flatMap((server) =>
    server.frontends.flatMap((frontend) =>
      frontend.kind === 'nodePort' && server.ref.family === familyOf(destination)
        ? [{ server, port: frontend.port }]
        : [],
    ),
  );
  const isNodePortAddress = node.nodePortAddresses.includes(destination);
  const owner = servers.find((s) => s.port === port && s.server.ref.protocol === protocol);
  if (owner !== undefined && !isNodePortAddress && isOwnAddress(node.addresses, destination)) {
    const addresses = node.nodePortAddresses.filter(
      (address) => familyOf(address) === familyOf(destination),
    );
    notes.add('flow-nodeport-address', {
      on: serverSubject(owner.server, 'spec.ports[].nodePort'),
      values: { port, address: destination, node: node.name, addresses },
    });
    return true;
  }
  if (!isNodePortAddress || port < nodePorts.first || port > nodePorts.last) return false;
  const served = servers.map((s) => `${serviceOf(s.server)} (${s.port}/${s.server.ref.protocol})`);
  notes.add('flow-nodeport-unknown', {
    on: nodeSubject(world),
    values: { port, protocol, served: served.toSorted() },
  });
  return true;
}

function isOwnAddress(addresses: readonly string[], address: string): boolean {
  return addresses.includes(address) || address === '::1' || address.startsWith('127.');
}

function tellPod({ world, flow, notes }: FlowCase): boolean {
  const { destination } = flow;
  const pod = world.pods.find(
    ({ status }) =>
      status?.podIP === destination || status?.podIPs?.some(({ ip }) => ip === destination),
  );
  if (pod === undefined) return false;
  const on = subjectOf(pod, 'status.podIP');
  notes.add('flow-to-pod', { on, values: { address: destination, pod: keyOf(pod) } });
  return true;
}

function tellUnallocated({ world, flow, notes }: FlowCase, decision: Decision): boolean {
  if (decision.kind !== 'drop') return false;
  const bytes = parseIp(flow.destination);
  const range = world.plan.node.serviceRanges.find(
    (candidate) => bytes !== undefined && cidrContains(candidate, bytes),
  );
  const values = { address: flow.destination, range: range === undefined ? '' : formatCidr(range) };
  notes.add('flow-unallocated', { on: nodeSubject(world), values });
  return true;
}
