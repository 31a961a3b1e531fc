import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fill, formatList, type Value } from './template.ts';

const cases: Record<string, readonly [string, Record<string, Value>, string]> = {
  'a value': ['at {port}', { port: 80 }, 'at 80'],
  'one of something': ['{pods#Pod}', { pods: 1 }, '1 Pod'],
  'a list is counted': ['{pods#Pod}: {pods}', { pods: ['a', 'b'] }, '2 Pods: a and b'],
  'none of something': ['{pods#Pod}', { pods: [] }, '0 Pods'],
  'a word that ends in s': ['{n#address}', { n: 2 }, '2 addresses'],
  'one is': ['{n} {n?is|are} up', { n: 1 }, '1 is up'],
  'two are': ['{n} {n?is|are} up', { n: ['a', 'b'] }, 'a and b are up'],
  'an empty word for one': ['to {n?|one of }{n}', { n: ['a'] }, 'to a'],
  'a text that looks like a gap is not filled': ['{a}', { a: '{b}', b: 'c' }, '{b}'],
};

for (const [name, [template, values, want]] of Object.entries(cases)) {
  test(name, () => assert.equal(fill(template, values), want));
}

test('a long list is cut where counting is shorter than naming', () => {
  const letters = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
  assert.equal(formatList([]), 'none');
  assert.equal(formatList(letters.slice(0, 1)), 'a');
  assert.equal(formatList(letters.slice(0, 6)), 'a, b, c, d, e and f');
  assert.equal(formatList(letters), 'a, b, c, d, e and 2 more');
});
