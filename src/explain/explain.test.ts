/** Every case in testdata is answered as its .out.txt says, and every reason has a case. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import type { Explanation } from './explanation.ts';
import { explainFlow, explainService, formatExplanation, reasons } from './index.ts';
import { readCase, type GoldenCase } from './testing.ts';

const testdata = join(import.meta.dirname, 'testdata');
const files = globSync('*.in.yaml', { cwd: testdata }).toSorted();
const identity = { serializers: [(value: unknown) => String(value)] };
const produced = new Set<string>();

function explain({ header, world }: GoldenCase): Explanation {
  if (header.flow !== undefined) {
    const { from, to, port, protocol = 'TCP', entry = 'pod', namespace = 'shop' } = header.flow;
    return explainFlow(world, {
      protocol,
      source: from,
      sourcePort: 40_000,
      destination: to,
      destinationPort: port,
      entry,
      namespace,
    });
  }
  const [namespace = '', name = ''] = (header.service ?? '').split('/');
  return explainService(world, { namespace, name });
}

for (const file of files) {
  test(`testdata/${file}`, (t) => {
    const golden = readCase(file, readFileSync(join(testdata, file), 'utf8'));
    const explanation = explain(golden);
    const name = basename(file, '.in.yaml');
    for (const { code } of [...explanation.steps, ...explanation.findings]) produced.add(code);
    const text = `# ${golden.header.case}\n${formatExplanation(explanation)}`;
    t.assert.fileSnapshot(text, join(testdata, `${name}.out.txt`), identity);
    assertWhole(explanation);
    if (golden.header.json !== true) return;
    const json = `${JSON.stringify(explanation, undefined, 2)}\n`;
    t.assert.fileSnapshot(json, join(testdata, `${name}.out.json`), identity);
  });
}

/** No gap is left open, nothing reads undefined, and it survives JSON. */
function assertWhole(explanation: Explanation): void {
  const texts = [
    ...explanation.steps.map((step) => step.text),
    ...explanation.findings.flatMap(({ text, why, remedy }) => [text, why, remedy]),
  ];
  for (const text of texts) {
    assert.match(text, /^\S.*[^.\s]$/s, 'a sentence without a full stop');
    assert.doesNotMatch(text, /undefined|\{|\}|NaN| {2}/, text);
  }
  const back: unknown = JSON.parse(JSON.stringify(explanation));
  assert.equal(JSON.stringify(back), JSON.stringify(explanation));
  const worst = explanation.steps.some((step) => step.severity === 'broken');
  assert.equal(explanation.verdict === 'broken', worst);
  // Who is told that something is broken is told what to do.
  if (worst) {
    assert.ok(
      explanation.findings.some((finding) => finding.severity === 'broken'),
      'a remedy for what is broken',
    );
  }
}

test('there are at least 40 cases of Services and 20 of flows', () => {
  const flows = files.filter((file) => file.startsWith('flow-')).length;
  assert.ok(files.length - flows >= 40);
  assert.ok(flows >= 20);
});

test('every reason is produced by some case', () => {
  assert.deepEqual(
    Object.keys(reasons).filter((code) => !produced.has(code)),
    [],
  );
});

test('reasons are written as sentences: capital first, no full stop; a why and a remedy go together', () => {
  for (const [code, row] of Object.entries(reasons)) {
    const { text, why, remedy }: { text: string; why?: string; remedy?: string } = row;
    for (const sentence of [text, why ?? '', remedy ?? '']) {
      assert.match(sentence, /^$|^[A-Z0{].*[^.]$/, code);
    }
    assert.equal(why === undefined, remedy === undefined, code);
  }
});
