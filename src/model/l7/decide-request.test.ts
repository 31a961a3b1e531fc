import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fc } from '../../../test/support/properties.ts';
import { propertyRuns } from '../property-runs.suite.ts';
import { decideRequest, type RequestStepCode } from './decide-request.ts';
import {
  compileCase,
  describeRequest,
  parseRequestCases,
  requestOf,
  type RequestWords,
} from './request-cases.suite.ts';
import { tellNaively } from './request-oracle.suite.ts';

const folder = new URL('../testdata/decide-request/', import.meta.url);
const table = readdirSync(folder)
  .filter((name) => name.endsWith('.txt'))
  .toSorted((a, b) => a.localeCompare(b))
  .map((file) => ({
    file,
    cases: parseRequestCases(readFileSync(new URL(file, folder), 'utf8'), file),
  }));

function verdictOf(words: RequestWords, steps: Set<RequestStepCode> = new Set()): string {
  const how = {
    random: () => words.draw,
    trace: { step: (code: RequestStepCode) => void steps.add(code) },
  };
  const decision = decideRequest(compileCase(words), requestOf(words), how);
  return describeRequest(decision, tellNaively(words).key);
}

for (const { file, cases } of table) {
  describe(file, () => {
    for (const { text, words, verdict, line } of cases) {
      test(text, () => assert.equal(verdictOf(words), verdict, `${file}:${line}`));
    }
  });
}

describe('the table', () => {
  test('takes every step there is', () => {
    const steps = new Set<RequestStepCode>();
    for (const { words } of table.flatMap(({ cases }) => cases)) verdictOf(words, steps);
    const every: Record<RequestStepCode, true> = {
      'route-matched': true,
      'route-unknown': true,
      'target-drawn': true,
      'target-held': true,
      'session-held': true,
      'session-old': true,
      'session-unknown': true,
      'session-absent': true,
      'endpoints-missing': true,
      'hash-key': true,
      'hash-key-absent': true,
      candidates: true,
    };
    assert.deepEqual([...steps].toSorted(), Object.keys(every).toSorted());
  });

  test('has 200 cases or more, none twice', () => {
    const texts = table.flatMap(({ cases }) => cases.map(({ text }) => text));
    assert.equal(new Set(texts).size, texts.length);
    assert.ok(texts.length >= 200, `${texts.length} cases`);
  });

  test('the oracle tells each as it is written', () => {
    for (const { words, verdict, text } of table.flatMap(({ cases }) => cases)) {
      assert.equal(tellNaively(words).verdict, verdict, text);
    }
  });
});

const refused: Readonly<Record<string, RegExp>> = {
  'request GET /: stay at a': /no word on endpoints/,
  'endpoints none; endpoints none; request GET /: stay at a': /"endpoints" is said twice/,
  'endpoints none; colour red; request GET /: stay at a': /"colour" is not a clause/,
  'endpoints none; scheduler best; request GET /: stay at a': /"best" is not a scheduler/,
  'endpoints none; hash body; request GET /: stay at a': /"body" is nothing to hash/,
  'endpoints none; request GET /: go to a': /"go to a" is not a verdict/,
  'endpoints none; request /: stay at a': /the last clause is no request/,
};

for (const [line, reason] of Object.entries(refused)) {
  test(`the line language refuses ${line}`, () => {
    assert.throws(() => parseRequestCases(line, 'x.txt'), reason);
  });
}

const conditions = [
  'ready',
  'ready terminating',
  'terminating',
  'terminating not-serving',
  'not-ready',
];
const cookie = fc.constantFrom('a', 'b', 'c', 'd', 'a-old', 'b-old', 'c-expired', 'gone', 'forged');
const endpoint = fc
  .tuple(
    fc.constantFrom(...conditions),
    fc.constantFrom('', ' weight=0'),
    fc.constantFrom('', ' local'),
  )
  .map((parts) => parts.join(''));
const target = fc
  .tuple(fc.constantFrom('a', 'b', 'ab', 'bcd', 'abcd'), fc.constantFrom(0, 1, 3))
  .map(([names, weight]) => `${names}:${weight}`);
const route = fc
  .tuple(
    fc.constantFrom(
      '',
      ' host=shop.example',
      ' host=*.example',
      ' prefix=/a',
      ' path=/a/b',
      ' method=POST',
    ),
    fc.array(target, { minLength: 1, maxLength: 3 }),
  )
  .map(([match, targets]) => `r${match} to=${targets.join('+')}`);

const sentence = fc
  .record({
    endpoints: fc.array(endpoint, { minLength: 1, maxLength: 4 }),
    clauses: fc.subarray(['affinity cookie', 'pool local', 'hash query:u', 'scheduler mh']),
    routes: fc.option(fc.array(route, { minLength: 1, maxLength: 3 }), { nil: undefined }),
    draw: fc.constantFrom(0, 0.3, 0.6, 0.99),
    method: fc.constantFrom('GET', 'POST'),
    at: fc.constantFrom('shop.example/a', 'shop.example/a/b?u=1', 'b.example/ab', '/a?u'),
    cookies: fc.array(cookie, { maxLength: 3 }),
  })
  .map(({ endpoints, clauses, routes, draw, method, at, cookies }) =>
    [
      `endpoints ${endpoints.map((words, i) => `${'abcd'[i] ?? ''} ${words}`).join(', ')}`,
      ...clauses,
      ...(routes === undefined ? [] : [`routes ${routes.join(', ')}`]),
      `draw ${draw}`,
      `request ${[method, at, ...cookies.map((each) => `cookie=${each}`)].join(' ')}: stay at a`,
    ].join('; '),
  );

test('decides as the oracle whatever is said', () => {
  fc.assert(
    fc.property(sentence, (text) => {
      const [one] = parseRequestCases(text, 'property');
      assert.ok(one !== undefined);
      assert.equal(verdictOf(one.words), tellNaively(one.words).verdict);
    }),
    { numRuns: propertyRuns },
  );
});
