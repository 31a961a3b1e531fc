/** /healthz, /livez and /readyz: in one word, or check by check. */
import type { HttpAnswer } from '../sys/http/index.ts';
import { textAnswer } from './answers.ts';

/** A server that answers at all passes them; what the instance lacks is in its component states. */
const checks = ['ping'];

/** Undefined when the path is none of these. */
export function healthAnswer(
  [root = '', check, ...rest]: readonly string[],
  query: URLSearchParams,
): HttpAnswer | undefined {
  if (!['healthz', 'livez', 'readyz'].includes(root) || rest.length > 0) return undefined;
  if (check !== undefined) return checks.includes(check) ? textAnswer('ok') : undefined;
  if (!query.has('verbose')) return textAnswer('ok');
  const lines = [...checks.map((name) => `[+]${name} ok`), `${root} check passed`];
  return textAnswer(`${lines.join('\n')}\n`);
}
