/** The answers of this room: plain data, the same for `-o json` and for text. */
import type { ReasonCode } from './reasons.ts';
import type { Severity, Stage } from './reason-row.ts';

/** An object, and the field of it that counts. */
export interface Subject {
  readonly kind: string;
  /** Undefined for kinds that have none. */
  readonly namespace: string | undefined;
  readonly name: string;
  readonly field: string | undefined;
}

/** One step on the way from a name to an endpoint. */
export interface ExplanationStep {
  readonly stage: Stage;
  readonly code: ReasonCode;
  readonly severity: Severity;
  /** A sentence without a full stop. */
  readonly text: string;
  readonly object: Subject;
}

/** Something to know or to change; worst first. */
export interface Finding {
  readonly code: ReasonCode;
  readonly severity: Severity;
  readonly text: string;
  readonly object: Subject;
  readonly why: string;
  readonly remedy: string;
}

/** The worst of the steps: `broken` when any is, even if other ports of the Service work. */
export type HealthVerdict = 'works' | 'works-with-warnings' | 'broken';

export interface ServiceExplanation {
  readonly kind: 'service';
  readonly namespace: string;
  readonly name: string;
  readonly verdict: HealthVerdict;
  readonly steps: readonly ExplanationStep[];
  readonly findings: readonly Finding[];
}

export interface CandidateView {
  /** `10.1.0.1:8080`. */
  readonly address: string;
  /** namespace/name. */
  readonly pod: string | undefined;
  readonly node: string | undefined;
  readonly weight: number;
}

/** `decide`'s Decision as plain data; `unresolved`: there was no address to decide about. */
export type DecisionView =
  | {
      readonly kind: 'forward';
      /** ServicePort id. */
      readonly server: string;
      readonly frontend: string;
      readonly pool: string;
      readonly candidates: readonly CandidateView[];
      /** The one the driver uses. */
      readonly scheduler: string;
      readonly affinity: string;
      readonly masquerade: string;
    }
  | { readonly kind: 'reject'; readonly why: string; readonly server: string | undefined }
  | { readonly kind: 'drop'; readonly why: string; readonly server: string | undefined }
  | { readonly kind: 'pass' }
  | { readonly kind: 'unresolved' };

export interface FlowExplanation {
  readonly kind: 'flow';
  /** `TCP 10.1.0.9:40000 -> 10.96.0.10:80`. */
  readonly flow: string;
  readonly decision: DecisionView;
  readonly verdict: HealthVerdict;
  readonly steps: readonly ExplanationStep[];
  readonly findings: readonly Finding[];
}

export type Explanation = ServiceExplanation | FlowExplanation;
