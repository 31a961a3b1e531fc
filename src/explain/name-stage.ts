/** What kind of Service it is, and whether it is there to stay. */
import { labels } from '../kube/index.ts';
import { canonicalIp } from '../model/index.ts';
import type { ServiceCase } from './service-case.ts';
import { portLabel } from './wording.ts';
import { nodeSubject, subjectOf } from './world.ts';

/** False when there is nothing more to look at: an alias, or a Service somebody else forwards. */
export function tellName(c: ServiceCase): boolean {
  const { notes, service, spec, world } = c;
  tellDeletion(c);
  if (spec.type === 'ExternalName') {
    tellAlias(c);
    return false;
  }
  const proxy = service.metadata.labels?.[labels.serviceProxyName];
  if (proxy !== undefined) {
    const node = world.plan.node.name;
    notes.add('other-proxy', {
      on: subjectOf(service, `metadata.labels[${labels.serviceProxyName}]`),
      values: { service: c.key, proxy: `"${proxy}"`, label: labels.serviceProxyName, node },
    });
    return false;
  }
  if (c.isHeadless) {
    notes.add('headless', { on: subjectOf(service, 'spec.clusterIP'), values: { service: c.key } });
    tellHeadlessPorts(c);
  } else if (c.ports.length === 0) {
    notes.add('no-address', {
      on: subjectOf(service, 'spec.clusterIP'),
      values: { service: c.key },
    });
  }
  return true;
}

function tellDeletion({ notes, service, namespace, key, world }: ServiceCase): void {
  const home = world.namespaces.find((object) => object.metadata.name === namespace);
  if (
    home !== undefined &&
    (home.metadata.deletionTimestamp !== undefined || home.status?.phase === 'Terminating')
  ) {
    const on = subjectOf(home, 'status.phase');
    notes.add('namespace-terminating', { on, values: { namespace } });
  }
  const { deletionTimestamp, finalizers = [] } = service.metadata;
  if (deletionTimestamp !== undefined) {
    notes.add('service-terminating', {
      on: subjectOf(service, 'metadata.finalizers'),
      values: { service: key, since: deletionTimestamp, finalizers },
    });
  }
}

function tellAlias({ notes, service, spec, selector, key, name }: ServiceCase): void {
  const target = spec.externalName ?? '';
  const on = subjectOf(service, 'spec.externalName');
  notes.add('external-name', { on, values: { service: key, target } });
  if (canonicalIp(target) !== undefined) {
    const values = { service: key, target, label: labels.serviceName, name };
    notes.add('external-name-address', { on, values });
  }
  if (selector !== undefined) {
    notes.add('external-name-selector', {
      on: subjectOf(service, 'spec.selector'),
      values: { service: key },
    });
  }
}

function tellHeadlessPorts({ notes, service, portSpecs }: ServiceCase): void {
  for (const { index, port } of portSpecs) {
    const target = port.targetPort ?? port.port;
    if (typeof target !== 'number' || target === port.port) continue;
    notes.add('headless-port', {
      on: subjectOf(service, `spec.ports[${index}].targetPort`),
      values: { port: portLabel(port), target },
    });
  }
}

/** Before the first apply nothing is forwarded, whatever the Plan says. */
export function tellApplied({ world, notes }: ServiceCase): void {
  if (world.report !== undefined) return;
  notes.add('not-applied', { on: nodeSubject(world), values: { node: world.plan.node.name } });
}
