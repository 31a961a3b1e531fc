/** A Service that was asked for and is not there: what may have been meant. */
import { byNearness, nearNames } from '../model/index.ts';
import type { Notes } from './notes.ts';
import { namespaceOf, namespacesOf, subjectOf, type ServiceQuestion, type World } from './world.ts';

export function tellUnknownService(
  world: World,
  { namespace, name }: ServiceQuestion,
  notes: Notes,
): void {
  const on = { kind: 'Service', namespace, name, field: 'metadata.name' };
  const known = namespacesOf(world);
  if (world.namespaces.length > 0 && !known.has(namespace)) {
    const nearest = byNearness(namespace, known).slice(0, 3);
    const asked = { kind: 'Namespace', namespace: undefined, name: namespace, field: undefined };
    notes.add('namespace-unknown', { on: asked, values: { namespace, nearest } });
    return;
  }
  const elsewhere = world.services.find((service) => service.metadata.name === name);
  const here = world.services.filter((service) => namespaceOf(service) === namespace);
  const names = here.map((service) => service.metadata.name).toSorted();
  const similar = nearNames(name, names);
  const [nearest] = similar;
  if (elsewhere !== undefined) {
    const other = namespaceOf(elsewhere);
    notes.add('service-unknown-elsewhere', {
      on: subjectOf(elsewhere, 'metadata.namespace'),
      values: { namespace, name, other },
    });
  } else if (nearest !== undefined) {
    notes.add('service-unknown-similar', { on, values: { namespace, name, similar, nearest } });
  } else if (names.length > 0) {
    notes.add('service-unknown', { on, values: { namespace, name, services: names } });
  } else {
    notes.add('service-unknown-empty', { on, values: { namespace, name } });
  }
}
