/** Each file of testdata is a set of manifests; its golden file says what is found in it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Finding } from './finding.ts';
import { lintManifests } from './lint.ts';
import { rules } from './rules.ts';

const testdata = fileURLToPath(new URL('./testdata/', import.meta.url));
const files = readdirSync(testdata).filter((file) => file.endsWith('.yaml'));
const identity = { serializers: [(value: unknown) => String(value)] };

function describe({ severity, code, file, line, object, field, message, remedy }: Finding): string {
  return [
    `${relative(testdata, file)}:${line}: ${severity} ${code}`,
    `  ${message}`,
    `  in ${[object ?? '-', field ?? '-'].join(', ')}`,
    `  try: ${remedy}`,
    '',
  ].join('\n');
}

for (const file of files) {
  test(`lint: ${file}`, async (t) => {
    const { findings, errors, warnings } = await lintManifests([join(testdata, file)]);
    // Where a file is named comes from whoever runs the test.
    const text = findings.map(describe).join('\n').replaceAll(testdata, '');
    const count = `${errors} errors, ${warnings} warnings\n`;
    const golden = join(testdata, `${basename(file, '.yaml')}.out.txt`);
    t.assert.fileSnapshot(`${text === '' ? '' : `${text}\n`}${count}`, golden, identity);
    for (const finding of findings) {
      assert.notEqual(finding.remedy ?? '', '');
      assert.doesNotMatch(`${finding.message} ${finding.remedy}`, /undefined|\{|\[object/);
    }
  });
}

test('every rule has a case that produces it, under its own name', () => {
  for (const code of Object.keys(rules)) {
    const golden = readFileSync(join(testdata, `${code}.out.txt`), 'utf8');
    assert.ok(golden.includes(` ${code}\n`), code);
  }
});

test('sets that are fine have no findings', async () => {
  const { findings, objects } = await lintManifests([join(testdata, 'fine.yaml')]);
  assert.deepEqual([findings, objects], [[], 3]);
});

test('several files are one set, and a path that is not there is a finding', async () => {
  const paths = ['node-port-out-of-range.yaml', 'selector-without-workloads.yaml', 'nowhere.yaml'];
  const { findings } = await lintManifests(paths.map((path) => join(testdata, path)));
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['MANIFEST_NOT_FOUND', 'node-port-out-of-range', 'MANIFEST_DUPLICATE'],
  );
});
