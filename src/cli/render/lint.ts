/** What lint found, as text: one paragraph a finding, and the count at the end. */
import type { Finding, LintReport } from '../../lint/index.ts';
import type { Paint } from '../paint.ts';

export function renderLint(report: LintReport, paint: Paint): string {
  const paragraphs = report.findings.map((finding) => `${renderFinding(finding, paint)}\n\n`);
  return `${paragraphs.join('')}${renderCount(report)}\n`;
}

function renderFinding(finding: Finding, paint: Paint): string {
  const { severity, file, line, object, field, message, remedy, code } = finding;
  const place = line === undefined ? file : `${file}:${line}`;
  const mark = paint(severity === 'error' ? 'red' : 'yellow', severity);
  const where = [object, field].filter((part) => part !== undefined).join(', ');
  return [
    `${paint('bold', place)}: ${mark}: ${message}`,
    ...(where === '' ? [] : [`  in:  ${where}`]),
    ...(remedy === undefined ? [] : [`  try: ${remedy}`]),
    paint('dim', `  (${code})`),
  ].join('\n');
}

function renderCount({ files, objects, errors, warnings }: LintReport): string {
  const read = `${count(objects, 'object')} in ${count(files, 'file')}`;
  if (errors + warnings === 0) return `${read}: nothing to say against them`;
  return `${read}: ${count(errors, 'error')}, ${count(warnings, 'warning')}`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
