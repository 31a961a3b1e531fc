/** An explanation as plain text: the verdict, what to know and to change, then the way step by step. No colours. */
import type { Explanation, Finding, FlowExplanation, Subject } from './explanation.ts';
import type { Severity } from './reason-row.ts';

/** Ends with a line feed. */
export function formatExplanation(explanation: Explanation): string {
  const { steps, findings } = explanation;
  const width = Math.max(0, ...steps.map((step) => step.stage.length));
  const lines = steps.map(
    ({ severity, stage, text }) => `  ${marks[severity]} ${stage.padEnd(width)}  ${text}`,
  );
  const way = lines.length === 0 ? '' : ['Step by step:', ...lines].join('\n');
  const blocks = [headline(explanation), ...findings.map(formatFinding), way];
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`;
}

const marks: Readonly<Record<Severity, string>> = {
  ok: 'ok     ',
  info: 'note   ',
  warning: 'warning',
  broken: 'BROKEN ',
};

const verdictWords = {
  works: 'works',
  'works-with-warnings': 'works, with warnings',
  broken: 'broken',
} as const;

function headline(explanation: Explanation): string {
  const verdict = verdictWords[explanation.verdict];
  if (explanation.kind === 'service') {
    return `Service ${explanation.namespace}/${explanation.name}: ${verdict}`;
  }
  return `${explanation.flow}: ${outcomeOf(explanation)}`;
}

/** What the client meets: a decision to forward is worth nothing where nobody listens. */
function outcomeOf({ decision, verdict }: FlowExplanation): string {
  switch (decision.kind) {
    case 'forward':
      if (verdict === 'broken') return 'does not get through';
      return verdict === 'works' ? 'forwarded' : 'forwarded, with warnings';
    case 'reject':
      return 'refused';
    case 'drop':
      return 'dropped';
    case 'pass':
      return verdict === 'broken' ? 'not served' : 'left alone';
    case 'unresolved':
      return verdict === 'broken' ? 'does not get through' : 'goes there itself';
  }
}

function formatFinding(finding: Finding, index: number): string {
  const { severity, text, object, why, remedy } = finding;
  const label = severity === 'info' ? 'note' : severity;
  return [
    `${index + 1}. ${label}: ${text}`,
    `   where: ${formatSubject(object)}`,
    `   why:   ${why}`,
    `   do:    ${remedy}`,
  ].join('\n');
}

/** `Service shop/web, spec.selector`. */
function formatSubject({ kind, namespace, name, field }: Subject): string {
  const object = namespace === undefined ? `${kind} ${name}` : `${kind} ${namespace}/${name}`;
  return field === undefined ? object : `${object}, ${field}`;
}
