/** What a cluster's controllers would do to objects. */
export { createEndpointSliceController } from './endpoint-slices.ts';
export { createEventExpiry } from './event-expiry.ts';
export { createGarbageCollector } from './garbage-collector.ts';
export { createNamespaceController } from './namespaces.ts';
export { ReachedAtRecorder } from './reached-at.ts';
export { ServiceNotices } from './service-notices.ts';
export { createWorkloadControllers } from './workloads.ts';
