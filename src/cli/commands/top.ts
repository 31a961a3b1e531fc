/** `top`: live rates of what is forwarded, again and again until Ctrl-C. */
import { Argument, type Command } from 'commander';
import type { TrafficView } from '../../control/index.ts';
import { renderTop, topView, type TopSubject, type TopView } from '../render/top.ts';
import { numberBetween } from '../number-between.ts';
import { parseServiceName, type NamespaceOptions, type NamedService } from '../service-name.ts';
import type { Act, GlobalOptions, Session } from '../session.ts';

interface TopFlags extends GlobalOptions, NamespaceOptions {
  readonly rounds?: number;
  readonly interval: number;
}

const most = { rounds: 1_000_000, seconds: 3_600 } as const;
/** Of a terminal, for the header, a note and the prompt. */
const linesKept = 4;

export function addTop(program: Command, act: Act): void {
  program
    .command('top')
    .summary('live rates of each endpoint or Service')
    .description(
      'Shows connections and bytes a second, what is open, and the share of each, until Ctrl-C. Draws over the last ' +
        'table on a terminal, and prints one table after the other elsewhere.',
    )
    .addArgument(
      new Argument('[what]', 'what is counted')
        .choices(['endpoints', 'services'])
        .default('endpoints'),
    )
    .option(
      '-n, --rounds <number>',
      'how many tables (default: until Ctrl-C)',
      numberBetween(1, most.rounds),
    )
    .option('-i, --interval <seconds>', 'between two tables', numberBetween(1, most.seconds), 1)
    .option('-N, --namespace <name>', 'namespace to look in (default: all)')
    .addHelpText('after', '\nExamples:\n  switchyard top\n  switchyard top services -n 1 -o json')
    .action(async (what: TopSubject, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<TopFlags>();
      await act(flags, async (session) => {
        await watch(what, flags, session);
        return { kind: 'ended', exitCode: 0 };
      });
    });
}

async function watch(subject: TopSubject, flags: TopFlags, session: Session): Promise<void> {
  const { deps } = session;
  const client = await session.connect();
  const asked: NamedService = parseServiceName(undefined, {
    ...flags,
    allNamespaces: flags.namespace === undefined,
  });
  const interrupted = deps.interrupted();
  const screen = new Screen(session, flags, asked.namespace === undefined);
  let before = await client.traffic(asked);
  for (let round = 0; round < (flags.rounds ?? Infinity); round++) {
    await deps.clock.sleep(flags.interval * 1000, interrupted);
    if (interrupted.aborted) return;
    const after: TrafficView = await client.traffic(asked);
    screen.show(topView(subject, before, after));
    before = after;
  }
}

/** Where the tables go: over one another on a terminal, one after the other elsewhere. */
class Screen {
  private readonly session: Session;
  private readonly flags: TopFlags;
  private readonly showNamespace: boolean;
  private shownLines = 0;
  private isFirst = true;

  constructor(session: Session, flags: TopFlags, showNamespace: boolean) {
    this.session = session;
    this.flags = flags;
    this.showNamespace = showNamespace;
  }

  show(view: TopView): void {
    const { session, flags } = this;
    if (flags.output === 'json') return session.print(`${JSON.stringify(view, undefined, 2)}\n`);
    const { isTTY, rows, paint } = session.terminal;
    const text = this.render(isTTY && rows !== undefined ? cut(view, rows) : view, paint);
    if (isTTY) {
      session.print(`${this.shownLines === 0 ? '' : `\u001B[${this.shownLines}A\u001B[J`}${text}`);
      this.shownLines = text.split('\n').length - 1;
    } else session.print(this.isFirst ? text : `\n${text}`);
    this.isFirst = false;
  }

  private render(
    { more = 0, ...view }: TopView & { readonly more?: number },
    paint: Session['terminal']['paint'],
  ): string {
    if (view.rows.length === 0) return 'No Service is forwarded.\n';
    const table = renderTop(view, { showNamespace: this.showNamespace, paint });
    return more === 0 ? table : `${table}and ${more} more\n`;
  }
}

/** As many rows as the terminal shows, the busiest. */
function cut(view: TopView, lines: number): TopView & { readonly more?: number } {
  const room = Math.max(1, lines - linesKept);
  if (view.rows.length <= room) return view;
  const busiest = view.rows
    .toSorted((a, b) => (b.connectionsPerSecond ?? 0) - (a.connectionsPerSecond ?? 0))
    .slice(0, room);
  const rows = view.rows.filter((row) => busiest.includes(row));
  return { ...view, rows, more: view.rows.length - rows.length };
}
