/** What each controller of workloads is given to bring one object to what it asks for, and what it says afterwards. */
import type { EventRecorder, ObjectClient } from '../kube/index.ts';
import type { Clock } from '../model/index.ts';
import type { WorkloadState } from './workload-state.ts';

/** `wait`: time alone will ask for something. */
export type SyncResult = 'done' | 'wait';

export interface SyncContext {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly state: WorkloadState;
  readonly events: EventRecorder;
}
