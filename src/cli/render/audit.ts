/** Each difference in four lines, and at the end what mends it; nothing when there is none. */
import type { AuditView } from '../../control/index.ts';
import type { Paint } from '../paint.ts';

export function renderAudit({ deviations }: AuditView, paint: Paint): string {
  if (deviations.length === 0) return '';
  const parts = deviations.map(({ server, object, found, expected }) => {
    const whose = server === undefined ? '' : `${server}: `;
    return [
      paint('bold', `${whose}${object}`),
      `  is         ${found ?? 'not there'}`,
      `  should be  ${expected ?? 'gone: nothing of the Plan is there'}`,
    ].join('\n');
  });
  const remedies = [...new Set(deviations.map(({ remedy }) => remedy))];
  const count = `${deviations.length} difference${deviations.length === 1 ? '' : 's'}`;
  return `${parts.join('\n')}\n\n${count}\n${remedies.map((line) => `  try: ${line}\n`).join('')}`;
}
