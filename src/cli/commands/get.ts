/** `get services|endpoints|plan`: what a running instance forwards. */
import type { Command } from 'commander';
import { parseServiceName, type NamedService, type NamespaceOptions } from '../service-name.ts';
import type { Act, GlobalOptions, Session } from '../session.ts';
import type { CommandResult } from '../result.ts';

type GetFlags = GlobalOptions & NamespaceOptions;

async function getServices(asked: NamedService, session: Session): Promise<CommandResult> {
  const client = await session.connect();
  return { kind: 'services', items: await client.services(asked), asked };
}

async function getEndpoints(asked: NamedService, session: Session): Promise<CommandResult> {
  const client = await session.connect();
  const { endpoints, limited } = await client.traffic(asked);
  return { kind: 'endpoints', items: endpoints, asked, limited };
}

async function getMetrics(session: Session): Promise<CommandResult> {
  const client = await session.connect();
  return { kind: 'metrics', view: await client.metrics() };
}

async function getPlan(session: Session): Promise<CommandResult> {
  const client = await session.connect();
  return { kind: 'plan', plan: await client.plan() };
}

async function getNames(session: Session): Promise<CommandResult> {
  const client = await session.connect();
  const { names } = await client.instance();
  return { kind: 'ways', view: names ?? { dns: [], door: undefined } };
}

export function addGet(program: Command, act: Act): void {
  const get = program
    .command('get')
    .helpCommand(false)
    .summary('show what is forwarded, and to where')
    .description(
      'Shows what a running instance forwards. Exit code 1: the Service named is not there.',
    );
  addNamed(get, 'services', {
    alias: 'svc',
    summary: 'Services, where each is reached, and why not',
    work: getServices,
    act,
  });
  addNamed(get, 'endpoints', {
    alias: 'ep',
    summary: 'endpoints of Services, their state and counts',
    work: getEndpoints,
    act,
  });
  get
    .command('metrics')
    .summary("what Prometheus is told, in Prometheus' format")
    .description("Shows what Prometheus is told, in Prometheus' format.")
    .action(async (_flags: unknown, command: Command) => {
      await act(command.optsWithGlobals<GlobalOptions>(), getMetrics);
    });
  get
    .command('names')
    .summary('where names are answered, and the door')
    .description(
      'Shows where the names of the cluster are answered, and the door for clients that do not resolve them. ' +
        'Exit code 1: the instance answers none.',
    )
    .action(async (_flags: unknown, command: Command) => {
      await act(command.optsWithGlobals<GlobalOptions>(), getNames);
    });
  get
    .command('plan')
    .summary('the Plan that the driver has applied')
    .description('Shows the Plan that the driver has applied.')
    .action(async (_flags: unknown, command: Command) => {
      await act(command.optsWithGlobals<GlobalOptions>(), getPlan);
    });
}

interface Named {
  readonly alias: string;
  readonly summary: string;
  readonly work: (asked: NamedService, session: Session) => Promise<CommandResult>;
  readonly act: Act;
}

function addNamed(get: Command, name: string, { alias, summary, work, act }: Named): void {
  get
    .command(name)
    .alias(alias)
    .summary(summary)
    .description(`Shows ${summary}.`)
    .argument('[name]', 'only this Service: NAME or NAMESPACE/NAME')
    .option('-N, --namespace <name>', 'namespace to look in (default: "default")')
    .option('-A, --all-namespaces', 'look in all namespaces')
    .addHelpText(
      'after',
      `\nExamples:\n  switchyard get ${name}\n  switchyard get ${name} shop/web -o json`,
    )
    .action(async (argument: string | undefined, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<GetFlags>();
      await act(flags, (session) => work(parseServiceName(argument, flags), session));
    });
}
