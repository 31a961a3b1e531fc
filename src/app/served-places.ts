/** Which ServicePorts a gateway of its own serves, and where: those that balance requests, and those it is told of. */
import type { ServedPlace } from '../cli/index.ts';
import { familyOf, type Frontend } from '../model/index.ts';
import type { ServicePortDraft } from '../plan/index.ts';

/**
 * The frontends of a ServicePort at this gateway; undefined: it has no business with it. They count as those of a load
 * balancer, so that source ranges and the external traffic policy hold.
 */
export function frontendsAt(
  places: readonly ServedPlace[],
): (draft: ServicePortDraft) => readonly Frontend[] | undefined {
  return (draft) => {
    const own = places.filter((place) => isFor(place, draft));
    if (own.length === 0 && draft.perRequest === undefined) return undefined;
    return own.map(({ at }) => ({ kind: 'loadBalancer', ...at }));
  };
}

function isFor(
  { namespace, service, port, at }: ServedPlace,
  { ref, frontends, perRequest }: ServicePortDraft,
): boolean {
  if (ref.namespace !== namespace || ref.name !== service || ref.protocol !== 'TCP') return false;
  // One of the two families that a Service may have: that of the place.
  if (familyOf(at.address) !== ref.family) return false;
  if (port === undefined) return perRequest !== undefined;
  return ref.portName === port || frontends.some((each) => String(each.port) === port);
}
