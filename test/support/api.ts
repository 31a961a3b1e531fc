/** An API server over a store in memory, with the controllers a cluster has, and a client that speaks plain HTTPS. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request as httpsRequest, type RequestOptions } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  createApiServer,
  createFieldTracker,
  type ApiServerOptions,
  type Authorization,
  type LogSource,
} from '../../src/apiserver/index.ts';
import { createControllers } from '../../src/app/controllers.ts';
import { addressInRange, parseCidr } from '../../src/model/index.ts';
import { silentLogger, type Component, type Logger } from '../../src/obs/index.ts';
import { createRegistry, type ObjectRegistry } from '../../src/registry/index.ts';
import { createMemoryStore } from '../../src/store/index.ts';
import { systemClock } from '../../src/sys/index.ts';

export interface ApiReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly text: string;
}

export interface ApiRequest {
  readonly method?: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer | undefined;
  /** Called with each piece as it comes; the reply's text has them all. */
  readonly onText?: (text: string) => void;
  readonly signal?: AbortSignal;
}

export interface TestApi {
  readonly url: string;
  readonly folder: string;
  readonly kubeconfig: string;
  readonly token: string;
  readonly ca: string;
  readonly registry: ObjectRegistry;
  /** What was logged as an error. */
  readonly errors: readonly unknown[];
  request(request: ApiRequest): Promise<ApiReply>;
  stop(): Promise<void>;
}

export interface TestApiOptions {
  readonly controllers?: boolean;
  readonly historySize?: number;
  readonly allowLoopbackEndpoints?: boolean;
  readonly logs?: LogSource;
  readonly authorization?: Authorization;
  readonly limits?: ApiServerOptions['limits'];
  /** A second place for the kubeconfig. */
  readonly kubeconfigOut?: string;
  /** `10.96.0.0/12` when undefined. */
  readonly serviceRange?: string;
  /** Where it listens; any port when undefined. */
  readonly port?: number;
  /** Kept from an earlier one: the same token and certificates. */
  readonly folder?: string;
  /** Served instead of one of our own. */
  readonly registry?: ObjectRegistry;
}

export async function startApi(options: TestApiOptions = {}): Promise<TestApi> {
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'switchyard-api-'));
  const clock = systemClock;
  const serviceRange = parseCidr(options.serviceRange ?? '10.96.0.0/12')!;
  const errors: unknown[] = [];
  const log: Logger = {
    ...silentLogger,
    error: (message, fields) => errors.push({ message, ...fields }),
  };
  const registry =
    options.registry ??
    createRegistry({
      store: createMemoryStore({ clock, newUid: randomUUID, historySize: options.historySize }),
      random: Math.random,
      serviceRange,
      allowLoopbackEndpoints: options.allowLoopbackEndpoints ?? true,
      trackFields: createFieldTracker(clock),
    });
  const server = createApiServer({
    registry,
    address: '127.0.0.1',
    ports: [options.port ?? 0],
    folder,
    instance: 'test',
    clusterIp: addressInRange(serviceRange, 1),
    kubeconfigOut: options.kubeconfigOut,
    limits: options.limits,
    version: '0.0.0',
    logs: options.logs,
    authorization: options.authorization,
    clock,
    newUid: randomUUID,
    log,
  });
  const common = { client: registry, clock, random: Math.random };
  const components: readonly Component[] = [
    server,
    ...(options.controllers === true ? createControllers(common, () => silentLogger) : []),
  ];
  for (const component of components) await component.start(new AbortController().signal);
  const port = server.address()?.port ?? 0;
  const ca = readFileSync(join(folder, 'api', 'ca.crt'), 'utf8');
  const token = readFileSync(join(folder, 'api', 'token'), 'utf8');
  const agent = new Agent({ keepAlive: true, ca, maxSockets: 64 });
  return {
    url: `https://127.0.0.1:${port}`,
    folder,
    kubeconfig: server.kubeconfig,
    token,
    ca,
    registry,
    errors,
    request: (asked) => send({ agent, port, host: '127.0.0.1' }, asked, token),
    stop: async () => {
      agent.destroy();
      for (const component of components.toReversed()) await component.stop();
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}

function send(to: RequestOptions, asked: ApiRequest, token: string): Promise<ApiReply> {
  const { method = 'GET', path, headers = {}, body, onText, signal } = asked;
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        ...to,
        // The certificate is of the server, whatever Host the request says.
        servername: 'localhost',
        method,
        path,
        headers: {
          authorization: `Bearer ${token}`,
          // Node's client says no length of a DELETE's body by itself.
          ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
          ...headers,
        },
        ...(signal === undefined ? {} : { signal }),
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (piece: string) => {
          text += piece;
          onText?.(piece);
        });
        response.once('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
        response.once('error', reject);
      },
    );
    request.once('error', reject);
    request.end(body);
  });
}
