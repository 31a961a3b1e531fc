/** A request's explanation as text: what becomes of it, the way step by step, and what came of sending it. */
import type { RequestView } from '../../control/index.ts';
import type { Paint } from '../paint.ts';

const shownEndpoints = 8;

export function renderRequest({ explanation, answer }: RequestView, paint: Paint): string {
  const { method, url, steps } = explanation;
  const lines = [
    paint('bold', `${method} ${url}: ${outcomeOf(explanation)}`),
    '',
    'Step by step:',
    ...steps.map(({ text }) => `  ${text}`),
  ];
  if (answer !== undefined) {
    const { status, endpoint, pod, setCookie, tookMs } = answer;
    const who = endpoint === undefined ? '' : ` by ${named({ address: endpoint, pod })}`;
    lines.push('', `Sent: status ${status}${who}, in ${tookMs.toFixed(1)} ms`);
    for (const cookie of setCookie) lines.push(`  Set-Cookie: ${cookie}`);
  }
  return `${lines.join('\n')}\n`;
}

function outcomeOf({ outcome, status, endpoints }: RequestView['explanation']): string {
  const names = endpoints.map(named);
  const rest = names.length - shownEndpoints;
  const list = [...names.slice(0, shownEndpoints), ...(rest > 0 ? [`${rest} more`] : [])].join(
    ', ',
  );
  switch (outcome) {
    case 'held':
      return `stays at ${list}`;
    case 'chosen':
      return `goes to one of ${list}`;
    case 'by-connection':
      return `goes where its connection goes, to one of ${list}`;
    case 'refused':
      return status === undefined ? 'refused' : `refused with status ${status}`;
    case 'not-served':
      return 'not served here';
  }
}

function named({
  address,
  pod,
}: {
  readonly address: string;
  readonly pod: string | undefined;
}): string {
  return pod === undefined ? address : `${address} (Pod ${pod})`;
}
