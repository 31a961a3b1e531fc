/** Reads what tests need of Markdown: its links, its headings and its fenced blocks. */

export interface Link {
  readonly line: number;
  readonly target: string;
}

export interface Fence {
  /** Line of the opening fence, from 1. */
  readonly line: number;
  readonly language: string;
  readonly lines: readonly string[];
}

/** Fenced blocks in order. */
export function fencesOf(markdown: string): readonly Fence[] {
  const fences: Fence[] = [];
  let open: { line: number; language: string; lines: string[] } | undefined;
  for (const [index, line] of markdown.split('\n').entries()) {
    const fence = /^```(\S*)/.exec(line);
    if (fence === null) open?.lines.push(line);
    else if (open === undefined) open = { line: index + 1, language: fence[1] ?? '', lines: [] };
    else {
      fences.push(open);
      open = undefined;
    }
  }
  return fences;
}

/** Links outside code, with their line. */
export function linksOf(markdown: string): readonly Link[] {
  return withoutFences(markdown).flatMap((line, index) =>
    [
      ...line.replace(/`[^`]*`/g, (code) => 'x'.repeat(code.length)).matchAll(/\]\(([^)\s]+)\)/g),
    ].map((match) => ({ line: index + 1, target: match[1] ?? '' })),
  );
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchorsOf(markdown: string): readonly string[] {
  return withoutFences(markdown)
    .filter((line) => /^#{1,6} /.test(line))
    .map((line) =>
      line
        .replace(/^#+ /, '')
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );
}

function withoutFences(markdown: string): readonly string[] {
  let inside = false;
  return markdown.split('\n').map((line) => {
    const isFence = line.startsWith('```');
    if (isFence) inside = !inside;
    return inside || isFence ? '' : line;
  });
}
