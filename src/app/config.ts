/** Static configuration: what the environment says, read once and frozen. Flags are the CLI's. */
import type { CliEnv } from '../cli/index.ts';

/** Everything Switchyard reads from the environment. */
const environmentVariables = {
  HOME: 'where the state of instances is kept (.local/state/switchyard)',
  XDG_STATE_HOME: 'where objects are kept, when it is set',
  XDG_RUNTIME_DIR: 'where the control sockets of instances are, when it is set',
  SWITCHYARD_INSTANCE: 'the instance a command is meant for, when --instance does not say',
  KUBERNETES_SERVICE_HOST: 'in a Pod: where the API of its cluster is',
  KUBERNETES_SERVICE_PORT: 'in a Pod: the port of the API of its cluster',
  KUBECONFIG: 'where up --from-cluster finds the way to a cluster when --kubeconfig does not say',
  NO_COLOR: 'anything but empty: no colours',
} as const;

type Environment = Readonly<Record<string, string | undefined>>;

/** Empty counts as not set, as the XDG specification says. */
export function readEnvironment(environment: Environment): CliEnv {
  const read = (name: keyof typeof environmentVariables): string | undefined => {
    const value = environment[name];
    return value === '' ? undefined : value;
  };
  return Object.freeze({
    home: read('HOME'),
    xdgStateHome: read('XDG_STATE_HOME'),
    xdgRuntimeDir: read('XDG_RUNTIME_DIR'),
    instance: read('SWITCHYARD_INSTANCE'),
    kubernetesHost: read('KUBERNETES_SERVICE_HOST'),
    kubernetesPort: read('KUBERNETES_SERVICE_PORT'),
    kubeconfig: read('KUBECONFIG'),
    noColor: read('NO_COLOR') !== undefined,
  });
}
