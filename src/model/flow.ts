/** A connection attempt, and the verdict on it. */
import type { Affinity, SchedulerName } from './schedulers/names.ts';
import type { Endpoint, Frontend, PoolName, Protocol, VirtualServer } from './service-port.ts';

/** Where a Flow enters: a Pod of this node, the node itself, or anywhere else. */
export type Entry = 'pod' | 'node' | 'outside';

export interface Flow {
  readonly protocol: Protocol;
  readonly source: string;
  readonly sourcePort: number;
  readonly destination: string;
  readonly destinationPort: number;
  readonly entry: Entry;
}

export type RejectReason = 'no-endpoints' | 'port-not-served';
export type DropReason = 'no-local-endpoints' | 'source-range' | 'unallocated-address';

/**
 * Whether the backend sees the node's address instead of the client's: always, or only when the chosen
 * endpoint is the client itself (hairpin).
 */
export type Masquerade = 'always' | 'hairpin';

export type Decision =
  | {
      readonly kind: 'forward';
      readonly server: VirtualServer;
      readonly frontend: Frontend;
      readonly pool: PoolName;
      /** Never empty. */
      readonly candidates: readonly Endpoint[];
      readonly scheduler: SchedulerName;
      readonly affinity: Affinity;
      readonly masquerade: Masquerade;
    }
  | {
      readonly kind: 'reject';
      readonly why: RejectReason;
      readonly server: VirtualServer | undefined;
    }
  | {
      readonly kind: 'drop';
      readonly why: DropReason;
      readonly server: VirtualServer | undefined;
    }
  | { readonly kind: 'pass' };

/** One step on the way to a Decision: a code, and the values it rests on. Words for it are in explain/. */
export interface Step {
  readonly code: StepCode;
  readonly values: Readonly<Record<string, string | number>>;
}

export type StepCode =
  | 'frontend-matched'
  | 'frontend-unknown'
  | 'source-range-checked'
  | 'policy-applied'
  | 'pool-chosen'
  | 'pool-empty';

/** Collects the steps of one `decide` when somebody asked for them. */
export interface Trace {
  step(code: StepCode, values: Readonly<Record<string, string | number>>): void;
}

/** True when the backend sees the node as the client. */
export function masquerades(masquerade: Masquerade, flow: Flow, chosen: Endpoint): boolean {
  return masquerade === 'always' || chosen.address === flow.source;
}
