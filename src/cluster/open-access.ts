/**
 * The way to a cluster from a kubeconfig or from within a Pod. Certificates, tokens and their files are read here;
 * what takes a program or a proxy is left to Kubernetes' own client library, which costs its import only then.
 */
import { readText } from '../sys/index.ts';
import { messageOf, type Clock } from '../model/index.ts';
import type { ClusterAccess, Credentials } from './access.ts';
import { checkPair } from './check-pair.ts';
import { ClusterError } from './errors.ts';
import { parseKubeconfig, type Beyond, type Kubeconfig, type Material } from './kubeconfig.ts';

export interface AccessOptions {
  /** Undefined: this is a Pod. */
  readonly kubeconfig: string | undefined;
  /** The current one when undefined. */
  readonly context?: string | undefined;
  /** Where a Pod finds its cluster; undefined outside of one. */
  readonly inCluster: InCluster | undefined;
  readonly clock: Clock;
}

export interface InCluster {
  readonly host: string;
  readonly port: string;
  /** The folder of the service account. */
  readonly folder: string;
}

/** Files of tokens and certificates are read again after this long: they are renewed in place. */
const rereadMs = 60_000;

/** Rejects with CLUSTER_NONE, KUBECONFIG_INVALID, CREDENTIALS_FAILED, and FILE_ codes of the kubeconfig itself. */
export async function openAccess(options: AccessOptions): Promise<ClusterAccess> {
  const read = (): Promise<Kubeconfig> => readConfig(options);
  const config = await read();
  const access = new FileAccess(config, read, options.clock);
  if (config.beyond === undefined) return access;
  const { createLibraryAccess } = await import('./library-access.ts');
  return await createLibraryAccess({ files: access, clock: options.clock });
}

async function readConfig({ kubeconfig, context, inCluster }: AccessOptions): Promise<Kubeconfig> {
  if (kubeconfig !== undefined) {
    return await parseKubeconfig({ path: kubeconfig, text: await readText(kubeconfig), context });
  }
  if (inCluster === undefined) {
    throw new ClusterError('CLUSTER_NONE', 'Cannot find a cluster: this is no Pod of one', {
      remedy: 'Name a kubeconfig with --kubeconfig FILE',
    });
  }
  const { host, port, folder } = inCluster;
  const at = host.includes(':') ? `[${host}]` : host;
  return {
    server: `https://${at}:${port}`,
    ca: { kind: 'file', path: `${folder}/ca.crt` },
    token: { kind: 'file', path: `${folder}/token` },
    servername: undefined,
    verify: true,
    cert: undefined,
    key: undefined,
    basic: undefined,
    impersonate: undefined,
    beyond: undefined,
  };
}

class FileAccess implements ClusterAccess {
  private config: Kubeconfig;
  private readonly read: () => Promise<Kubeconfig>;
  private readonly clock: Clock;
  private made: Promise<Credentials> | undefined;
  private madeAt = 0;

  constructor(config: Kubeconfig, read: () => Promise<Kubeconfig>, clock: Clock) {
    this.config = config;
    this.read = read;
    this.clock = clock;
  }

  get server(): string {
    return this.config.server;
  }

  get beyond(): Beyond | undefined {
    return this.config.beyond;
  }

  async credentials(): Promise<Credentials> {
    const now = this.clock.monotonic();
    if (this.made === undefined || now - this.madeAt >= rereadMs) {
      this.madeAt = now;
      this.made = make(this.config);
      this.made.catch(() => (this.made = undefined));
    }
    return await this.made;
  }

  async renew(): Promise<void> {
    this.config = await this.read();
    this.made = undefined;
  }
}

async function make(config: Kubeconfig): Promise<Credentials> {
  const { basic, servername, verify, impersonate } = config;
  const [ca, cert, key, token] = await Promise.all(
    [config.ca, config.cert, config.key, config.token].map(textOf),
  );
  checkPair({ ca, cert, key });
  const authorization =
    token !== undefined
      ? `Bearer ${token.trim()}`
      : basic && `Basic ${Buffer.from(`${basic.username}:${basic.password}`).toString('base64')}`;
  return {
    headers: {
      ...(authorization === undefined ? {} : { authorization }),
      ...(impersonate === undefined ? {} : { 'impersonate-user': impersonate }),
    },
    tls: { ca, cert, key, servername, verify },
  };
}

async function textOf(material: Material | undefined): Promise<string | undefined> {
  if (material === undefined) return undefined;
  if (material.kind === 'text') return material.text;
  try {
    return await readText(material.path);
  } catch (cause) {
    throw new ClusterError('CREDENTIALS_FAILED', `Cannot prove who asks: ${messageOf(cause)}`, {
      cause,
      remedy: 'The kubeconfig, or the service account, names this file: make it readable',
    });
  }
}
