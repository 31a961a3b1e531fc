/** The one file that imports Kubernetes' client library: credential programs, identity providers and proxies. */
import type { KubeConfig } from '@kubernetes/client-node';
import { messageOf } from '../model/index.ts';
import type { ClusterAccess, Credentials } from './access.ts';
import { ClusterError } from './errors.ts';

export interface LibraryOptions {
  readonly path: string;
  readonly context: string | undefined;
  readonly server: string;
}

/** It takes options of requests and of WebSockets; these are a request's. */
type RequestOptions = Extract<
  Parameters<KubeConfig['applyToHTTPSOptions']>[0],
  { readonly servername?: string | undefined }
>;

/** Rejects with KUBECONFIG_INVALID. */
export async function createLibraryAccess(options: LibraryOptions): Promise<ClusterAccess> {
  const library = await import('@kubernetes/client-node');
  const load = (): KubeConfig => {
    const config = new library.KubeConfig();
    try {
      config.loadFromFile(options.path);
      if (options.context !== undefined) config.setCurrentContext(options.context);
    } catch (cause) {
      const message = `Cannot read the kubeconfig ${options.path}: ${messageOf(cause)}`;
      throw new ClusterError('KUBECONFIG_INVALID', message, { cause });
    }
    return config;
  };
  let config = load();
  return {
    server: options.server,
    credentials: () => credentialsOf(config),
    // A new one has forgotten the credential that was refused, and asks the program again.
    renew: async () => {
      config = load();
    },
  };
}

async function credentialsOf(config: KubeConfig): Promise<Credentials> {
  const asked: RequestOptions = {};
  try {
    await config.applyToHTTPSOptions(asked);
  } catch (cause) {
    throw new ClusterError('CREDENTIALS_FAILED', `Cannot prove who asks: ${messageOf(cause)}`, {
      cause,
      remedy: 'Run the program that the kubeconfig names by hand, or log in again',
    });
  }
  const basic = asked.auth ?? undefined;
  const proxied = config.getCurrentCluster()?.proxyUrl !== undefined;
  return {
    headers: {
      ...headersOf(asked.headers),
      ...(basic === undefined
        ? {}
        : { authorization: `Basic ${Buffer.from(basic).toString('base64')}` }),
    },
    tls: {
      ca: pem(asked.ca),
      cert: pem(asked.cert),
      key: pem(asked.key),
      passphrase: asked.passphrase,
      servername: asked.servername,
      verify: asked.rejectUnauthorized,
    },
    agent: proxied && typeof asked.agent === 'object' ? asked.agent : undefined,
  };
}

function headersOf(headers: RequestOptions['headers']): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers ?? {}).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name.toLowerCase(), value]] : [],
    ),
  );
}

/** The library gives text or bytes. */
function pem(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : undefined;
}
