/** The house of ARCHITECTURE.md is the one that stands, and its rules can fail. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import test from 'node:test';
import { checkRooms, checkSource, importsOf, parseHouse, type Violation } from './support/house.ts';
import { listFiles, readSource } from './support/tree.ts';

const house = parseHouse(readSource('ARCHITECTURE.md').text);
const sources = listFiles('src', '.ts');
const sentence = ({ file, what, rule }: Violation): string => `${file}: ${what}: ${rule}`;

test('every room has a row and every row a room', () => {
  const folders = new Set<string>();
  for (const file of sources) {
    for (let at = dirname(file); at !== 'src' && at !== '.'; at = dirname(at)) {
      folders.add(at.slice('src/'.length));
    }
  }
  assert.deepEqual(checkRooms(house, [...folders]).map(sentence), []);
});

test('every source keeps to the rules of its room', () => {
  assert.deepEqual(
    sources.flatMap((file) => checkSource(house, readSource(file)).map(sentence)),
    [],
  );
});

const example = parseHouse(`
## Rooms

| room | holds | may import |
|---|---|---|
| \`model\` | values | nothing |
| \`sys\` | the system | model |
| \`sys/net\` | sockets | model sys |
| \`sys/ffi\` | calls | model |
| \`kube\` | objects | model sys |
| \`drivers/one\` | a driver | model sys |
| \`drivers/two\` | a driver | model sys |
| \`drivers/suite\` | tests | everything (tests only) |
| \`app\` | all | everything |

## Modules

| module | where |
|---|---|
| \`yaml\` | kube |
| \`zod\` | app/config |
| \`koffi\` | sys/ffi |
| \`node:path\` \`node:url\` | everything |
| \`node:process\` | sys app |
| \`node:*\` | sys |
`);

interface Case {
  readonly file: string;
  readonly text: string;
  /** What is reported and by which rule; undefined when the source is fine. */
  readonly want?: readonly [what: string, rule: string];
}

const noKey = 'keys of annotations, labels and API groups are written in src/kube only';
const pure = 'model reads no clock, takes no chance, waits for nothing';

const cases: Readonly<Record<string, Case>> = {
  'an allowed room through its door': {
    file: 'src/kube/a.ts',
    text: `import { x } from '../model/index.ts';`,
  },
  'a room inside an allowed one': {
    file: 'src/drivers/one/a.ts',
    text: `import { x } from '../../sys/net/index.ts';`,
  },
  'any file of the own room': {
    file: 'src/model/a.ts',
    text: `export { x } from './schedulers/x.ts';`,
  },
  'a room that is not in the row': {
    file: 'src/model/a.ts',
    text: `import { x } from '../kube/index.ts';`,
    want: ['../kube/index.ts', 'model may not import kube'],
  },
  'types count': {
    file: 'src/model/a.ts',
    text: `import type {\n  X,\n} from '../kube/index.ts';`,
    want: ['../kube/index.ts', 'model may not import kube'],
  },
  'passing on counts': {
    file: 'src/model/a.ts',
    text: `export { x } from '../kube/index.ts';`,
    want: ['../kube/index.ts', 'model may not import kube'],
  },
  'dynamic imports count': {
    file: 'src/model/a.ts',
    text: `const x = () => import('../kube/index.ts');`,
    want: ['../kube/index.ts', 'model may not import kube'],
  },
  'a sibling driver': {
    file: 'src/drivers/one/a.ts',
    text: `import { x } from '../two/index.ts';`,
    want: ['../two/index.ts', 'drivers/one may not import drivers/two'],
  },
  'an inner room does not open its parent to others': {
    file: 'src/sys/a.ts',
    text: `import { x } from './net/index.ts';`,
    want: ['./net/index.ts', 'sys may not import sys/net'],
  },
  'a file behind a door': {
    file: 'src/app/a.ts',
    text: `import { x } from '../model/plan.ts';`,
    want: ['../model/plan.ts', 'model is entered through its index.ts'],
  },
  'test support outside tests': {
    file: 'src/app/a.ts',
    text: `import { x } from '../drivers/suite/index.ts';`,
    want: ['../drivers/suite/index.ts', 'only tests import what is for tests'],
  },
  'something outside src': {
    file: 'src/app/a.ts',
    text: `import { x } from '../../scripts/docs.ts';`,
    want: ['../../scripts/docs.ts', 'sources import from rooms of src only'],
  },
  'a door to the system': {
    file: 'src/kube/a.ts',
    text: `import { readFileSync } from 'node:fs';`,
    want: ['node:fs', 'node:fs is imported only in sys'],
  },
  'a door to the system in an inner room of sys': {
    file: 'src/sys/net/a.ts',
    text: `import { createServer } from 'node:net';`,
  },
  'the process, where it may be': { file: 'src/app/a.ts', text: `import p from 'node:process';` },
  'the process, where it may not be': {
    file: 'src/model/a.ts',
    text: `import 'node:process';`,
    want: ['node:process', 'node:process is imported only in sys, app'],
  },
  'a module of Node through the back door': {
    file: 'src/kube/a.ts',
    text: `const fs = process.getBuiltinModule('node:fs');`,
    want: ['node:fs', 'node:fs is imported only in sys'],
  },
  'a module of Node under its old name': {
    file: 'src/sys/a.ts',
    text: `import fs from 'fs';`,
    want: ['fs', 'fs is in no row of Modules'],
  },
  'an import nobody can check': {
    file: 'src/app/a.ts',
    text: 'const x = await import(`../${name}/index.ts`);',
    want: ['import(../${name}/index.ts)', 'import(../${name}/index.ts) is in no row of Modules'],
  },
  'a package where it may be': { file: 'src/app/config.ts', text: `import { z } from 'zod/mini';` },
  'a package where it may not be': {
    file: 'src/app/a.ts',
    text: `import { z } from 'zod/mini';`,
    want: ['zod/mini', 'zod is imported only in app/config'],
  },
  'a package nobody decided on': {
    file: 'src/app/a.ts',
    text: `import x from '@scope/left-pad/deep';`,
    want: ['@scope/left-pad/deep', '@scope/left-pad is in no row of Modules'],
  },
  'a key of an annotation': {
    file: 'src/app/a.ts',
    text: `const key = 'switchyard.dev/address';`,
    want: [`'switchyard.dev/address'`, noKey],
  },
  'an API group': {
    file: 'src/app/a.ts',
    text: `const group = "discovery.k8s.io";`,
    want: [`"discovery.k8s.io"`, noKey],
  },
  'a key at home': { file: 'src/kube/a.ts', text: `const key = 'switchyard.dev/address';` },
  'a key in a comment': { file: 'src/app/a.ts', text: `// The Pod has 'switchyard.dev/address'.` },
  'a clock in the specification': {
    file: 'src/model/a.ts',
    text: `const now = Date.now();`,
    want: ['Date.now', pure],
  },
  'waiting in the specification': {
    file: 'src/model/a.ts',
    text: `const x = await y;`,
    want: ['await', pure],
  },
  'a name that says nothing': {
    file: 'src/app/utils.ts',
    text: '',
    want: ['utils', 'a name says what is in it'],
  },
  'a folder that says nothing': {
    file: 'src/app/common/x.ts',
    text: '',
    want: ['common', 'a name says what is in it'],
  },
  'a file in no room': {
    file: 'src/drivers/a.ts',
    text: '',
    want: ['src/drivers/a.ts', 'a file is in a room of ARCHITECTURE.md'],
  },
  'too many lines': {
    file: 'src/app/a.ts',
    text: 'x;\n'.repeat(401),
    want: ['401 lines', 'at most 400 lines'],
  },
  'a long test': { file: 'src/app/a.test.ts', text: 'x;\n'.repeat(401) },
  'a test with the system': { file: 'src/app/a.test.ts', text: `import fs from 'node:fs';` },
};

for (const [name, { file, text, want }] of Object.entries(cases)) {
  test(`rule: ${name}`, () => {
    const expected = want === undefined ? [] : [{ file, what: want[0], rule: want[1] }];
    assert.deepEqual(checkSource(example, { file, text }), expected);
  });
}

test('rule: rows and folders agree', () => {
  const rows = '| `a` | | b |\n| `b` | | a |\n| `c` | | nobody |\n| `d/e` | | nothing |';
  const wrong = parseHouse(
    `## Rooms\n\n| room | holds | may import |\n|---|---|---|\n${rows}\n\n` +
      '## Modules\n\n| module | where |\n|---|---|\n| `yaml` | a |\n',
  );
  assert.deepEqual(checkRooms(wrong, ['a', 'a/inner', 'b', 'd', 'd/e', 'd/f', 'g']), [
    { file: 'ARCHITECTURE.md', what: 'c', rule: 'a row needs a folder' },
    { file: 'src/d/f', what: 'd/f', rule: 'a folder needs a row' },
    { file: 'src/g', what: 'g', rule: 'a folder needs a row' },
    { file: 'ARCHITECTURE.md', what: 'a', rule: 'rooms do not import in a circle' },
    { file: 'ARCHITECTURE.md', what: 'b', rule: 'rooms do not import in a circle' },
    { file: 'ARCHITECTURE.md', what: 'c: nobody', rule: 'a row names known rooms' },
  ]);
});

test('a table that is gone is an error, not an empty house', () => {
  assert.throws(() => parseHouse('# nothing here'), /no table below ## Rooms/);
});

test('imports are found however they are written', () => {
  const text = [
    `import a from './a.ts';`,
    `import type { B } from './b.ts';`,
    `import {`,
    `  c,`,
    `} from './c.ts';`,
    `import './d.ts';`,
    `export { e } from './e.ts';`,
    `export type { F } from "./f.ts";`,
    `// import g from './g.ts';`,
    ` * import h from './h.ts';`,
    `const i = await import('./i.ts');`,
    `const j = await import(name);`,
    `export const k = { from: 'nowhere' };`,
  ].join('\n');
  assert.deepEqual(importsOf(text), [
    './a.ts',
    './b.ts',
    './c.ts',
    './d.ts',
    './e.ts',
    './f.ts',
    './i.ts',
    'import(name)',
  ]);
});
