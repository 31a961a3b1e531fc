/** Each file of testdata is a set of manifests; its golden file says what is found in it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fc } from '../../test/support/properties.ts';
import type { Finding } from './finding.ts';
import { interpretManifests } from '../manifests/index.ts';
import { propertyRuns } from '../model/property-runs.suite.ts';
import { createObjectCheck } from '../registry/index.ts';
import { lintLoaded, lintManifests } from './lint.ts';
import { rules } from './rules.ts';

const testdata = fileURLToPath(new URL('./testdata/', import.meta.url));
const files = readdirSync(testdata).filter((file) => file.endsWith('.yaml'));
const check = createObjectCheck({ allowLoopback: true });
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

test('a repository made for a cluster: what is not served is named, what has nothing behind it says what gives it something', async (t) => {
  const folder = fileURLToPath(new URL('../manifests/testdata/stock-repository/', import.meta.url));
  const { findings, errors, objects, files: read } = await lintManifests([folder]);
  assert.deepEqual([errors, objects, read], [0, 13, 5]);
  const text = findings.map(describe).join('\n').replaceAll(relative(testdata, folder), '.');
  t.assert.fileSnapshot(`${text}\n`, join(testdata, 'stock-repository.out.txt'), identity);
});

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

/** Every set of testdata that is JSON once it is parsed: what the property changes. */
const sets = files.flatMap((file) => {
  const text = readFileSync(join(testdata, file), 'utf8');
  const { desired } = interpretManifests([{ file, text }], check);
  return desired.length === 0 ? [] : [desired.map(({ object }) => object)];
});

/** The value with something else somewhere in it: `steps` says where. */
function disturbed(value: unknown, steps: readonly number[], other: unknown): unknown {
  const [step = 0, ...rest] = steps;
  if (typeof value !== 'object' || value === null) return other;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined || steps.length === 0) return other;
  const changed = disturbed((value as Record<string, unknown>)[key], rest, other);
  if (Array.isArray(value)) return value.map((item, i) => (String(i) === key ? changed : item));
  return { ...value, [key]: changed };
}

test('no set makes it throw, whatever stands in a field', () => {
  const odd = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('', 'web', 'None', 0, 80, -1, [], {}, null, true, '10.0.0.1', 'Local'),
  );
  fc.assert(
    fc.property(
      fc.constantFrom(...sets),
      fc.array(fc.nat(12), { minLength: 2, maxLength: 10 }),
      odd,
      (set, steps, other) => {
        const items = disturbed(set, steps, other);
        const text = JSON.stringify({ apiVersion: 'v1', kind: 'List', items });
        const report = lintLoaded(interpretManifests([{ file: 'x.json', text }], check));
        for (const { message, remedy } of report.findings) {
          assert.ok(message !== '' && remedy !== '');
        }
        assert.equal(report.errors + report.warnings, report.findings.length);
      },
    ),
    { numRuns: propertyRuns / 2 },
  );
});

test('several files are one set, and a path that is not there is a finding', async () => {
  const paths = ['node-port-out-of-range.yaml', 'selector-without-workloads.yaml', 'nowhere.yaml'];
  const { findings } = await lintManifests(paths.map((path) => join(testdata, path)));
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['MANIFEST_NOT_FOUND', 'node-port-out-of-range', 'MANIFEST_DUPLICATE'],
  );
});
