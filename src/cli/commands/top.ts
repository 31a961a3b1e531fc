/** `top`: live rates of what is forwarded, again and again until Ctrl-C. */
import { Argument, type Command } from 'commander';
import { topView, type TopSubject } from '../render/top.ts';
import { TopScreen } from '../top-screen.ts';
import { numberBetween } from '../number-between.ts';
import { parseServiceName, type NamespaceOptions, type NamedService } from '../service-name.ts';
import type { Act, GlobalOptions, Session } from '../session.ts';

interface TopFlags extends GlobalOptions, NamespaceOptions {
  readonly rounds?: number;
  readonly interval: number;
}

const most = { rounds: 1_000_000, seconds: 3_600 } as const;

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
  const screen = new TopScreen({
    ...session,
    format: flags.output,
    showNamespace: asked.namespace === undefined,
  });
  let before = await client.traffic(asked);
  for (let round = 0; round < (flags.rounds ?? Infinity); round++) {
    await deps.clock.sleep(flags.interval * 1000, interrupted);
    if (interrupted.aborted) return;
    const after = await client.traffic(asked);
    screen.show(topView(subject, before, after));
    before = after;
  }
}
