/** What makes objects live: EndpointSlices from Pods. */
export { createEndpointSliceController } from './endpoint-slices.ts';
