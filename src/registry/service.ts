/** Services: addresses, node ports, and the fields that follow from their type. */
import { dnsLabelProblems, serviceKind, type Service } from '../kube/index.ts';
import type { ServiceAddresses } from './service-addresses.ts';
import type { ServiceAllocator } from './service-allocation.ts';
import { completeService } from './service-defaults.ts';
import { validateService } from './service-validation.ts';
import { serviceShape } from './shapes.ts';
import type { Strategy } from './strategy.ts';

/** The rules without the ranges: enough to check a Service, not to store one. */
export const serviceRules: Strategy<Service> = {
  kind: serviceKind,
  shape: serviceShape,
  nameProblems: dnsLabelProblems,
  complete: completeService,
  validate: validateService,
  initialStatus: (service) => ({ ...service, status: { loadBalancer: {} } }),
};

export function createServiceStrategy(
  allocator: ServiceAllocator,
  addresses: ServiceAddresses,
): Strategy<Service> {
  return {
    ...serviceRules,
    stored: (service, before) => addresses.follow(service, before),
    removed: (service) => addresses.forget(service),
    allocate: (service, stored, problems) => allocator.claim(service, stored, problems),
    release: (service) => allocator.release(service),
  };
}
