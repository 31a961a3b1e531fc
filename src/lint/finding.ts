/** What lint found, and how rules say where. */
import type { DesiredObject } from '../manifests/index.ts';
import { describeObject } from '../manifests/index.ts';
import { fill, type Value } from '../model/index.ts';
import { rules, type RuleCode, type RuleValues, type Severity } from './rules.ts';

export interface Finding {
  /** A rule of rules.ts, or a code of the manifests' own. */
  readonly code: string;
  readonly severity: Severity;
  readonly file: string;
  /** Counted from 1; undefined when the file itself is the problem. */
  readonly line: number | undefined;
  /** `Service default/web`; undefined before it is known. */
  readonly object: string | undefined;
  readonly field: string | undefined;
  readonly message: string;
  readonly remedy: string | undefined;
}

export interface Place {
  readonly on: DesiredObject;
  /** `spec.ports[0].targetPort`. */
  readonly field: string;
}

export class Findings {
  readonly items: Finding[] = [];

  add<Code extends RuleCode>(
    code: Code,
    { on, field }: Place,
    values: Readonly<Record<RuleValues<Code>, Value>>,
  ): void {
    const { severity, text, remedy } = rules[code];
    this.items.push({
      code,
      severity,
      file: on.document.file,
      line: on.document.lineOf(field),
      object: describeObject(on.kind, on.object),
      field,
      message: fill(text, values),
      remedy: fill(remedy, values),
    });
  }
}

/** Where an object is written: `shop.yaml:12`. */
export function placeOf({ document }: DesiredObject): string {
  return `${document.file}:${document.line}`;
}
