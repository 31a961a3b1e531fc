/** An explanation as text: the instance wrote it, only the marks get their colours here. */
import type { ExplainView } from '../../control/index.ts';
import type { Paint, Tone } from '../paint.ts';

const tones: readonly (readonly [RegExp, Tone])[] = [
  [/^(\d+\. broken|  BROKEN )/, 'red'],
  [/^(\d+\. warning|  warning)/, 'yellow'],
  [/^(   do: )/, 'green'],
  [/^(  ok     )/, 'dim'],
];

export function renderExplanation({ text }: ExplainView, paint: Paint): string {
  return text
    .split('\n')
    .map((line, i) => {
      if (i === 0) return paint('bold', line);
      const found = tones.find(([mark]) => mark.test(line));
      return found === undefined ? line : line.replace(found[0], (mark) => paint(found[1], mark));
    })
    .join('\n');
}
