/** A kubeconfig's text as data: the one cluster and user that its current context leads to. */
import { dirname, isAbsolute, join } from 'node:path';
import { isJsonArray, isJsonObject, type JsonObject } from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { ClusterError } from './errors.ts';

/** Text that stands in the file, or in a file it names. */
export type Material =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'file'; readonly path: string };

export interface Kubeconfig {
  readonly server: string;
  readonly ca: Material | undefined;
  readonly servername: string | undefined;
  readonly verify: boolean;
  readonly cert: Material | undefined;
  readonly key: Material | undefined;
  readonly token: Material | undefined;
  readonly basic: { readonly username: string; readonly password: string } | undefined;
  readonly impersonate: string | undefined;
  /** Undefined when nothing of it is named. */
  readonly beyond: Beyond | undefined;
}

/** What takes a program, an identity provider or a proxy. */
export interface Beyond {
  /** `exec`: the program that gives a token or a certificate. */
  readonly program: CredentialProgram | undefined;
  /** `auth-provider`, as it stands. */
  readonly provider: JsonObject | undefined;
  /** `proxy-url`. */
  readonly proxy: string | undefined;
}

export interface CredentialProgram {
  readonly apiVersion: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  /** How to come by it, from whoever wrote the kubeconfig. */
  readonly installHint: string | undefined;
  /** It wants to know which cluster it is asked for. */
  readonly provideClusterInfo: boolean;
}

export interface KubeconfigFile {
  readonly path: string;
  readonly text: string;
  /** The current one when undefined. */
  readonly context?: string | undefined;
}

/** Throws KUBECONFIG_INVALID. */
export async function parseKubeconfig(file: KubeconfigFile): Promise<Kubeconfig> {
  const { parse } = await import('yaml');
  let root: unknown;
  try {
    // Aliases multiply; no kubeconfig needs more than a few.
    root = parse(file.text, { maxAliasCount: 16 });
  } catch (cause) {
    throw invalid(file, messageOf(cause).split('\n')[0] ?? '', cause);
  }
  if (!isJsonObject(root)) throw invalid(file, 'it is no mapping');
  const contextName = file.context ?? textOf(root, 'current-context');
  if (contextName === undefined) throw invalid(file, 'it has no current-context');
  const context = named(file, root, ['contexts', 'context', contextName]);
  const clusterName = textOf(context, 'cluster');
  if (clusterName === undefined) throw invalid(file, `context ${contextName} names no cluster`);
  const cluster = named(file, root, ['clusters', 'cluster', clusterName]);
  const userName = textOf(context, 'user');
  const user = userName === undefined ? {} : named(file, root, ['users', 'user', userName]);
  return read(file, cluster, user);
}

function read(file: KubeconfigFile, cluster: JsonObject, user: JsonObject): Kubeconfig {
  const server = textOf(cluster, 'server');
  if (server === undefined || !URL.canParse(server)) {
    throw invalid(file, `its cluster has no server that is a URL`);
  }
  const material = (of: JsonObject, name: string): Material | undefined => {
    const data = textOf(of, `${name}-data`);
    if (data !== undefined) {
      return { kind: 'text', text: Buffer.from(data, 'base64').toString('utf8') };
    }
    return fileOf(file, textOf(of, name));
  };
  const token = textOf(user, 'token');
  const username = textOf(user, 'username');
  return {
    server,
    ca: material(cluster, 'certificate-authority'),
    servername: textOf(cluster, 'tls-server-name'),
    verify: cluster['insecure-skip-tls-verify'] !== true,
    cert: material(user, 'client-certificate'),
    key: material(user, 'client-key'),
    token:
      token === undefined ? fileOf(file, textOf(user, 'tokenFile')) : { kind: 'text', text: token },
    basic:
      username === undefined ? undefined : { username, password: textOf(user, 'password') ?? '' },
    impersonate: textOf(user, 'as'),
    beyond: beyondOf(file, cluster, user),
  };
}

function beyondOf(file: KubeconfigFile, cluster: JsonObject, user: JsonObject): Beyond | undefined {
  const { exec, 'auth-provider': provider } = user;
  const beyond: Beyond = {
    program: isJsonObject(exec) ? programOf(file, exec) : undefined,
    provider: isJsonObject(provider) ? provider : undefined,
    proxy: proxyOf(file, textOf(cluster, 'proxy-url')),
  };
  return Object.values(beyond).some((part) => part !== undefined) ? beyond : undefined;
}

function programOf(file: KubeconfigFile, exec: JsonObject): CredentialProgram {
  const command = textOf(exec, 'command');
  const apiVersion = textOf(exec, 'apiVersion');
  if (command === undefined) throw invalid(file, 'its user has exec without a command');
  if (apiVersion === undefined) throw invalid(file, 'its user has exec without an apiVersion');
  const { args, env } = exec;
  return {
    apiVersion,
    // As in client-go: a bare name is looked for in PATH, anything else from the kubeconfig's own folder.
    command: command.includes('/') ? beside(file, command) : command,
    args: isJsonArray(args) ? args.map(String) : [],
    env: (isJsonArray(env) ? env : []).filter(isJsonObject).flatMap((row) => {
      const [name, value] = [textOf(row, 'name'), textOf(row, 'value') ?? ''];
      return name === undefined ? [] : [{ name, value }];
    }),
    installHint: textOf(exec, 'installHint'),
    provideClusterInfo: exec['provideClusterInfo'] === true,
  };
}

function proxyOf(file: KubeconfigFile, proxy: string | undefined): string | undefined {
  if (proxy === undefined || /^(https?|socks5h?):\/\/[^/]/.test(proxy)) return proxy;
  throw invalid(file, 'its proxy-url is no URL of http, https or socks5');
}

/** A path in a kubeconfig is told from the kubeconfig's own folder. */
function fileOf(file: KubeconfigFile, path: string | undefined): Material | undefined {
  if (path === undefined) return undefined;
  return { kind: 'file', path: beside(file, path) };
}

function beside(file: KubeconfigFile, path: string): string {
  return isAbsolute(path) ? path : join(dirname(file.path), path);
}

function named(
  file: KubeconfigFile,
  root: JsonObject,
  [list, part, name]: readonly [string, string, string],
): JsonObject {
  const rows = root[list];
  const row = isJsonArray(rows)
    ? rows.filter(isJsonObject).find((candidate) => candidate['name'] === name)
    : undefined;
  const found = row?.[part];
  if (isJsonObject(found)) return found;
  throw invalid(file, `there is no ${part} named ${name} under ${list}`);
}

/** Empty counts as absent, as in client-go. */
function textOf(object: JsonObject, key: string): string | undefined {
  const value = object[key];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function invalid({ path }: KubeconfigFile, why: string, cause?: unknown): ClusterError {
  return new ClusterError('KUBECONFIG_INVALID', `Cannot read the kubeconfig ${path}: ${why}`, {
    cause,
    remedy: 'Give one that works with: kubectl --kubeconfig FILE get services',
  });
}
