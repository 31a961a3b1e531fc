/** A destination that is a name: the Service it means, and the address it resolves to. */
import type { Service } from '../kube/index.ts';
import { canonicalIp, familyOf, type Flow, nearNames } from '../model/index.ts';
import { explainService } from './explain-service.ts';
import type { Notes } from './notes.ts';
import { gatherService, readyAddresses, type ServiceCase } from './service-case.ts';
import { tellUnknownService } from './unknown-service.ts';
import {
  findService,
  keyOf,
  namespacesOf,
  nodeSubject,
  subjectOf,
  type ServiceQuestion,
  type World,
} from './world.ts';

export interface HostQuestion extends Omit<Flow, 'destination'> {
  /** `web`, `web.shop`, `web.shop.svc.cluster.local`. */
  readonly destination: string;
  /** Of the client; `default` when absent. */
  readonly namespace?: string | undefined;
}

/** The cluster address of the name; undefined when it has none, which is told. */
export function resolveHost(
  world: World,
  question: HostQuestion,
  notes: Notes,
): string | undefined {
  const asked = parseServiceHost(question.destination, question.namespace ?? 'default');
  const service = findService(world, asked);
  if (service === undefined && isOutside(world, question.destination, asked)) {
    const on = nodeSubject(world);
    notes.add('flow-host-outside', { on, values: { name: question.destination } });
    return undefined;
  }
  if (service === undefined) {
    tellUnknownService(world, asked, notes);
    return undefined;
  }
  const { spec } = service;
  if (spec?.type === 'ExternalName') {
    const target = spec.externalName ?? '';
    const on = subjectOf(service, 'spec.externalName');
    notes.add('flow-alias', { on, values: { target, service: keyOf(service) } });
    adoptBroken(world, service, notes);
    return undefined;
  }
  if (spec?.clusterIP === 'None') {
    tellHeadless(gatherService(world, service, { notes }), question);
    return undefined;
  }
  return clusterAddress(world, question, { service, notes });
}

/** The Service a name means; what comes behind the namespace is the cluster's own and says no more. */
function parseServiceHost(host: string, ownNamespace: string): ServiceQuestion {
  const [name = '', namespace = ownNamespace] = host.split('.');
  return { namespace, name };
}

/** `www.example.com`: a domain whose second label is nothing like a namespace. */
function isOutside(world: World, host: string, { namespace }: ServiceQuestion): boolean {
  const [, second, third] = host.split('.');
  if (second === undefined || second === '' || third === 'svc') return false;
  return nearNames(namespace, namespacesOf(world)).length === 0;
}

interface Found {
  readonly service: Service;
  readonly notes: Notes;
}

/** The address of the client's family, as a resolver prefers; else the first. */
function clusterAddress(
  world: World,
  question: HostQuestion,
  { service, notes }: Found,
): string | undefined {
  const { spec } = service;
  const written = spec?.clusterIPs ?? [spec?.clusterIP ?? ''];
  const addresses = written.flatMap((text) => canonicalIp(text) ?? []);
  const family = familyOf(question.source);
  const address = addresses.find((a) => familyOf(a) === family) ?? addresses[0];
  const name = question.destination;
  if (address === undefined) {
    const on = subjectOf(service, 'spec.clusterIP');
    notes.add('flow-no-address', { on, values: { name, service: keyOf(service) } });
    adoptBroken(world, service, notes);
    return undefined;
  }
  const on = subjectOf(service, 'spec.clusterIPs');
  notes.add('flow-resolved', { on, values: { name, service: keyOf(service), address } });
  return address;
}

function tellHeadless(c: ServiceCase, question: HostQuestion): void {
  const { notes, service, slices, spec, world } = c;
  const name = question.destination;
  const endpoints = readyAddresses(slices);
  const on = subjectOf(slices[0] ?? service, 'endpoints');
  if (endpoints.length === 0) {
    notes.add('flow-headless-nothing', { on, values: { name, service: c.key } });
    adoptBroken(world, service, notes);
    return;
  }
  const { destinationPort: port, protocol } = question;
  const declared = (spec.ports ?? []).find(
    (p) => p.port === port && (p.protocol ?? 'TCP') === protocol,
  );
  const behind = slices.flatMap((slice) => slice.ports ?? []);
  const target = behind.find((p) => (p.name ?? '') === (declared?.name ?? ''))?.port;
  if (declared !== undefined && target !== undefined && target !== port) {
    const values = { service: c.key, port, target };
    notes.add('flow-headless-port', { on: subjectOf(service, 'spec.ports'), values });
  } else {
    notes.add('flow-headless', { on, values: { endpoints, service: c.key } });
  }
}

function adoptBroken(world: World, service: Service, notes: Notes): void {
  const namespace = service.metadata.namespace ?? 'default';
  const { findings } = explainService(world, { namespace, name: service.metadata.name });
  notes.adopt(findings.filter((finding) => finding.severity === 'broken'));
}
