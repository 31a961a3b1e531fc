/** What makes objects live: EndpointSlices from Pods, and where Services answer. */
export { createEndpointSliceController } from './endpoint-slices.ts';
export { ReachedAtRecorder } from './reached-at.ts';
