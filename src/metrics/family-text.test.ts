import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatFamilies } from './family-text.ts';

test('a family as Prometheus reads it, its labels escaped', () => {
  const text = formatFamilies([
    {
      name: 'a_total',
      help: 'What was counted.',
      type: 'counter',
      samples: [
        { labels: {}, value: 1 },
        { labels: { x: 'q"\\\n', y: 'z' }, value: 2.5 },
      ],
    },
    {
      name: 'b_seconds',
      help: 'How long.',
      type: 'histogram',
      samples: [
        { suffix: '_bucket', labels: { le: '+Inf' }, value: 3 },
        { suffix: '_sum', labels: {}, value: 0.25 },
      ],
    },
  ]);
  assert.equal(
    text,
    [
      '# HELP a_total What was counted.',
      '# TYPE a_total counter',
      'a_total 1',
      'a_total{x="q\\"\\\\\\n",y="z"} 2.5',
      '# HELP b_seconds How long.',
      '# TYPE b_seconds histogram',
      'b_seconds_bucket{le="+Inf"} 3',
      'b_seconds_sum 0.25',
      '',
    ].join('\n'),
  );
  assert.equal(formatFamilies([]), '');
});
