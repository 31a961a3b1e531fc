/**
 * The rules of the house as functions: what ARCHITECTURE.md's two tables allow, held against sources.
 * Pure (text in, violations out), so that the test can feed it violations and see each one reported.
 */
import { posix } from 'node:path';

/** One row of the table of rooms. */
export interface Room {
  /** Folder below src: `drivers/userspace`. */
  readonly name: string;
  /** Rooms it may import, each with the rooms inside it; `undefined`: every room. */
  readonly imports: readonly string[] | undefined;
  /** Only tests may import it, and its files are held to the rules of tests. */
  readonly testsOnly: boolean;
}

/** One row of the table of modules: where packages and Node's own modules may be imported. */
export interface ModuleRow {
  readonly modules: readonly string[];
  /** Rooms, or paths within one (`app/config`); `undefined`: everywhere. */
  readonly places: readonly string[] | undefined;
}

export interface House {
  readonly rooms: readonly Room[];
  readonly modules: readonly ModuleRow[];
}

export interface Violation {
  readonly file: string;
  /** The import, the literal, or the name that is wrong. */
  readonly what: string;
  readonly rule: string;
}

export interface Source {
  /** From the root of the repository: `src/plan/loop.ts`. */
  readonly file: string;
  readonly text: string;
}

const maxLines = 400;
const bannedNames = /^(utils?|helpers?|common|manager)$/;

/** Reads the tables below the headings `Rooms` and `Modules`; throws when one is not there. */
export function parseHouse(markdown: string): House {
  const rooms = tableUnder(markdown, 'Rooms').map(([name = '', , imports = '']): Room => {
    const words = imports.split(/\s+/).filter((word) => word !== '');
    const testsOnly = words.join(' ') === 'everything (tests only)';
    const all = testsOnly || imports === 'everything';
    return {
      name: name.replaceAll('`', '').replace(/\/$/, ''),
      imports: all ? undefined : words.filter((word) => word !== 'nothing'),
      testsOnly,
    };
  });
  const modules = tableUnder(markdown, 'Modules').map(([names = '', places = '']): ModuleRow => ({
    modules: names.split(/\s+/).map((name) => name.replaceAll('`', '')),
    places: places === 'everything' ? undefined : places.split(/\s+/),
  }));
  return { rooms, modules };
}

function tableUnder(markdown: string, heading: string): readonly (readonly string[])[] {
  const section = markdown.split(/^## /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
  if (rows.length < 3) throw new Error(`ARCHITECTURE.md has no table below ## ${heading}`);
  return rows.slice(2);
}

/** Rows that name no folder, folders that no row names, rows that name unknown rooms, and circles. */
export function checkRooms(house: House, folders: readonly string[]): readonly Violation[] {
  const file = 'ARCHITECTURE.md';
  const names = new Set(house.rooms.map((room) => room.name));
  const violations: Violation[] = [];
  for (const name of names) {
    if (!folders.includes(name))
      violations.push({ file, what: name, rule: 'a row needs a folder' });
  }
  for (const folder of folders) {
    const known = [...names].some((name) => within(folder, name) || within(name, folder));
    if (!known)
      violations.push({ file: `src/${folder}`, what: folder, rule: 'a folder needs a row' });
  }
  for (const room of house.rooms) {
    for (const wanted of room.imports ?? []) {
      if (!names.has(wanted)) {
        violations.push({ file, what: `${room.name}: ${wanted}`, rule: 'a row names known rooms' });
      }
    }
    if (room.imports !== undefined && reaches(house, room.name, room.name)) {
      violations.push({ file, what: room.name, rule: 'rooms do not import in a circle' });
    }
  }
  return violations;
}

function reaches(house: House, from: string, to: string, seen = new Set<string>()): boolean {
  for (const next of house.rooms.find((room) => room.name === from)?.imports ?? []) {
    if (next === to) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    if (reaches(house, next, to, seen)) return true;
  }
  return false;
}

/** Everything wrong with one source file below src. */
export function checkSource(house: House, source: Source): readonly Violation[] {
  const { file, text } = source;
  const violations = [...checkName(file)];
  const room = roomOf(house, file);
  if (room === undefined) {
    return [...violations, { file, what: file, rule: 'a file is in a room of ARCHITECTURE.md' }];
  }
  if (isTestFile(file) || room.testsOnly) return violations;
  const lines = text.split('\n').length - 1;
  if (lines > maxLines) {
    violations.push({ file, what: `${lines} lines`, rule: `at most ${maxLines} lines` });
  }
  for (const specifier of importsOf(text)) {
    const rule = specifier.startsWith('.')
      ? brokenRoomRule(house, room, { file, specifier })
      : brokenModuleRule(house, file, specifier);
    if (rule !== undefined) violations.push({ file, what: specifier, rule });
  }
  return [...violations, ...checkLiterals(source), ...checkPurity(room, source)];
}

function checkName(file: string): readonly Violation[] {
  const parts = file.split('/').map((part) => part.replace(/\..*$/, ''));
  return parts
    .filter((part) => bannedNames.test(part))
    .map((part) => ({ file, what: part, rule: 'a name says what is in it' }));
}

/** `x.test.ts` runs; `x.suite.ts` and `testing.ts` are what several of them share. */
function isTestFile(file: string): boolean {
  return /(\.test|\.suite|\/testing)\.ts$/.test(file);
}

function roomOf(house: House, file: string): Room | undefined {
  const folder = posix.dirname(file).replace(/^src\/?/, '');
  return house.rooms
    .filter((room) => within(folder, room.name))
    .toSorted((a, b) => b.name.length - a.name.length)[0];
}

const within = (path: string, folder: string): boolean =>
  path === folder || path.startsWith(`${folder}/`);

const statement =
  /^\s*(?:import|export)\s[^'"`;]*?from\s*['"]([^'"]+)['"]|^\s*import\s*['"]([^'"]+)['"]/gm;
const call = /\b(?:import|require|getBuiltinModule)\(\s*(['"`]?)([^'"`)]*)/g;

/** Specifiers of static and dynamic imports; a computed one as `import(expression)`. */
export function importsOf(text: string): readonly string[] {
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '');
  const found = [...code.matchAll(statement)].map((match) => match[1] ?? match[2] ?? '');
  for (const [, quote = '', inside = ''] of code.matchAll(call)) {
    found.push(quote === '' || inside.includes('${') ? `import(${inside.trim()})` : inside);
  }
  return found;
}

function brokenRoomRule(
  house: House,
  room: Room,
  { file, specifier }: { readonly file: string; readonly specifier: string },
): string | undefined {
  const target = posix.join(posix.dirname(file), specifier);
  const other = roomOf(house, target);
  if (isTestFile(target) || other?.testsOnly === true) return 'only tests import what is for tests';
  if (other === undefined) return 'sources import from rooms of src only';
  if (other.name === room.name) return undefined;
  if (room.imports !== undefined && !room.imports.some((name) => within(other.name, name))) {
    return `${room.name} may not import ${other.name}`;
  }
  const isDoor = target === `src/${other.name}/index.ts`;
  return isDoor ? undefined : `${other.name} is entered through its index.ts`;
}

function brokenModuleRule(house: House, file: string, specifier: string): string | undefined {
  const name = moduleName(specifier);
  const named = house.modules.find((row) => row.modules.includes(name));
  const row = named ?? house.modules.find((any) => name.startsWith('node:') && isOthers(any));
  if (row === undefined) return `${name} is in no row of Modules`;
  const path = file.replace(/^src\//, '');
  // A place may be a file without its extension: `app/config`.
  const allowed = row.places?.some((place) => within(path, place) || path === `${place}.ts`);
  return (allowed ?? true) ? undefined : `${name} is imported only in ${row.places?.join(', ')}`;
}

/** The row that stands for every module of Node that no other row names. */
const isOthers = (row: ModuleRow): boolean => row.modules.includes('node:*');

/** `zod/mini` is zod; `fs` is a module of Node under its old name and so in no row. */
function moduleName(specifier: string): string {
  if (specifier.startsWith('node:') || specifier.startsWith('import(')) return specifier;
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');
}

const keyLiteral = /(['"`])[^'"`]*(?:\b[a-z0-9-]+\.(?:dev|io)\/|\bk8s\.io)[^'"`]*\1/g;

/** Keys of annotations and labels have one home, where each has its parser and its doc. */
function checkLiterals({ file, text }: Source): readonly Violation[] {
  if (file.startsWith('src/kube/')) return [];
  // A link to a page is no key.
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$/gm, '').replace(/https?:\/\/[^\s'"`]+/g, '');
  return [...code.matchAll(keyLiteral)].map(([what]) => ({
    file,
    what,
    rule: 'keys of annotations, labels and API groups are written in src/kube only',
  }));
}

const impurities =
  /\bDate\.now\b|\bnew Date\(\)|\bperformance\.|\bMath\.random\b|\bawait\b|\bconsole\./g;

/** The specification can be replayed: no clock, no chance of its own, no waiting. */
function checkPurity(room: Room, { file, text }: Source): readonly Violation[] {
  if (room.name !== 'model' && room.name !== 'codec') return [];
  const code = text.replace(/^\s*(?:\/\/|\/?\*).*$|\/\/.*$/gm, '');
  return [...code.matchAll(impurities)].map(([what]) => ({
    file,
    what,
    rule: `${room.name} reads no clock, takes no chance, waits for nothing`,
  }));
}
