/** Brings the Endpoints object of a Service with a selector in order, for clients older than EndpointSlices. */
import {
  apiVersionOf,
  endpointsController,
  endpointsKind,
  isNotFound,
  jsonEqual,
  labels,
  nameOf,
  wellKnownAnnotations,
  type Endpoints,
  type ObjectClient,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { desiredSubsets } from './desired-subsets.ts';
import type { ServiceState } from './service-state.ts';

export interface EndpointsNow {
  readonly client: ObjectClient;
  readonly state: ServiceState;
  readonly existing: Endpoints | undefined;
}

/** At most one write, and none when nothing differs. */
export async function syncEndpoints(
  service: Service,
  pods: readonly Pod[],
  { client, state, existing }: EndpointsNow,
): Promise<void> {
  const wanted = endpointsOf(service, pods, existing);
  if (existing !== undefined && sameContent(existing, wanted)) return;
  const written = await (existing === undefined
    ? client.create(endpointsKind, wanted)
    : client.update(endpointsKind, wanted));
  state.learn(() => state.endpoints.set(written));
}

/** The Service is gone, and what was known under its name with it. */
export async function removeEndpoints({ client, state, existing }: EndpointsNow): Promise<void> {
  if (existing === undefined) return;
  try {
    const { uid } = existing.metadata;
    await client.delete(endpointsKind, nameOf(existing), { preconditions: { uid } });
  } catch (thrown) {
    if (!isNotFound(thrown)) throw thrown;
  }
  state.learn(() => state.endpoints.remove(existing));
}

function endpointsOf(
  service: Service,
  pods: readonly Pod[],
  existing: Endpoints | undefined,
): Endpoints {
  const { name, namespace = 'default', labels: own } = service.metadata;
  const { subsets, truncated } = desiredSubsets(service, pods);
  const { [wellKnownAnnotations.overCapacity]: _over, ...annotations } =
    existing?.metadata.annotations ?? {};
  const capacity = truncated ? { [wellKnownAnnotations.overCapacity]: 'truncated' } : {};
  const noted = { ...annotations, ...capacity };
  const { annotations: _before, ...metadata } = existing?.metadata ?? { name, namespace };
  const { clusterIP = '' } = service.spec ?? {};
  const isHeadless = clusterIP === '' || clusterIP === 'None';
  return {
    apiVersion: apiVersionOf(endpointsKind),
    kind: endpointsKind.kind,
    metadata: {
      ...metadata,
      ...(Object.keys(noted).length === 0 ? {} : { annotations: noted }),
      labels: {
        ...own,
        [labels.endpointsManagedBy]: endpointsController,
        ...(isHeadless ? { [labels.headless]: '' } : {}),
      },
    },
    ...(subsets.length === 0 ? {} : { subsets }),
  };
}

function sameContent(a: Endpoints, b: Endpoints): boolean {
  return (
    jsonEqual(a.subsets ?? [], b.subsets ?? []) &&
    jsonEqual(a.metadata.labels ?? {}, b.metadata.labels ?? {}) &&
    jsonEqual(a.metadata.annotations ?? {}, b.metadata.annotations ?? {})
  );
}
