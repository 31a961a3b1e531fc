/** What becomes of the connection, and what stands behind a refusal. */
import {
  findFrontend,
  formatCidr,
  formatSocketAddress,
  parseIp,
  type Decision,
  type VirtualServer,
} from '../model/index.ts';
import { annotations } from '../kube/index.ts';
import { failureOf, fieldOf, standInsOf } from './address-stage.ts';
import { explainServicePort } from './explain-service.ts';
import { destinationLabel, serverSubject, serviceOf, type FlowCase } from './flow-case.ts';
import { schedulerUseOf } from './scheduler-stage.ts';
import { usableOf } from './service-case.ts';
import { tellUnserved } from './unserved.ts';
import { endpointLabel, placedLabel } from './wording.ts';
import { nodeSubject } from './world.ts';

export function tellDecision(c: FlowCase, decision: Decision): void {
  switch (decision.kind) {
    case 'forward':
      tellForward(c, decision);
      return;
    case 'reject':
      if (decision.server === undefined) tellUnserved(c, decision);
      else tellReject(c, decision.server);
      return;
    case 'drop':
      if (decision.server === undefined) tellUnserved(c, decision);
      else if (decision.why === 'source-range') tellRefusedSource(c, decision.server);
      else tellNoLocal(c, decision.server);
      return;
    case 'pass':
      tellUnserved(c, decision);
      c.notes.add('flow-pass', {
        on: nodeSubject(c.world),
        values: { address: c.flow.destination },
      });
  }
}

type Forward = Extract<Decision, { readonly kind: 'forward' }>;

function tellForward(c: FlowCase, decision: Forward): void {
  const { notes } = c;
  const { server, candidates } = decision;
  const isServed = tellDriver(c, decision);
  const takers = candidates.filter((endpoint) => endpoint.weight > 0);
  if (takers.length === 0) {
    const label = annotations.weight.key;
    const values = { label, service: serviceOf(server) };
    notes.add('flow-weights-zero', { on: serverSubject(server), values });
  } else {
    const values = { endpoints: takers.map(endpointLabel) };
    const code = isServed ? 'flow-forward' : 'flow-would-forward';
    notes.add(code, { on: serverSubject(server), values });
  }
  tellStandIn(c, server);
}

/** Where the driver did not make of the address what the Plan says; false when nobody answers there. */
function tellDriver({ world, flow, notes }: FlowCase, { server, frontend }: Forward): boolean {
  const { report, plan } = world;
  const node = plan.node.name;
  if (report === undefined) {
    notes.add('not-applied', { on: nodeSubject(world), values: { node } });
    return false;
  }
  const on = serverSubject(server, fieldOf(frontend));
  const destination = destinationLabel(flow);
  const failure = failureOf(report, server, frontend);
  if (failure !== undefined) {
    const { message, remedy } = failure;
    const values = { destination, node, message };
    if (remedy === undefined) notes.add('flow-address-failed-plain', { on, values });
    else notes.add('flow-address-failed', { on, values: { ...values, remedy } });
  }
  const reached = standInsOf(report, server, frontend).map(formatSocketAddress);
  if (reached.length > 0) notes.add('flow-stands-in', { on, values: { destination, reached } });
  return failure === undefined;
}

function tellStandIn({ world, notes }: FlowCase, server: VirtualServer): void {
  const { wanted, effective, standsIn } = schedulerUseOf(world, server);
  if (!standsIn) return;
  const key = annotations.scheduler.key;
  const port = server.ref.portName === '' ? server.ref.protocol : server.ref.portName;
  notes.add('scheduler-stands-in', {
    on: serverSubject(server, `metadata.annotations[${key}]`),
    values: { port, wanted, effective, node: world.plan.node.name, key },
  });
}

/** No endpoint is the Service's illness: its own explanation says which. */
function tellReject({ world, notes }: FlowCase, server: VirtualServer): void {
  notes.add('flow-reject', { on: serverSubject(server), values: { service: serviceOf(server) } });
  const { findings } = explainServicePort(world, server.ref);
  notes.adopt(findings.filter((finding) => finding.severity === 'broken'));
}

function tellRefusedSource({ flow, notes }: FlowCase, server: VirtualServer): void {
  const { source } = flow;
  const values = {
    source,
    bits: (parseIp(source)?.length ?? 4) * 8,
    ranges: server.sourceRanges.map(formatCidr),
    service: serviceOf(server),
  };
  notes.add('flow-source-refused', {
    on: serverSubject(server, 'spec.loadBalancerSourceRanges'),
    values,
  });
}

function tellNoLocal({ world, flow, notes }: FlowCase, server: VirtualServer): void {
  const { plan } = world;
  const { protocol, destination, destinationPort } = flow;
  const found = findFrontend(plan, protocol, destination, destinationPort);
  const isInternal = found?.frontend.kind === 'clusterIP';
  const policyField = isInternal ? 'internalTrafficPolicy' : 'externalTrafficPolicy';
  notes.add('flow-drop-local', {
    on: serverSubject(server, `spec.${policyField}`),
    values: {
      service: serviceOf(server),
      node: plan.node.name,
      policy: `${policyField} Local`,
      policyField,
      elsewhere: usableOf(server).map(placedLabel),
    },
  });
}
