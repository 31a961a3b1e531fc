/** Manifest text, YAML or JSON, many documents or one, to JSON values that know where they stand. */
import {
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  type Document,
  type Node,
} from 'yaml';
import { isJsonArray, isJsonObject, type JsonObject } from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import type { ManifestProblem } from './errors.ts';
import { parsePlainJson } from './plain-json.ts';

/** One object of a file; an item of a List is one of its own. */
export interface ManifestDocument {
  readonly file: string;
  /** Where it begins, counted from 1. */
  readonly line: number;
  readonly value: JsonObject;
  /** The line of a field like `spec.ports[0].port`, or of the nearest thing around it that is there. */
  lineOf(field: string): number;
}

export interface ParsedManifest {
  readonly documents: readonly ManifestDocument[];
  readonly problems: readonly ManifestProblem[];
}

/** Aliases a document may expand to: enough for every real manifest, too few for a bomb. */
const maxAliases = 1_000;

/** Never throws; an empty text has no documents and no problems. */
export function parseManifest(file: string, text: string): ParsedManifest {
  const plain = parsePlainJson(text);
  if (!isJsonObject(plain)) return parseYaml(file, text);
  // Where things stand is asked only when something is wrong with them.
  let lineOf: ((field: string) => number) | undefined;
  return documentsOf(plain, {
    file,
    lineOf: (field) => (lineOf ??= linesOf(text))(field),
  });
}

function linesOf(text: string): (field: string) => number {
  const lines = new LineCounter();
  const [document] = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false });
  const root = document?.contents ?? null;
  return (field) => lineAt(lines, nodeAt(root, field));
}

function lineAt(lines: LineCounter, node: Node | null): number {
  return lines.linePos(node?.range?.[0] ?? 0).line;
}

function parseYaml(file: string, text: string): ParsedManifest {
  const lines = new LineCounter();
  const parsed = parseAllDocuments(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    logLevel: 'silent',
  });
  const documents: ManifestDocument[] = [];
  const problems: ManifestProblem[] = [];
  for (const document of parsed) {
    const [error] = document.errors;
    if (error !== undefined) {
      // What follows the first error of a document is mostly its echo.
      const { line } = lines.linePos(error.pos[0]);
      const problem = syntaxProblem(file, line, error);
      const foreign = foreignText(text.split('\n')[line - 1] ?? '');
      problems.push(foreign === undefined ? problem : { ...problem, ...foreign });
      continue;
    }
    const read = readDocument(document, file, lines);
    documents.push(...read.documents);
    problems.push(...read.problems);
  }
  return { documents, problems };
}

const remedies: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'Indent with spaces',
  BAD_INDENT: 'Indent the line like its neighbours',
  DUPLICATE_KEY: 'Remove one of the two',
  MULTIPLE_DOCS: "Separate documents with a line '---'",
};

/** What is no YAML because it is something else. */
function foreignText(
  line: string,
): { readonly reason: string; readonly remedy: string } | undefined {
  if (line.includes('{{')) {
    const remedy = 'Render it first: helm template CHART > manifests.yaml';
    return { reason: 'this is a template, no manifest', remedy };
  }
  if (!/^(<<<<<<<|=======|>>>>>>>)( |$)/.test(line)) return undefined;
  return {
    reason: 'a merge conflict is left here',
    remedy: 'Keep one side and take the marks away',
  };
}

function syntaxProblem(
  file: string,
  line: number,
  error: { readonly code: string; readonly message: string },
): ManifestProblem {
  const reason = error.message.replace(/\.$/, '');
  const remedy = remedies[error.code] ?? 'Look at that line and the one before it';
  const where = { file, line, object: undefined, field: undefined };
  return { code: 'MANIFEST_SYNTAX', ...where, reason, remedy };
}

function readDocument(document: Document, file: string, lines: LineCounter): ParsedManifest {
  const root = document.contents;
  const line = lineAt(lines, root);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: maxAliases });
  } catch (thrown) {
    const error = { code: 'ALIASES', message: messageOf(thrown) };
    return { documents: [], problems: [syntaxProblem(file, line, error)] };
  }
  if (value === null || value === undefined) return { documents: [], problems: [] };
  if (!isJsonObject(value)) {
    const error = { code: 'NO_MAP', message: 'a document must be a map with apiVersion and kind' };
    return { documents: [], problems: [syntaxProblem(file, line, error)] };
  }
  return documentsOf(value, { file, lineOf: (field) => lineAt(lines, nodeAt(root, field)) });
}

interface Place {
  readonly file: string;
  readonly lineOf: (field: string) => number;
}

function documentsOf(value: JsonObject, { file, lineOf }: Place): ParsedManifest {
  const items = isList(value) ? value['items'] : undefined;
  if (!isJsonArray(items))
    return { documents: [documentAt(value, '', { file, lineOf })], problems: [] };
  const problems: ManifestProblem[] = [];
  const documents = items.flatMap((item, i) => {
    const prefix = `items[${i}]`;
    if (isJsonObject(item)) return [documentAt(item, prefix, { file, lineOf })];
    const where = { file, line: lineOf(prefix), object: undefined, field: prefix };
    const remedy = 'Make each item an object with apiVersion and kind';
    problems.push({ code: 'MANIFEST_INVALID', ...where, reason: 'must be a map', remedy });
    return [];
  });
  return { documents, problems };
}

function documentAt(value: JsonObject, prefix: string, { file, lineOf }: Place): ManifestDocument {
  return {
    file,
    // Looking for it goes through the whole file, and hardly anybody asks.
    get line() {
      return lineOf(prefix);
    },
    value,
    lineOf: prefix === '' ? lineOf : (field) => lineOf(`${prefix}.${field}`),
  };
}

/** `List`, and what `kubectl get -o yaml` calls by its kind: `ServiceList`. */
function isList(value: JsonObject): boolean {
  return typeof value['kind'] === 'string' && value['kind'].endsWith('List') && 'items' in value;
}

/** Follows a field path as far as the document goes. A key may hold dots, so keys are tried, not split off. */
function nodeAt(node: Node | null, field: string): Node | null {
  if (isMap(node)) {
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key)) continue;
      const rest = restAfter(field, String(pair.key.value));
      if (rest === undefined) continue;
      const value = asNode(pair.value);
      // A map or a list begins behind its key: the key is what a reader looks for.
      if (rest === '') return isScalar(value) ? value : pair.key;
      return value === null ? pair.key : nodeAt(value, rest);
    }
  }
  const index = /^\[([0-9]+)\]\.?(.*)$/s.exec(field);
  if (!isSeq(node) || index === null) return node;
  const item = asNode(node.items[Number(index[1])]);
  return item === null ? node : nodeAt(item, index[2] ?? '');
}

function restAfter(field: string, key: string): string | undefined {
  // The API server spells one field differently from its key.
  if (field.slice(0, key.length).toLowerCase() !== key.toLowerCase()) return undefined;
  const rest = field.slice(key.length);
  if (rest === '' || rest.startsWith('[')) return rest;
  return rest.startsWith('.') ? rest.slice(1) : undefined;
}

function asNode(value: unknown): Node | null {
  return isMap(value) || isSeq(value) || isScalar(value) ? value : null;
}
