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
  /** What only a program or a proxy can give: `exec`, `auth-provider`, `proxy-url`; undefined for none. */
  readonly beyond: 'exec' | 'auth-provider' | 'proxy-url' | undefined;
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
    beyond: beyondOf(cluster, user),
  };
}

function beyondOf(cluster: JsonObject, user: JsonObject): Kubeconfig['beyond'] {
  if (isJsonObject(user['exec'])) return 'exec';
  if (isJsonObject(user['auth-provider'])) return 'auth-provider';
  return textOf(cluster, 'proxy-url') === undefined ? undefined : 'proxy-url';
}

/** A path in a kubeconfig is told from the kubeconfig's own folder. */
function fileOf(file: KubeconfigFile, path: string | undefined): Material | undefined {
  if (path === undefined) return undefined;
  return { kind: 'file', path: isAbsolute(path) ? path : join(dirname(file.path), path) };
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
