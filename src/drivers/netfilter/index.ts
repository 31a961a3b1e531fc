/** What drivers whose packets the kernel follows have in common. */
export { Conntrack, endpointOf } from './conntrack.ts';
export { FlowCounters } from './flow-counters.ts';
export type { FlowCounts } from './flow-counters.ts';
export type { Since } from './reconcile-udp.ts';
export { reconcileUdp } from './reconcile-udp.ts';
