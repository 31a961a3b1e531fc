/** `scale KIND/NAME --replicas N`: how many Pods a workload has. */
import type { Command } from 'commander';
import { numberBetween } from '../number-between.ts';
import { defaultNamespace } from '../service-name.ts';
import type { Act, GlobalOptions } from '../session.ts';
import { parseWorkloadName } from '../workload-name.ts';

interface ScaleFlags extends GlobalOptions {
  readonly replicas: number;
  readonly namespace?: string;
}

export function addScale(program: Command, act: Act): void {
  program
    .command('scale')
    .summary('change how many Pods a workload has')
    .description(
      'Changes how many Pods a Deployment, StatefulSet or ReplicaSet has. Those that go are first taken ' +
        'out of their Services.',
    )
    .argument('<workload>', 'KIND/NAME, or the NAME of a Deployment')
    .requiredOption('-r, --replicas <number>', 'how many Pods', numberBetween(0, 1_000))
    .option('-N, --namespace <name>', 'namespace (default: "default")')
    .addHelpText('after', '\nExamples:\n  switchyard scale deployment/web --replicas 5')
    .action(async (workload: string, _flags: unknown, command: Command) => {
      const flags = command.optsWithGlobals<ScaleFlags>();
      await act(flags, async (session) => {
        const named = parseWorkloadName(workload);
        const client = await session.connect();
        const namespace = flags.namespace ?? defaultNamespace;
        const view = await client.scale({ ...named, namespace, replicas: flags.replicas });
        return { kind: 'workload', view };
      });
    });
}
