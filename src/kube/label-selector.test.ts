/** Label selectors match and are refused as the API server does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/properties.ts';
import { ApiError } from './errors.ts';
import { parseLabelSelector } from './label-selector.ts';

const web = { app: 'web', tier: 'front', weight: '3', empty: '' };

const matches: Readonly<Record<string, boolean>> = {
  '': true,
  'app=web': true,
  'app==web': true,
  ' app = web , tier == front ': true,
  'app=api': false,
  'app!=web': false,
  'app!=api': true,
  'missing!=x': true,
  'missing=': false,
  'empty=': true,
  empty: true,
  app: true,
  missing: false,
  '!missing': true,
  '! missing': true,
  '!app': false,
  'app in (web,api)': true,
  'app in (api)': false,
  'app in ( api , web )': true,
  'missing in (a)': false,
  'app notin (api)': true,
  'app notin (web)': false,
  'missing notin (a)': true,
  'empty in (,a)': true,
  'weight>2': true,
  'weight > 3': false,
  'weight<4': true,
  'app>2': false,
  'app in (web),tier notin (back),!missing,weight': true,
  'in in (a)': false,
  notin: false,
  constructor: false,
  '!toString': true,
};

for (const [selector, want] of Object.entries(matches)) {
  test(`matches ${selector || 'everything'}: ${want}`, () =>
    assert.equal(parseLabelSelector(selector).matches(web), want));
}

const refusals: Readonly<Record<string, string>> = {
  // Recorded from a real server.
  '==x': "found '==', expected: !, identifier, or 'end of string'",
  ',': "found ',', expected: !, identifier, or 'end of string'",
  'a,': "found '', expected: identifier after ','",
  'a,,b': "found ',', expected: identifier after ','",
  'a b': "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt",
  'a=b c': "found 'c', expected: ',' or 'end of string'",
  'a in b': "unable to parse requirement: found 'b' expected: '('",
  'a in (b': "unable to parse requirement: found '', expected: ',' or ')'",
  'a in ()':
    "unable to parse requirement: values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty",
  'a=(b)': "unable to parse requirement: found '(', expected: identifier",
  '!': "unable to parse requirement: found '', expected: identifier",
  'a>b':
    "unable to parse requirement: values[0][a]: Invalid value: \"b\": for 'Gt', 'Lt' operators, the value must be an integer",
};

for (const [selector, message] of Object.entries(refusals)) {
  test(`refuses ${selector}`, () =>
    assert.throws(() => parseLabelSelector(selector), { code: 'BadRequest', message }));
}

test('a malformed key or value is refused with the rule', () => {
  assert.throws(
    () => parseLabelSelector('-a=b'),
    /key: Invalid value: "-a": name part must consist/,
  );
  assert.throws(() => parseLabelSelector('a=-b'), /values\[0\]\[a\]: Invalid value: "-b": a valid/);
});

test('an object without labels matches what asks for absence', () => {
  assert.equal(parseLabelSelector('!a').matches(undefined), true);
  assert.equal(parseLabelSelector('a').matches(undefined), false);
});

test('no text makes it fail in another way', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[ab =!<>(),in]*$/)), (text) => {
      try {
        parseLabelSelector(text).matches(web);
      } catch (thrown) {
        assert.ok(thrown instanceof ApiError, String(thrown));
      }
    }),
    { numRuns: 2_000 },
  );
});
