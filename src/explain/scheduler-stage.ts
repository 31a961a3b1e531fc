/** How an endpoint is picked: as asked for, by a stand-in, or not as somebody meant who mistyped. */
import { annotations, readAnnotation, tlsSecretType } from '../kube/index.ts';
import {
  leadsToGateway,
  outgrown,
  type GatewayLack,
  type PerRequest,
  type VirtualServer,
} from '../model/index.ts';
import { serviceSettings } from '../plan/index.ts';
import { endpointPools, type PortCase, type ServiceCase } from './service-case.ts';
import { durationLabel } from './wording.ts';
import { subjectOf, type SchedulerUse, type World } from './world.ts';

/** What outgrowing each table means for people. */
const limits = {
  'scaled-weights': {
    cost: 'shares are close to the weights, not exact',
    bound: 'weights have 1,024 slots together',
    remedy:
      'Give smaller weights in the same ratio, or take shares that are off by a slot in 1,024',
  },
  'large-maglev': {
    cost: 'shares differ by more than 1 %',
    bound: 'Maglev has 131,071 slots, enough for 1,310 endpoints',
    remedy: 'Split the Service, or choose a scheduler without a table',
  },
} as const;

export function schedulerUseOf(world: World, server: VirtualServer): SchedulerUse {
  const { scheduler } = server;
  const planned = { wanted: scheduler, effective: scheduler, standsIn: false };
  return world.schedulers.get(server.id) ?? planned;
}

/** `rr (each endpoint in turn)`. */
export function schedulerLabel({ effective, means }: SchedulerUse): string {
  return means === undefined ? effective : `${effective} (${means})`;
}

/** How each request finds its endpoint, where a gateway balances them. */
function tellRequests({ notes, service }: ServiceCase, port: PortCase, asked: PerRequest): void {
  const { cookie, hash } = asked;
  const key = cookie === undefined ? annotations.balance.key : annotations.affinity.key;
  const on = subjectOf(service, `metadata.annotations[${key}]`);
  const by = hash === undefined ? 'the scheduler' : `a hash by ${hash.by.kind}, else the scheduler`;
  if (cookie === undefined)
    notes.add('requests-balanced', { on, values: { port: port.label, by } });
  else {
    const values = { port: port.label, cookie: cookie.name, by };
    notes.add('requests-sticky', { on, values });
  }
}

export function tellScheduler(c: ServiceCase, port: PortCase, server: VirtualServer): void {
  const { notes, service, world } = c;
  const use = schedulerUseOf(world, server);
  const reading = readAnnotation(service, annotations.scheduler);
  const key = reading?.key ?? annotations.scheduler.key;
  const on = subjectOf(service, `metadata.annotations[${key}]`);
  const asked = service.metadata.annotations?.[key] ?? '';
  notes.add('scheduler', { on, values: { port: port.label, scheduler: schedulerLabel(use) } });
  // Whoever made the Plan may know more schedulers than this reading does: what it asks for counts.
  if (reading?.ok === false && asked !== use.wanted) {
    const values = { asked: `"${asked}"`, effective: use.effective, key };
    notes.add('scheduler-unknown', { on, values });
  }
  if (use.standsIn) {
    const { wanted, effective } = use;
    const node = world.plan.node.name;
    notes.add('scheduler-stands-in', {
      on,
      values: { port: port.label, wanted, effective, node, key },
    });
  }
  const { scheduler } = server;
  const limit = outgrown(scheduler, endpointPools(server).cluster);
  if (limit !== undefined) {
    const values = { port: port.label, scheduler, ...limits[limit] };
    notes.add('scheduler-outgrown', { on, values });
  }
  for (const { key: setting, problem, fallback } of serviceSettings(service).problems) {
    // A scheduler that is not known is told above, with what the driver does instead.
    if (setting === key) continue;
    notes.add('setting-not-taken', {
      on: subjectOf(service, `metadata.annotations[${setting}]`),
      values: { key: setting, problem, fallback },
    });
  }
  if (server.perRequest !== undefined) tellRequests(c, port, server.perRequest);
  if (server.perRequest !== undefined) tellGateway(c, port, server);
  if (server.affinity.kind === 'clientIP') {
    const timeout = durationLabel(server.affinity.timeoutSeconds);
    notes.add('affinity-client-ip', {
      on: subjectOf(service, 'spec.sessionAffinity'),
      values: { port: port.label, timeout },
    });
  }
}

/** What keeps requests from being balanced, or their clients from being content. */
function tellGateway(
  { notes, service, world }: ServiceCase,
  port: PortCase,
  server: VirtualServer,
): void {
  const lack = world.gatewayLacks?.get(server.id);
  const isLive = leadsToGateway(server) !== false;
  if (lack?.kind === 'secret') {
    const { problem, secret } = lack;
    const on = subjectOf(service, `metadata.annotations[${annotations.tlsSecret.key}]`);
    const [namespace = '', name = ''] = secret.split('/');
    const meanwhile = isLive
      ? 'clients are given the certificate there was before'
      : 'its connections are forwarded as they are, without TLS ending here';
    const values = { port: port.label, secret, namespace, name, meanwhile, type: tlsSecretType };
    return notes.add(`tls-secret-${problem}`, { on, values });
  }
  if (isLive) return;
  const field = `metadata.annotations[${annotations.balance.key}]`;
  notes.add('request-without-gateway', {
    on: subjectOf(service, field),
    values: { port: port.label, ...withoutGateway(world, lack) },
  });
}

function withoutGateway(
  { plan }: World,
  lack: GatewayLack | undefined,
): { readonly why: string; readonly remedy: string } {
  if (lack !== undefined) {
    return {
      why: `The gateway lacks something: ${lack.text}`,
      remedy: 'Give it that; nothing is to be restarted',
    };
  }
  return {
    why: `Node ${plan.node.name} runs no gateway`,
    remedy: 'Remove the annotation that asks for requests, or go on with connections',
  };
}
