/** `spread service NAME`: opens real connections and shows which endpoint each got. */
import type { Command } from 'commander';
import { numberBetween } from '../number-between.ts';
import { defaultNamespace, parseServiceName, type NamespaceOptions } from '../service-name.ts';
import type { Act, GlobalOptions, Session } from '../session.ts';
import type { CommandResult } from '../result.ts';

interface SpreadFlags extends GlobalOptions, NamespaceOptions {
  readonly connections: number;
  readonly concurrency: number;
  readonly port?: string;
}

interface SpreadAsked {
  readonly namespace: string;
  readonly service: string;
  readonly port: string | undefined;
  readonly connections: number;
  readonly concurrency: number;
}

const most = { connections: 1_000_000, concurrency: 1_000 } as const;

async function spreadService(asked: SpreadAsked, session: Session): Promise<CommandResult> {
  const client = await session.connect();
  try {
    const view = await client.spread(asked, {
      onProgress: (done, total) => session.progress.update(`${done} of ${total} connections`),
    });
    return { kind: 'spread', view };
  } finally {
    session.progress.clear();
  }
}

export function addSpread(program: Command, act: Act): void {
  const spread = program
    .command('spread')
    .helpCommand(false)
    .summary('measure the share of connections each endpoint gets')
    .description('Measures the share of connections each endpoint gets.');
  spread
    .command('service')
    .alias('svc')
    .summary('of a Service')
    .description(
      'Opens real connections to a Service and shows which endpoint each got, expected against seen. ' +
        'Exit code 1: the spread is not what the scheduler promises. Other clients of the Service ' +
        'take turns of the same scheduler, so measure one that is quiet.',
    )
    .argument('<name>', 'the Service: NAME or NAMESPACE/NAME')
    .option(
      '-n, --connections <number>',
      'how many to open',
      numberBetween(1, most.connections),
      100,
    )
    .option(
      '-c, --concurrency <number>',
      'the most to hold open at once',
      numberBetween(1, most.concurrency),
      16,
    )
    .option('-p, --port <port>', 'name or number of the port, when there are several')
    .option('-N, --namespace <name>', 'namespace of the Service (default: "default")')
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard spread service web -n 300\n  switchyard spread service shop/web --port http -o json',
    )
    .action(async (name: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<SpreadFlags>();
      await act(flags, (session) => {
        const asked = parseServiceName(name, flags);
        return spreadService(
          {
            namespace: asked.namespace ?? defaultNamespace,
            service: asked.name ?? name,
            port: flags.port,
            connections: flags.connections,
            concurrency: flags.concurrency,
          },
          session,
        );
      });
    });
}
