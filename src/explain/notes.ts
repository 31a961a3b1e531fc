/** Collects reasons while an answer is worked out, and puts them in order at the end. */
import { fill } from '../model/index.ts';
import type { ExplanationStep, Finding, HealthVerdict, Subject } from './explanation.ts';
import { stages, type ReasonRow, type Severity } from './reason-row.ts';
import { reasons, type ReasonCode, type ValuesOf } from './reasons.ts';

export interface Note<Code extends ReasonCode> {
  readonly on: Subject;
  readonly values: ValuesOf<Code>;
  /** Another severity than the table's, where the same reason weighs more or less. */
  readonly severity?: Severity;
}

export interface Notes {
  add<Code extends ReasonCode>(code: Code, note: Note<Code>): void;
  /** Takes over findings of another answer; its steps are its own. */
  adopt(findings: readonly Finding[]): void;
  /** In the order of the stages, findings worst first. */
  result(): {
    readonly verdict: HealthVerdict;
    readonly steps: readonly ExplanationStep[];
    readonly findings: readonly Finding[];
  };
}

const weightOf: Readonly<Record<Severity, number>> = { ok: 0, info: 1, warning: 2, broken: 3 };

export function createNotes(): Notes {
  const steps: ExplanationStep[] = [];
  const findings: Finding[] = [];
  return {
    add: (code, { on, values, severity }) => {
      const row: ReasonRow = reasons[code];
      const weighed = severity ?? row.severity;
      const text = fill(row.text, values);
      steps.push({ stage: row.stage, code, severity: weighed, text, object: on });
      if (row.remedy === undefined) return;
      const why = fill(row.why ?? '', values);
      findings.push({
        code,
        severity: weighed,
        text,
        object: on,
        why,
        remedy: fill(row.remedy, values),
      });
    },
    adopt: (others) => {
      findings.push(...others);
    },
    result: () => ({
      verdict: verdictOf(steps),
      steps: steps.toSorted((a, b) => stages.indexOf(a.stage) - stages.indexOf(b.stage)),
      findings: findings.toSorted((a, b) => weightOf[b.severity] - weightOf[a.severity]),
    }),
  };
}

function verdictOf(steps: readonly ExplanationStep[]): HealthVerdict {
  if (steps.some((step) => step.severity === 'broken')) return 'broken';
  return steps.some((step) => step.severity === 'warning') ? 'works-with-warnings' : 'works';
}
