/** `doctor`: what this host lacks, and the lines that point its resolvers at a running instance. */
import type { Command } from 'commander';
import { CodedError } from '../../model/index.ts';
import type { Act, GlobalOptions, Session } from '../session.ts';

export function addDoctor(program: Command, act: Act): void {
  program
    .command('doctor')
    .summary('what this host lacks, and how its resolvers are pointed here')
    .description(
      'Looks at this host and says what is missing, what that costs and how to get it; then how each kind of ' +
        'resolver is pointed at the running instance for the names of the cluster only. Changes nothing. ' +
        'Exit code 1: something is broken.',
    )
    .action(async (_flags: unknown, command: Command) => {
      await act(command.optsWithGlobals<GlobalOptions>(), async (session) => {
        const { names, noNames } = await findNames(session);
        const { checks, resolvers } = await session.deps.doctor(names);
        return { kind: 'doctor', view: { checks, names, noNames, resolvers } };
      });
    });
}

interface Found {
  readonly names: string | undefined;
  readonly noNames: string | undefined;
}

/** The host can be looked at without an instance. */
async function findNames(session: Session): Promise<Found> {
  try {
    const client = await session.connect();
    const { instance, names } = await client.instance();
    const [at] = names?.dns ?? [];
    const noNames = at === undefined ? `instance ${instance} answers none` : undefined;
    return { names: at, noNames };
  } catch (thrown) {
    if (!(thrown instanceof CodedError)) throw thrown;
    return { names: undefined, noNames: thrown.message };
  }
}
