/** Each folder of testdata is a set of manifests; its golden file says what is found and what is wrong with it. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { fc } from '../../test/support/properties.ts';
import { propertyRuns } from '../model/property-runs.suite.ts';
import { createObjectCheck } from '../registry/index.ts';
import { formatProblem, ManifestError, type ManifestProblem } from './errors.ts';
import { describeObject, interpretManifests, loadManifests } from './load.ts';

const testdata = fileURLToPath(new URL('./testdata/', import.meta.url));
const check = createObjectCheck({ allowLoopback: true });
const folders = readdirSync(testdata, { withFileTypes: true }).filter(
  (entry) => entry.isDirectory() && entry.name !== 'broken',
);

async function describe(path: string): Promise<string> {
  const { desired, problems, warnings, skipped } = await loadManifests([path], check);
  const own = (problem: ManifestProblem): ManifestProblem => ({
    ...problem,
    file: relative(testdata, problem.file),
    reason: problem.reason.replaceAll(testdata, ''),
  });
  const lines = [
    ...desired.map(({ kind, object, document }) => {
      return `found   ${describeObject(kind, object)} (line ${document.line})`;
    }),
    ...skipped.map(({ apiVersion, kind, line }) => `skipped ${apiVersion} ${kind} (line ${line})`),
    ...warnings
      .map(own)
      .flatMap((problem) => [
        `warning ${problem.code}`,
        `        ${formatProblem(problem)}`,
        `        in ${problem.object ?? '-'}`,
        `        try: ${problem.remedy}`,
      ]),
    ...problems
      .map(own)
      .flatMap((problem) => [
        `problem ${problem.code}`,
        `        ${formatProblem(problem)}`,
        `        in ${problem.object ?? '-'}`,
        `        try: ${problem.remedy}`,
      ]),
  ];
  return `${lines.join('\n')}\n`;
}

for (const { name } of folders) {
  test(`manifests: ${name}`, async (t) => {
    t.assert.fileSnapshot(await describe(join(testdata, name)), join(testdata, `${name}.out.txt`), {
      serializers: [(value: unknown) => String(value)],
    });
  });
}

/** One file, one mistake that people make; what they are told is what is kept here. */
const broken = fileURLToPath(new URL('./testdata/broken/', import.meta.url));
const mistakes = readdirSync(broken).filter((file) => file.endsWith('.yaml'));

for (const file of mistakes) {
  test(`broken: ${file}`, async (t) => {
    const text = (await describe(join(broken, file))).replaceAll('broken/', '');
    // Somebody is told where and what to do: a problem, or a field that does nothing.
    assert.match(text, /^(problem|warning) /m);
    assert.match(text, /:[1-9][0-9]*: /);
    assert.doesNotMatch(text, /try: (undefined|Correct)|\[object/);
    t.assert.fileSnapshot(text, join(broken, file.replace('.yaml', '.out.txt')), {
      serializers: [(value: unknown) => String(value)],
    });
  });
}

test('there are many', () => assert.ok(mistakes.length >= 60, String(mistakes.length)));

test('a path that does not exist', async (t) => {
  const text = await describe(join(testdata, 'nowhere.yaml'));
  t.assert.fileSnapshot(text, join(testdata, 'nowhere.out.txt'), {
    serializers: [(value: unknown) => String(value)],
  });
});

test('a file that is named and stands in a named folder is read once', async () => {
  const folder = join(testdata, 'unknown-kind');
  const { problems, desired } = await loadManifests([folder, join(folder, 'in.yaml')], check);
  assert.deepEqual(problems, []);
  assert.equal(desired.length, 1);
});

test('one error tells all problems, the first as its own', async () => {
  const { problems } = await loadManifests([join(testdata, 'port-out-of-range')], check);
  const [first, ...rest] = problems;
  assert.ok(first !== undefined);
  const error = new ManifestError(first, rest);
  assert.equal(error.code, 'MANIFEST_INVALID');
  assert.match(
    error.message,
    /^Cannot load .*in\.yaml:12: spec\.ports\[1\]\.port: Invalid value: 0: must be between 1 and 65535, inclusive\n {2}and .*in\.yaml:16: spec\.ports\[2\]\.targetPort: /,
  );
  assert.equal(error.remedy, 'Write a port from 1 to 65535');
});

test('no text makes the load fail in another way than by problems', () => {
  const pieces = fc.constantFrom(
    'apiVersion: v1\n',
    'kind: Service\n',
    'kind: List\n',
    'items:\n',
    '  - a\n',
    'metadata:\n',
    '  name: web\n',
    'spec:\n',
    '---\n',
    '\t',
    '{',
    '}',
    '[',
    ']',
    ': ',
    '&a ',
    '*a ',
    '? ',
    '!!binary x\n',
    '"',
    "'",
    '|\n',
    '%YAML 1.1\n',
    '<<: *a\n',
    '__proto__: 1\n',
    '\u0000',
    '\ufeff',
    '# x\n',
  );
  const text = fc.oneof(
    fc.string(),
    fc.array(pieces, { maxLength: 20 }).map((all) => all.join('')),
  );
  fc.assert(
    fc.property(text, (body) => {
      const { problems } = interpretManifests([{ file: 'x.yaml', text: body }], check);
      for (const { line, reason } of problems) assert.ok((line ?? 1) >= 1 && reason !== '');
    }),
    { numRuns: propertyRuns },
  );
});
