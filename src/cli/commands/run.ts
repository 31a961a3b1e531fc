/** `run NAME -- COMMAND...`: a Deployment of processes and its Service, in one go. */
import type { Command } from 'commander';
import type { RunRequest } from '../../control/index.ts';
import { CodedError } from '../../model/index.ts';
import { numberBetween } from '../number-between.ts';
import { defaultNamespace } from '../service-name.ts';
import type { Act, GlobalOptions, Session } from '../session.ts';
import type { CommandResult } from '../result.ts';

interface RunFlags extends GlobalOptions {
  readonly replicas: number;
  readonly port?: number;
  readonly namespace?: string;
}

export function addRun(program: Command, act: Act): void {
  program
    .command('run')
    .summary('run a command as Pods, behind a Service')
    .description(
      'Runs a command of this host as Pods of a Deployment, restarted when they end, and puts a Service ' +
        'in front of them. Each is told its HOST and PORT by environment. In the running instance; where ' +
        'none runs, starts one that runs until Ctrl-C.',
    )
    .argument('<name>', 'name of the Deployment and the Service')
    .argument('<command...>', 'the command, after --')
    .option('-r, --replicas <number>', 'how many Pods', numberBetween(0, 1_000), 1)
    .option(
      '-p, --port <number>',
      'port they listen at, and of the Service',
      numberBetween(1, 65_535),
    )
    .option('-N, --namespace <name>', 'namespace (default: "default")')
    .addHelpText(
      'after',
      '\nExamples:\n  switchyard run web --replicas 3 --port 8080 -- node server.js',
    )
    .action(async (name: string, command: readonly string[], _flags: unknown, self: Command) => {
      const flags = self.optsWithGlobals<RunFlags>();
      await act(flags, (session) => {
        const request: RunRequest = {
          namespace: flags.namespace ?? defaultNamespace,
          name,
          replicas: flags.replicas,
          port: flags.port,
          command,
          folder: session.folder,
        };
        return run(request, flags, session);
      });
    });
}

async function run(request: RunRequest, flags: RunFlags, session: Session): Promise<CommandResult> {
  try {
    const client = await session.connect();
    return { kind: 'workload', view: await client.run(request) };
  } catch (thrown) {
    const isNone = thrown instanceof CodedError && thrown.code === 'CONTROL_NONE_RUNNING';
    if (!isNone) throw thrown;
  }
  const exitCode = await session.deps.up({
    files: [],
    demo: false,
    mode: 'userspace',
    engine: 'auto',
    dnsUpstreams: [],
    metrics: { address: '127.0.0.1', port: 0 },
    replace: false,
    asBefore: false,
    drainSeconds: undefined,
    instance: session.instance,
    logLevel: session.logLevel,
    logFormat: 'text',
    output: flags.output,
    objects: { kind: 'memory' },
    run: request,
  });
  return { kind: 'ended', exitCode };
}
