/** `explain service|flow|name`: why a Service works or not, where one connection goes, what a name leads to. */
import { Option, type Command } from 'commander';
import { CliError } from '../errors.ts';
import type { CommandResult } from '../result.ts';
import { parseServiceName, type NamespaceOptions } from '../service-name.ts';
import type { Act, GlobalOptions, Session } from '../session.ts';

type ServiceFlags = GlobalOptions & NamespaceOptions;

interface FlowFlags extends GlobalOptions {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP';
  readonly namespace?: string;
}

/** Any port will do where only the address of a client counts. */
const anyPort = 40_000;

export function addExplain(program: Command, act: Act): void {
  const explain = program
    .command('explain')
    .helpCommand(false)
    .summary('say why a Service works or not, and where a connection goes')
    .description('Says why, step by step, and what to change.');
  addService(explain, act);
  addFlow(explain, act);
  addName(explain, act);
}

function addService(explain: Command, act: Act): void {
  explain
    .command('service')
    .alias('svc')
    .summary('why a Service works, or does not')
    .description(
      'Walks the way of a Service: name, port, selector, Pods, EndpointSlices, readiness, policy, scheduler, ' +
        'endpoint. Exit code 1: it is broken.',
    )
    .argument('<name>', 'the Service: NAME or NAMESPACE/NAME')
    .option('-N, --namespace <name>', 'namespace of the Service (default: "default")')
    .action(async (given: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ServiceFlags>();
      const { namespace = 'default', name = given } = parseServiceName(given, flags);
      await act(flags, (session) => ask(session, { kind: 'service', namespace, name }));
    });
}

function addFlow(explain: Command, act: Act): void {
  explain
    .command('flow')
    .summary('where one connection would go, and why')
    .description(
      'Decides about one connection as the node does, and tells the steps. Exit code 1: it is not forwarded.',
    )
    .argument('<source>', 'the client: ADDRESS or ADDRESS:PORT')
    .argument('<destination>', 'ADDRESS:PORT, or NAME:PORT with a name as clients write it')
    .addOption(
      new Option('--protocol <protocol>', 'transport protocol')
        .choices(['TCP', 'UDP', 'SCTP'])
        .default('TCP'),
    )
    .option('-N, --namespace <name>', 'namespace of the client (default: "default")')
    .addHelpText('after', '\nExample:\n  switchyard explain flow 127.0.0.1 web.default:80')
    .action(async (from: string, to: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<FlowFlags>();
      const source = parseEnd(from, anyPort);
      const destination = parseEnd(to, undefined);
      await act(flags, (session) =>
        ask(session, {
          kind: 'flow',
          protocol: flags.protocol,
          source: source.host,
          sourcePort: source.port,
          destination: destination.host,
          destinationPort: destination.port,
          namespace: flags.namespace ?? 'default',
        }),
      );
    });
}

interface NameFlags extends GlobalOptions {
  readonly namespace?: string;
  readonly type: string;
}

function addName(explain: Command, act: Act): void {
  explain
    .command('name')
    .summary('what a name resolves to, and why')
    .description(
      'Asks for a name as a Pod would, through its search list, and tells which rule answered. ' +
        'Exit code 1: there is no such record.',
    )
    .argument('<name>', 'a name as clients write it, or an address for its PTR')
    .option('-N, --namespace <name>', 'namespace of the client (default: "default")')
    .option('--type <type>', 'type of the records: AAAA, SRV, CNAME, PTR...', 'A')
    .addHelpText('after', '\nExample:\n  switchyard explain name web.default --type SRV')
    .action(async (name: string, _flags: unknown, command: Command) => {
      const { namespace = 'default', type, ...flags } = command.optsWithGlobals<NameFlags>();
      await act(flags, async (session) => {
        const client = await session.connect();
        return {
          kind: 'name',
          view: await client.explainName({ name, namespace, type: type.toUpperCase() }),
        };
      });
    });
}

type Question = Parameters<Awaited<ReturnType<Session['connect']>>['explain']>[0];

async function ask(session: Session, question: Question): Promise<CommandResult> {
  const client = await session.connect();
  return { kind: 'explanation', view: await client.explain(question) };
}

/** `HOST:PORT`, `[IPV6]:PORT`, or `HOST` where a port is given for it. */
function parseEnd(
  text: string,
  defaultPort: number | undefined,
): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:\s]+)):(\d{1,5})$/.exec(text);
  const port = match === null ? defaultPort : Number(match[3]);
  const host = match === null ? text.replace(/^\[|\]$/g, '') : (match[1] ?? match[2] ?? '');
  if (port !== undefined && port >= 1 && port <= 65_535 && host !== '') return { host, port };
  throw new CliError(
    'CLI_INVALID_VALUE',
    `Cannot run switchyard explain flow: ${JSON.stringify(text)} is not ${defaultPort === undefined ? 'HOST:PORT' : 'an address'}`,
    { remedy: 'Write 10.96.0.10:80, [fd00::1]:80 or web.default:80' },
  );
}
