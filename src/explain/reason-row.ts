/** What a row of the table of reasons holds. */

/** Where on the way from a name to an endpoint a reason belongs; explanations are in this order. */
export const stages = [
  'name',
  'address',
  'port',
  'selector',
  'pods',
  'slice',
  'readiness',
  'source',
  'policy',
  'scheduler',
  'endpoint',
  'verdict',
] as const;

export type Stage = (typeof stages)[number];

/** `ok` and `info` leave a Service whole; `warning`: it works, not as somebody may expect; `broken`: it does not. */
export type Severity = 'ok' | 'info' | 'warning' | 'broken';

/** Templates (../model/template.ts) without a full stop. */
export interface ReasonRow {
  readonly stage: Stage;
  readonly severity: Severity;
  /** One sentence: what is so. */
  readonly text: string;
  /** Why that matters, or what it rests on. */
  readonly why?: string;
  /** What to change. A reason that has one is a finding; the others are steps only. */
  readonly remedy?: string;
}

export type ReasonTable = Readonly<Record<string, ReasonRow>>;
