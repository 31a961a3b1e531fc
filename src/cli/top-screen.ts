/** Where live tables go: over one another on a terminal, one after the other elsewhere. */
import type { OutputFormat } from './output.ts';
import { renderTop, type TopView } from './render/top.ts';
import type { Session } from './session.ts';

export interface TopScreenOptions extends Pick<Session, 'print' | 'terminal'> {
  readonly format: OutputFormat;
  readonly showNamespace: boolean;
}

/** Of a terminal, for the header, a note and the prompt. */
const linesKept = 4;

export class TopScreen {
  private readonly options: TopScreenOptions;
  private shownLines = 0;
  private isFirst = true;

  constructor(options: TopScreenOptions) {
    this.options = options;
  }

  show(view: TopView): void {
    const { print, format, terminal } = this.options;
    const { isTTY, rows = 0 } = terminal;
    if (format === 'json') return print(`${JSON.stringify(view, undefined, 2)}\n`);
    // Some terminals do not know how high they are.
    const text = this.render(isTTY && rows > linesKept ? cut(view, rows) : view);
    if (isTTY) {
      print(`${this.shownLines === 0 ? '' : `\u001B[${this.shownLines}A\u001B[J`}${text}`);
      this.shownLines = text.split('\n').length - 1;
    } else print(this.isFirst ? text : `\n${text}`);
    this.isFirst = false;
  }

  private render({ more = 0, ...view }: CutView): string {
    if (view.rows.length === 0) return 'No Service is forwarded.\n';
    const { showNamespace, terminal } = this.options;
    const table = renderTop(view, { showNamespace, paint: terminal.paint });
    return more === 0 ? table : `${table}and ${more} more\n`;
  }
}

interface CutView extends TopView {
  readonly more?: number;
}

/** As many rows as the terminal shows, the busiest. */
function cut(view: TopView, lines: number): CutView {
  const room = Math.max(1, lines - linesKept);
  if (view.rows.length <= room) return view;
  const busiest = view.rows
    .toSorted((a, b) => (b.connectionsPerSecond ?? 0) - (a.connectionsPerSecond ?? 0))
    .slice(0, room);
  const rows = view.rows.filter((row) => busiest.includes(row));
  return { ...view, rows, more: view.rows.length - rows.length };
}
