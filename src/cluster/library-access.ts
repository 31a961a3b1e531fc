/**
 * The one file that imports Kubernetes' client library: credential programs, identity providers and proxies. What
 * stands in files is read as for everybody; the library is asked only for what is beyond them.
 */
import type { KubeConfig } from '@kubernetes/client-node';
import { messageOf, type Clock } from '../model/index.ts';
import type { ClientTls } from '../sys/http/index.ts';
import type { ClusterAccess, Credentials, Proxy } from './access.ts';
import { checkPair } from './check-pair.ts';
import { ClusterError } from './errors.ts';
import type { Beyond, CredentialProgram } from './kubeconfig.ts';

export interface LibraryOptions {
  /** The part that takes no library. */
  readonly files: ClusterAccess & { readonly beyond: Beyond | undefined };
  readonly clock: Clock;
}

/** It takes options of requests and of WebSockets; these are a request's. */
type RequestOptions = Extract<
  Parameters<KubeConfig['applyToHTTPSOptions']>[0],
  { readonly servername?: string | undefined }
>;

/** How long a program, or a provider, may take: nobody is there to answer its questions. */
const programMs = 60_000;

export async function createLibraryAccess(options: LibraryOptions): Promise<ClusterAccess> {
  return new LibraryAccess(await import('@kubernetes/client-node'), options);
}

class LibraryAccess implements ClusterAccess {
  private readonly library: { readonly KubeConfig: new () => KubeConfig };
  private readonly files: LibraryOptions['files'];
  private readonly clock: Clock;
  /** Remembers what a program gave until that expires. */
  private user: KubeConfig | undefined;
  /** One program runs at a time: many requests begin together, and one that hangs is not started again beside it. */
  private asking: Promise<RequestOptions> | undefined;
  private proxy: { readonly made: string; readonly proxy: Proxy } | undefined;

  constructor(library: LibraryAccess['library'], { files, clock }: LibraryOptions) {
    this.library = library;
    this.files = files;
    this.clock = clock;
  }

  get server(): string {
    return this.files.server;
  }

  async credentials(): Promise<Credentials> {
    const { headers, tls } = await this.files.credentials();
    const { beyond } = this.files;
    const given =
      beyond?.program === undefined && beyond?.provider === undefined
        ? undefined
        : await this.given(beyond, tls);
    const whole = {
      headers: { ...given?.headers, ...headers },
      tls: { ...tls, ...given?.pair },
    };
    const proxy = beyond?.proxy === undefined ? undefined : await this.through(beyond.proxy, whole);
    return { ...whole, proxy };
  }

  /** Whoever gave what was refused is asked again. */
  async renew(): Promise<void> {
    await this.files.renew();
    this.user = undefined;
  }

  private async given(beyond: Beyond, tls: ClientTls): Promise<Given> {
    const stopped = new AbortController();
    const late = this.clock.sleep(programMs, stopped.signal).then((): RequestOptions => {
      if (stopped.signal.aborted) return {};
      throw new Error(`nothing came for ${programMs / 1_000} s`);
    });
    const asked = await Promise.race([this.ask(beyond, tls), late])
      .catch((cause: unknown) => {
        throw failed(beyond, whyOf(cause), cause);
      })
      .finally(() => stopped.abort());
    const [cert, key] = [pem(asked.cert), pem(asked.key)];
    checkPair({ cert, key });
    const headers = headersOf(asked.headers);
    const pair = cert === undefined || key === undefined ? undefined : { cert, key };
    if (pair === undefined && headers['authorization'] === undefined) {
      throw failed(beyond, 'it gave neither a token nor a certificate', undefined);
    }
    return { headers, pair };
  }

  private ask(beyond: Beyond, tls: ClientTls): Promise<RequestOptions> {
    const user = (this.user ??= this.configOf({}, userOf(beyond, { server: this.server, tls })));
    const ask = async (): Promise<RequestOptions> => {
      const asked: RequestOptions = {};
      await user.applyToHTTPSOptions(asked);
      return asked;
    };
    return (this.asking ??= ask().finally(() => (this.asking = undefined)));
  }

  /** The library's own remembers one for each user, whatever certificate came since: it is asked for a new one. */
  private async through(at: string, { tls }: Pick<Credentials, 'tls'>): Promise<Proxy> {
    const made = JSON.stringify([at, this.server, tls]);
    if (this.proxy?.made === made) return this.proxy.proxy;
    const config = this.configOf(
      {
        proxyUrl: at,
        ...(tls.ca === undefined ? {} : { caData: base64(tls.ca) }),
        ...(tls.servername === undefined ? {} : { tlsServerName: tls.servername }),
        skipTLSVerify: tls.verify === false,
      },
      {
        ...(tls.cert === undefined ? {} : { certData: base64(tls.cert) }),
        ...(tls.key === undefined ? {} : { keyData: base64(tls.key) }),
      },
    );
    const asked: RequestOptions = {};
    await config.applyToHTTPSOptions(asked);
    const { agent } = asked;
    if (typeof agent !== 'object') throw new TypeError('The client library made no agent');
    const proxy = { agent, at: withoutPassword(at) };
    this.proxy = { made, proxy };
    return proxy;
  }

  private configOf(cluster: object, user: object): KubeConfig {
    const config = new this.library.KubeConfig();
    const { server } = this;
    config.loadFromClusterAndUser(
      // An API without TLS is told from one whose certificate is not looked at by nothing else.
      { name: 'cluster', server, skipTLSVerify: server.startsWith('http:'), ...cluster },
      { name: 'user', ...user },
    );
    return config;
  }
}

interface Given {
  readonly headers: Readonly<Record<string, string>>;
  readonly pair: { readonly cert: string; readonly key: string } | undefined;
}

function userOf(
  { program, provider }: Beyond,
  cluster: { readonly server: string; readonly tls: ClientTls },
): object {
  if (program === undefined) return { authProvider: provider };
  const { command, args, env } = program;
  const info = { name: 'KUBERNETES_EXEC_INFO', value: infoFor(program, cluster) };
  return { exec: { command, args, env: [...env, info] } };
}

/** What a credential program is told of who asks, as kubectl tells it. */
function infoFor(
  { apiVersion, provideClusterInfo }: CredentialProgram,
  { server, tls }: { readonly server: string; readonly tls: ClientTls },
): string {
  const cluster = {
    server,
    'tls-server-name': tls.servername,
    'insecure-skip-tls-verify': tls.verify === false ? true : undefined,
    'certificate-authority-data': tls.ca === undefined ? undefined : base64(tls.ca),
  };
  const spec = { interactive: false, ...(provideClusterInfo ? { cluster } : {}) };
  return JSON.stringify({ apiVersion, kind: 'ExecCredential', spec });
}

function whyOf(cause: unknown): string {
  // What it prints is read without being looked at first: these come of anything but an ExecCredential.
  if (cause instanceof SyntaxError || cause instanceof TypeError) {
    return 'what it printed is no ExecCredential';
  }
  const isMissing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
  if (isMissing) return 'there is no such program';
  return messageOf(cause).trim().slice(0, maxWhy) || 'it failed, and said nothing';
}

/** Enough of what a program says when it fails. */
const maxWhy = 1_000;

function failed({ program }: Beyond, why: string, cause: unknown): ClusterError {
  const who = program === undefined ? 'the auth-provider' : `the program ${program.command}`;
  const { installHint } = program ?? {};
  return new ClusterError('CREDENTIALS_FAILED', `Cannot prove who asks, by ${who}: ${why}`, {
    cause,
    remedy: [
      ...(installHint === undefined ? [] : [installHint]),
      'Run the program that the kubeconfig names by hand, or log in again',
    ].join('. '),
  });
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

function base64(text: string): string {
  return Buffer.from(text).toString('base64');
}

function withoutPassword(at: string): string {
  if (!URL.canParse(at)) return at;
  const url = new URL(at);
  url.username = '';
  url.password = '';
  return url.href.replace(/\/$/, '');
}
