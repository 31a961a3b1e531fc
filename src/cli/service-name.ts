/** Which Service a command means: NAME or NAMESPACE/NAME, --namespace, --all-namespaces. */
import { CliError } from './errors.ts';

export interface NamespaceOptions {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
}

export interface NamedService {
  /** Undefined for all. */
  readonly namespace: string | undefined;
  readonly name: string | undefined;
}

export const defaultNamespace = 'default';

/** Throws CLI_INVALID_VALUE when the argument is no name, or says another namespace than the option. */
export function parseServiceName(
  argument: string | undefined,
  options: NamespaceOptions,
): NamedService {
  const asked =
    options.allNamespaces === true ? undefined : (options.namespace ?? defaultNamespace);
  if (argument === undefined) return { namespace: asked, name: undefined };
  const [first = '', second, ...rest] = argument.split('/');
  if (rest.length > 0 || first === '' || second === '') {
    throw new CliError(
      'CLI_INVALID_VALUE',
      `Cannot find Service ${argument}: a name is NAME or NAMESPACE/NAME`,
      { remedy: 'See the names with switchyard get services -A' },
    );
  }
  if (second === undefined) return { namespace: asked, name: first };
  if (options.namespace !== undefined && options.namespace !== first) {
    throw new CliError(
      'CLI_INVALID_VALUE',
      `Cannot find Service ${argument}: --namespace says ${options.namespace}`,
      { remedy: 'Name the namespace once' },
    );
  }
  return { namespace: first, name: second };
}
