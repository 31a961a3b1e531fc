/** A gateway with real sockets for tests: backends of plain Node, a round-robin router, raw clients. */
import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, createServer as createTcpServer, type Socket } from 'node:net';
import test, { type TestContext } from 'node:test';
import type { SocketAddress } from '../model/index.ts';
import { silentLogger } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import { createEngine, type StreamEngine } from '../sys/net/index.ts';
import { defaultBounds, defaultPolicy } from './bounds.ts';
import { createGateway, type Gateway, type GatewayOptions } from './gateway.ts';
import type {
  GatewayPort,
  Outcome,
  RequestFacts,
  RequestPolicy,
  RequestRouter,
  RoutedEndpoint,
} from './router.ts';

const testHost = '127.0.87.1';

export async function engineOf(name: 'portable' | 'epoll'): Promise<StreamEngine> {
  return (await createEngine({ prefer: name })).engine;
}

/** Registers one check, for the engine whose turn it is. */
export type Check = (
  what: string,
  run: (t: TestContext, engine: StreamEngine) => Promise<void>,
) => void;

/** Registers the checks of each group once with every engine; what the host has no engine for is skipped by name. */
export async function onEveryEngine(...groups: readonly ((check: Check) => void)[]): Promise<void> {
  for (const name of ['portable', 'epoll'] as const) {
    const engine = await engineOf(name).catch(() => undefined);
    const check: Check = (what, run) =>
      void test(
        `${name}: ${what}`,
        { timeout: 30_000, skip: engine === undefined && 'there is no epoll' },
        (t) => (engine === undefined ? Promise.resolve() : run(t, engine)),
      );
    for (const group of groups) group(check);
  }
}

export interface TestRouter extends RequestRouter {
  endpoints: readonly RoutedEndpoint[];
  policy: RequestPolicy;
  readonly outcomes: (Outcome & { readonly key: string })[];
  readonly seen: { readonly authority: string; readonly path: string; readonly client: string }[];
  addToResponse: readonly (readonly [string, string])[];
}

/** In turn, past those that failed the request. */
export function roundRobin(endpoints: readonly RoutedEndpoint[]): TestRouter {
  let turn = 0;
  const router: TestRouter = {
    endpoints,
    policy: defaultPolicy,
    outcomes: [],
    seen: [],
    addToResponse: [],
    route: (request: RequestFacts) => {
      const { authority, path, client } = request;
      router.seen.push({ authority, path, client: client.address });
      const usable = router.endpoints.filter(({ key }) => !request.tried.includes(key));
      const endpoint = usable[turn++ % Math.max(usable.length, 1)];
      if (endpoint === undefined) {
        return { kind: 'refuse', status: 503, reason: 'there is no endpoint' };
      }
      return {
        kind: 'forward',
        endpoint,
        addToResponse: router.addToResponse,
        policy: router.policy,
        ended: (outcome) => void router.outcomes.push({ ...outcome, key: endpoint.key }),
      };
    },
  };
  return router;
}

export function endpointAt({ address, port }: SocketAddress): RoutedEndpoint {
  const key = `${address}:${port}`;
  return { key, address, port, protocol: 'http/1.1', proxyProtocol: 'none' };
}

export async function startBackend(
  t: TestContext,
  listener: RequestListener,
): Promise<{ readonly server: Server; readonly endpoint: RoutedEndpoint }> {
  const server = createServer(listener);
  server.listen(0, testHost);
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { server, endpoint: endpointAt(addressOf(server)) };
}

/** A backend that speaks bytes. */
export async function startRawBackend(
  t: TestContext,
  onSocket: (socket: Socket) => void,
): Promise<RoutedEndpoint> {
  const server = createTcpServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    t.after(() => socket.destroy());
    onSocket(socket);
  });
  server.listen(0, testHost);
  await once(server, 'listening');
  t.after(() => server.close());
  return endpointAt(addressOf(server));
}

function addressOf(server: { address(): unknown }): SocketAddress {
  return server.address() as SocketAddress;
}

export interface TestGateway {
  readonly gateway: Gateway;
  readonly address: SocketAddress;
  readonly port: GatewayPort;
}

export async function startGateway(
  t: TestContext,
  engine: StreamEngine,
  {
    options,
    ...given
  }: Partial<GatewayPort> &
    Pick<GatewayPort, 'router'> & { readonly options?: Partial<GatewayOptions> },
): Promise<TestGateway> {
  const gateway = createGateway({
    engine,
    clock: systemClock,
    random: Math.random,
    log: silentLogger,
    address: testHost,
    accessLogShare: 0,
    maxEndpointConnections: 1024,
    maxWaiting: 4096,
    ...options,
  });
  t.after(() => gateway.stop(AbortSignal.abort(), 0));
  const port: GatewayPort = {
    id: 'default/web:http/TCP/IPv4',
    tls: undefined,
    http2: true,
    bounds: defaultBounds,
    acceptProxyProtocol: false,
    trustedProxies: [],
    ...given,
  };
  const address = await gateway.serve(port);
  return { gateway, address, port };
}

/** Sends bytes and collects what comes until the other side ends or `until` is in it. */
export async function exchangeRaw(
  to: SocketAddress,
  bytes: string | Uint8Array,
  until?: RegExp,
  /** Nothing more is said after the bytes. */
  ends = false,
): Promise<string> {
  const socket = connect({ host: to.address, port: to.port, allowHalfOpen: true });
  socket.on('error', () => undefined);
  let text = '';
  socket.setEncoding('latin1');
  const done = new Promise<void>((resolve) => {
    socket.on('data', (piece: string) => {
      text += piece;
      if (until?.test(text) === true) resolve();
    });
    socket.on('close', () => resolve());
    socket.on('end', () => resolve());
    socket.setTimeout(8000, resolve);
  });
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes);
  if (ends) socket.end();
  await done;
  socket.destroy();
  return text;
}
