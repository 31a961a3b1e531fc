/** Objects -> Plan and Delta -> driver. */
export { createPlanner } from './planner.ts';
export type { Applied, Planner, PlannerOptions } from './planner.ts';
export { servicePortsOf } from './service-ports.ts';
export type { ServicePortDraft } from './service-ports.ts';
export { createSyncLoop } from './sync-loop.ts';
export type { RunResult, SyncLoop, SyncLoopOptions } from './sync-loop.ts';
export { serviceSettings } from './service-settings.ts';
