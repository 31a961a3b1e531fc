/** Which workload a command means: `deployment/web`, or `web` for a Deployment. */
import type { WorkloadKind } from '../control/index.ts';
import { CliError } from './errors.ts';

// The list itself is behind the socket's code, which --help has no need to load.
const workloadKinds = [
  'deployment',
  'statefulset',
  'replicaset',
  'pod',
] as const satisfies readonly WorkloadKind[];

const shortKinds: ReadonlyMap<string, WorkloadKind> = new Map([
  ['deploy', 'deployment'],
  ['deployments', 'deployment'],
  ['sts', 'statefulset'],
  ['statefulsets', 'statefulset'],
  ['rs', 'replicaset'],
  ['replicasets', 'replicaset'],
  ['po', 'pod'],
  ['pods', 'pod'],
]);

/** Throws CLI_INVALID_VALUE when the text names no workload. */
export function parseWorkloadName(text: string): {
  readonly kind: WorkloadKind;
  readonly name: string;
} {
  const [first = '', second, ...rest] = text.split('/');
  if (second === undefined && first !== '') return { kind: 'deployment', name: first };
  const word = first.toLowerCase();
  const kind = shortKinds.get(word) ?? workloadKinds.find((known) => known === word);
  if (kind !== undefined && second !== undefined && second !== '' && rest.length === 0) {
    return { kind, name: second };
  }
  throw new CliError(
    'CLI_INVALID_VALUE',
    `Cannot find ${text}: a workload is KIND/NAME, KIND one of ${workloadKinds.join(', ')}`,
    { remedy: 'Name one as deployment/web' },
  );
}
