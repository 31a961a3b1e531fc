/**
 * The problems that strict decoding of a JSON text finds, in the API server's words: fields that the kind does not
 * have, and fields written twice, which no parsed value shows any more (sigs.k8s.io/json, Kubernetes 1.36).
 */
import type { Schema } from './schema.ts';

/** As many as the API server lists. */
const maxProblems = 100;
/** Deeper than any kind; what is below is not looked at. */
const maxDepth = 200;

/**
 * `unknown field "spec.foo"`, `duplicate field "spec.ports"`, each once and in the order of the text. The text must
 * be JSON: of one that is not, nothing behind the first error counts.
 */
export function strictProblems(schema: Schema, text: string): readonly string[] {
  const scan = new Scan(text);
  scan.value(schema, { path: '', depth: 0 });
  return [...scan.problems];
}

interface Place {
  readonly path: string;
  readonly depth: number;
}

class Scan {
  readonly problems = new Set<string>();
  private readonly text: string;
  private at = 0;

  constructor(text: string) {
    this.text = text;
  }

  value(schema: Schema | undefined, place: Place): void {
    this.space();
    const start = this.text[this.at];
    if (place.depth > maxDepth) this.at = this.text.length;
    else if (start === '{') this.object(schema, place);
    else if (start === '[') this.list(schema, place);
    else if (start === '"') this.string();
    else this.word();
  }

  private object(schema: Schema | undefined, { path, depth }: Place): void {
    const seen = new Set<string>();
    this.at++;
    for (;;) {
      this.space();
      if (this.take('}') || this.text[this.at] !== '"') return;
      const name = this.string();
      const at = path === '' ? name : `${path}.${name}`;
      const field = fieldOf(schema, name);
      const isNamed = schema?.type === 'object' || schema?.type === 'map';
      if (isNamed && field === undefined) this.add(`unknown field ${JSON.stringify(at)}`);
      else if (isNamed && seen.has(name)) this.add(`duplicate field ${JSON.stringify(at)}`);
      seen.add(name);
      this.space();
      if (!this.take(':')) return;
      this.value(field, { path: at, depth: depth + 1 });
      this.space();
      if (!this.take(',')) {
        this.take('}');
        return;
      }
    }
  }

  private list(schema: Schema | undefined, { path, depth }: Place): void {
    const items = schema?.type === 'list' ? schema.items : undefined;
    this.at++;
    for (let i = 0; ; i++) {
      this.space();
      if (this.take(']') || this.at >= this.text.length) return;
      this.value(items, { path: `${path}[${i}]`, depth: depth + 1 });
      this.space();
      if (!this.take(',')) {
        this.take(']');
        return;
      }
    }
  }

  /** The string that begins here, without its escapes. */
  private string(): string {
    const begin = this.at;
    this.at++;
    while (this.at < this.text.length && this.text[this.at] !== '"') {
      this.at += this.text[this.at] === '\\' ? 2 : 1;
    }
    this.at++;
    const raw = this.text.slice(begin, this.at);
    if (!raw.includes('\\')) return raw.slice(1, -1);
    try {
      return String(JSON.parse(raw));
    } catch {
      return raw.slice(1, -1);
    }
  }

  private word(): void {
    const begin = this.at;
    while (this.at < this.text.length && !/[\s,\]}]/.test(this.text.charAt(this.at))) this.at++;
    // Nothing that could be skipped: the text is no JSON, and ends here.
    if (this.at === begin) this.at = this.text.length;
  }

  private space(): void {
    while (/[ \t\r\n]/.test(this.text.charAt(this.at))) this.at++;
  }

  private take(character: string): boolean {
    if (this.text[this.at] !== character) return false;
    this.at++;
    return true;
  }

  private add(problem: string): void {
    if (this.problems.size < maxProblems) this.problems.add(problem);
  }
}

function fieldOf(schema: Schema | undefined, name: string): Schema | undefined {
  if (schema?.type === 'object') return schema.fields.get(name);
  return schema?.type === 'map' ? schema.values : undefined;
}
