/** The steps of `decide`, in words. */
import type { Decision, Endpoint, Step, VirtualServer } from '../model/index.ts';
import { fieldOf } from './address-stage.ts';
import { destinationLabel, serverSubject, serviceOf, type FlowCase } from './flow-case.ts';
import { frontendWords } from './reasons/flow-reasons.ts';
import { schedulerLabel, schedulerUseOf } from './scheduler-stage.ts';
import { durationLabel } from './wording.ts';
import { nodeSubject } from './world.ts';

/** `decision` is the one the step led to. */
export function tellStep(c: FlowCase, step: Step, decision: Decision): void {
  const { world, flow, notes } = c;
  const server = decision.kind === 'pass' ? undefined : decision.server;
  if (server === undefined) {
    const values = { node: world.plan.node.name, destination: destinationLabel(flow) };
    notes.add('flow-unknown', { on: nodeSubject(world), values });
    return;
  }
  switch (step.code) {
    case 'frontend-unknown':
      return;
    case 'frontend-matched':
      tellFrontend(c, server, step);
      return;
    case 'source-range-checked':
      tellSource(c, server, decision);
      return;
    case 'policy-applied':
      tellPolicy(c, server, step);
      return;
    case 'pool-chosen':
      if (decision.kind === 'forward') tellPool(c, decision);
      return;
    case 'pool-empty':
      notes.add('flow-pool-empty', {
        on: serverSubject(server),
        values: { all: server.endpoints.length },
      });
  }
}

function tellFrontend({ flow, notes }: FlowCase, server: VirtualServer, step: Step): void {
  const frontend = server.frontends.find((f) => f.kind === step.values['kind']);
  if (frontend === undefined) return;
  const port = server.ref.portName === '' ? `${servicePort(server)}` : server.ref.portName;
  notes.add('flow-frontend', {
    on: serverSubject(server, fieldOf(frontend)),
    values: {
      destination: destinationLabel(flow),
      what: frontendWords[frontend.kind],
      service: serviceOf(server),
      port,
    },
  });
}

/** The port number of the Service, which a NodePort does not have. */
function servicePort(server: VirtualServer): number {
  const [first] = server.frontends;
  return (server.frontends.find((f) => f.kind !== 'nodePort') ?? first)?.port ?? 0;
}

/** A refusal is the verdict's to tell. */
function tellSource({ flow, notes }: FlowCase, server: VirtualServer, decision: Decision): void {
  if (decision.kind === 'drop' && decision.why === 'source-range') return;
  notes.add('flow-source-allowed', {
    on: serverSubject(server, 'spec.loadBalancerSourceRanges'),
    values: { source: flow.source },
  });
}

function tellPolicy({ world, notes }: FlowCase, server: VirtualServer, step: Step): void {
  const policy = String(step.values['policy']);
  const node = world.plan.node.name;
  const on = serverSubject(server, `spec.${policy.split(' ')[0] ?? ''}`);
  if (step.values['pool'] === 'local')
    notes.add('flow-policy-local', { on, values: { node, policy } });
  else if (policy.endsWith('Local')) {
    notes.add('flow-policy-from-here', { on, values: { node, policy } });
  } else notes.add('flow-policy-cluster', { on, values: { policy } });
}

type Forward = Extract<Decision, { readonly kind: 'forward' }>;

function tellPool(c: FlowCase, { server, candidates, affinity, masquerade }: Forward): void {
  const { world, flow, notes } = c;
  const on = serverSubject(server);
  const { source } = flow;
  const node = world.plan.node.name;
  const all = server.endpoints.length;
  notes.add('flow-pool', { on, values: { candidates: candidates.length, all } });
  const use = schedulerUseOf(world, server);
  notes.add('flow-scheduler', { on, values: { scheduler: schedulerLabel(use) } });
  if (affinity.kind === 'clientIP') {
    const timeout = durationLabel(affinity.timeoutSeconds);
    const field = serverSubject(server, 'spec.sessionAffinity');
    notes.add('flow-affinity', { on: field, values: { source, timeout } });
  }
  if (masquerade === 'always') notes.add('flow-seen-as-node', { on, values: { source, node } });
  else if (isAmong(candidates, source)) notes.add('flow-hairpin', { on, values: { source, node } });
  else notes.add('flow-seen-as-client', { on, values: { source } });
}

function isAmong(candidates: readonly Endpoint[], source: string): boolean {
  return candidates.some((endpoint) => endpoint.address === source);
}
