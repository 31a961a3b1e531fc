/** The embedded Kubernetes API as a component: its certificates, its port, its kubeconfig. */
import { join } from 'node:path';
import type { Clock, SocketAddress } from '../model/index.ts';
import { formatSocketAddress } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import type { ObjectRegistry } from '../registry/index.ts';
import { writeTextAtomically } from '../sys/index.ts';
import {
  HttpError,
  serveSecurely,
  type HttpHandler,
  type SecureServer,
} from '../sys/http/index.ts';
import { Access, makeFirstRoles, type Authorization } from './access/index.ts';
import { failureAnswer } from './answers.ts';
import type { ApiContext, LogSource } from './context.ts';
import { loadCredentials, type Credentials } from './credentials.ts';
import { createGuard } from './guard.ts';
import { formatKubeconfig } from './kubeconfig.ts';
import { Lists } from './lists.ts';
import { Usage } from './metrics.ts';
import { publishOwnService } from './own-service.ts';
import { route } from './router.ts';
import { asApiError } from './status.ts';

export interface ApiServerOptions {
  readonly registry: ObjectRegistry;
  readonly address: string;
  /** The first that is free; 0 is any. */
  readonly ports: readonly number[];
  /** The instance's own: certificates, token and kubeconfig are kept in it. */
  readonly folder: string;
  readonly instance: string;
  /** Where the Service `kubernetes` gets its address: the first of the range. */
  readonly clusterIp: string;
  /** A second place for the kubeconfig. */
  readonly kubeconfigOut: string | undefined;
  /** `always-allow` when undefined. */
  readonly authorization?: Authorization | undefined;
  readonly version: string;
  readonly logs: LogSource | undefined;
  readonly clock: Clock;
  readonly newUid: () => string;
  readonly log: Logger;
  /** The usual ones when undefined. */
  readonly limits?: Partial<ApiLimits> | undefined;
}

export interface ApiLimits {
  readonly connections: number;
  readonly watches: number;
  readonly bodyBytes: number;
}

export interface ApiServer extends Component {
  /** Undefined before it serves. */
  address(): SocketAddress | undefined;
  /** The file a client is given. */
  readonly kubeconfig: string;
}

const usualLimits: ApiLimits = { connections: 2_048, watches: 4_096, bodyBytes: 3 << 20 };

export function createApiServer(options: ApiServerOptions): ApiServer {
  const { folder, instance, kubeconfigOut, log } = options;
  const own = join(folder, 'kubeconfig');
  let server: SecureServer | undefined;
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  const start = async (): Promise<void> => {
    // `kubernetes` and its longer names lead here from within the cluster.
    const hosts = ['localhost', '127.0.0.1', '::1', options.clusterIp, ...kubernetesNames];
    if (options.authorization === 'rbac') await makeFirstRoles(options.registry);
    const credentials = await loadCredentials({ folder, hosts, nowMs: options.clock.now() });
    server = await listen(options, credentials, handlerOf(options, credentials, hosts));
    const url = `https://${formatSocketAddress(server.address)}`;
    const text = formatKubeconfig({ server: url, name: instance, credentials });
    for (const path of [own, ...(kubeconfigOut === undefined ? [] : [kubeconfigOut])]) {
      await writeTextAtomically(path, text, 0o600);
    }
    const { registry: client, clusterIp } = options;
    const detail = await publishOwnService({ client, clusterIp, listener: server.address });
    status = { state: 'ready', detail };
    log.debug('Serving the Kubernetes API', { url });
  };
  const stop = async (): Promise<void> => {
    await server?.close();
    status = { state: 'stopped', detail: undefined };
  };
  return {
    name: 'apiserver',
    kubeconfig: kubeconfigOut ?? own,
    address: () => server?.address,
    start: async () => {
      try {
        await start();
      } catch (thrown) {
        await stop();
        throw thrown;
      }
    },
    stop,
    status: () => status,
  };
}

const kubernetesNames = [
  'kubernetes',
  'kubernetes.default',
  'kubernetes.default.svc',
  'kubernetes.default.svc.cluster.local',
];

function handlerOf(
  options: ApiServerOptions,
  { token }: Credentials,
  hosts: readonly string[],
): HttpHandler {
  const { registry, clock, newUid, log, logs, version, authorization = 'always-allow' } = options;
  const guard = createGuard(hosts);
  const context: ApiContext = {
    registry,
    access: new Access({ client: registry, clock, token, authorization }),
    lists: new Lists(registry),
    clock,
    newUid,
    log,
    logs,
    usage: new Usage(),
    maxWatches: { ...usualLimits, ...options.limits }.watches,
    version,
  };
  return async (request) => {
    try {
      guard(request);
    } catch (thrown) {
      return failureAnswer(asApiError(thrown));
    }
    return await route(request, context);
  };
}

async function listen(
  { address, ports, log, limits }: ApiServerOptions,
  { key, cert }: Credentials,
  handler: HttpHandler,
): Promise<SecureServer> {
  const failed = (error: unknown): void => log.error('A request failed', { error });
  const { connections: maxConnections, bodyBytes: maxBodyBytes } = { ...usualLimits, ...limits };
  const common = { key, cert, maxConnections, maxBodyBytes, failed };
  let last: unknown;
  for (const port of ports) {
    try {
      return await serveSecurely({ ...common, address: { address, port } }, handler);
    } catch (thrown) {
      if (!(thrown instanceof HttpError) || thrown.code !== 'HTTP_IN_USE') throw thrown;
      last = thrown;
    }
  }
  throw last;
}
