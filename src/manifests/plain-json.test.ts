/** Large JSON is read the short way only when that loses nothing, and says the same lines. */
import assert from 'node:assert/strict';
import test from 'node:test';
import { parseManifest } from './parse.ts';
import { parsePlainJson } from './plain-json.ts';

const services = Array.from({ length: 4_000 }, (_, i) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: `s${i}` },
  spec: { ports: [{ port: 80 }] },
}));
const list = { apiVersion: 'v1', kind: 'List', items: services };

for (const [name, indent] of [
  ['on one line', undefined],
  ['as kubectl writes it', 4],
  ['with tabs', '\t'],
] as const) {
  test(`a large List ${name} is read, item by item, with its lines`, () => {
    const text = `${JSON.stringify(list, undefined, indent)}\n`;
    assert.notEqual(parsePlainJson(text), undefined);
    const { documents, problems } = parseManifest('big.json', text);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      documents.map(({ value }) => value),
      services,
    );
    const item = documents[2];
    const wanted = indent === undefined ? [1, 1] : lineNumbers(text, 's2');
    assert.deepEqual([item?.line, item?.lineOf('metadata.name')], wanted);
  });
}

/** Where the object with this name begins, and where the name stands. */
function lineNumbers(text: string, name: string): readonly number[] {
  const at = text.split('\n').findIndex((line) => line.includes(`"${name}"`)) + 1;
  return [at - 4, at];
}

const rest = JSON.stringify(list).slice(1);
const strange: Readonly<Record<string, string>> = {
  'a key that stands twice': `{"kind":"List",${rest}`,
  'a small text': '{"kind":"Service"}',
  'a text cut off': JSON.stringify(list).slice(0, -1),
  'spaces where JSON.stringify has none': `{ ${rest}`,
  YAML: `kind: List\nitems:\n${'- {}\n'.repeat(100_000)}`,
};

for (const [name, text] of Object.entries(strange)) {
  test(`left to the YAML parser: ${name}`, () => assert.equal(parsePlainJson(text), undefined));
}

test('an item that is no object is still a problem', () => {
  const text = JSON.stringify({ ...list, items: [...services, 'what'] });
  assert.notEqual(parsePlainJson(text), undefined);
  const { problems } = parseManifest('big.json', text);
  assert.equal(problems[0]?.field, `items[${services.length}]`);
});
