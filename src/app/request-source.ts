/** Answers `explain request`: finds the Service behind a URL, lets its router decide, and sends it when asked to. */
import type { RequestSource } from '../control/index.ts';
import { explainRequest } from '../explain/index.ts';
import { serverForHost, type ServiceGateway } from '../gateway/index.ts';
import {
  endpointKey,
  findFrontend,
  hostOf,
  parseIp,
  type Clock,
  type Endpoint,
  type Flow,
  type HttpRequest,
  type SocketAddress,
  type VirtualServer,
} from '../model/index.ts';
import type { Applied } from '../plan/index.ts';
import { tryHttp } from '../sys/net/index.ts';

export interface RequestSourceOptions {
  readonly gateway: Pick<ServiceGateway, 'routerOf' | 'lackOf' | 'watch'>;
  readonly applied: () => Applied;
  readonly clock: Clock;
}

type Question = Parameters<RequestSource['explain']>[0];
type Answer = NonNullable<Awaited<ReturnType<RequestSource['explain']>>['answer']>;

const timeoutMs = 30_000;
/** Where requests of this host come from. */
const client = '127.0.0.1';
const anyPort = 40_000;

export function createRequestSource(options: RequestSourceOptions): RequestSource {
  const { gateway, applied } = options;
  return {
    explain: async (question) => {
      const url = new URL(question.url);
      const destination = destinationOf(applied(), url);
      const flow: Flow | undefined =
        destination === undefined
          ? undefined
          : {
              protocol: 'TCP',
              source: client,
              sourcePort: anyPort,
              destination: destination.address,
              destinationPort: destination.port,
              entry: 'node',
            };
      const { plan } = applied();
      const world = {
        plan,
        routerOf: (id: string) => gateway.routerOf(id),
        lackOf: (id: string) => gateway.lackOf(id),
      };
      const request = requestOf(url, question);
      const explanation = explainRequest(world, { url: question.url, request, flow });
      const answer =
        question.real && destination !== undefined
          ? await send(question, destination, options)
          : undefined;
      return { explanation, answer };
    },
    probe: async (server, at) => {
      const tried = await tryAt(gateway, server, { at, method: 'GET', path: '/', headers: {} });
      return { endpoint: tried.endpoint, source: client, status: tried.status };
    },
  };
}

function requestOf(url: URL, { method, headers }: Question): HttpRequest {
  const named = new Map<string, string>();
  for (const [name, value] of headers) {
    const before = named.get(name);
    const separator = name === 'cookie' ? '; ' : ', ';
    named.set(name, before === undefined ? value : `${before}${separator}${value}`);
  }
  return {
    method,
    authority: named.get('host') ?? url.host,
    path: `${url.pathname}${url.search}`,
    header: (name) => named.get(name),
    client: { address: client },
  };
}

/** The frontend that a URL means, as its Service declares it. */
function destinationOf({ plan, report }: Applied, url: URL): SocketAddress | undefined {
  const port = url.port === '' ? 80 : Number(url.port);
  const host = url.hostname.replace(/^\[|\]$/g, '');
  if (parseIp(host) !== undefined) {
    const standIn = report.standIns.find(
      ({ address }) => address.address === host && address.port === port,
    );
    const { address = host, port: declared } = standIn?.frontend ?? { port };
    return findFrontend(plan, 'TCP', address, declared) === undefined
      ? undefined
      : { address, port: declared };
  }
  const byHost = serverForHost(plan, hostOf(url.host));
  if (byHost !== undefined) return clusterAddress(byHost, undefined);
  const [name, namespace = 'default', ...rest] = host.toLowerCase().split('.');
  if (rest.length > 0 && rest[0] !== 'svc') return undefined;
  const named = [...plan.servers.values()].filter(
    ({ ref }) => ref.name === name && ref.namespace === namespace && ref.protocol === 'TCP',
  );
  for (const server of named) {
    const at = clusterAddress(server, port);
    if (at !== undefined) return at;
  }
  return undefined;
}

function clusterAddress(
  server: VirtualServer,
  port: number | undefined,
): SocketAddress | undefined {
  const all = server.frontends.filter((each) => port === undefined || each.port === port);
  // A gateway of its own serves at no address of the Service's.
  const frontend = all.find(({ kind }) => kind === 'clusterIP') ?? all[0];
  return frontend?.address === undefined
    ? undefined
    : { address: frontend.address, port: frontend.port };
}

/** Through the Service, as any client. */
async function send(
  question: Question,
  declared: SocketAddress,
  { gateway, applied, clock }: RequestSourceOptions,
): Promise<Answer> {
  const { plan, report } = applied();
  const server = findFrontend(plan, 'TCP', declared.address, declared.port)?.server;
  const url = new URL(question.url);
  const startedMs = clock.monotonic();
  const { status, setCookie, endpoint } = await tryAt(gateway, server?.id ?? '', {
    at: reachedAt(report, declared),
    method: question.method,
    path: `${url.pathname}${url.search}`,
    headers: { host: url.host, ...Object.fromEntries(question.headers) },
  });
  return {
    status,
    endpoint: endpoint === undefined ? undefined : endpointKey(endpoint),
    pod: endpoint?.pod,
    setCookie,
    tookMs: clock.monotonic() - startedMs,
  };
}

interface Tried {
  readonly status: number;
  readonly setCookie: readonly string[];
  /** Whom the gateway chose for the request; undefined when it carried none. */
  readonly endpoint: Endpoint | undefined;
}

async function tryAt(
  gateway: RequestSourceOptions['gateway'],
  server: string,
  wanted: Omit<Parameters<typeof tryHttp>[0], 'timeoutMs'>,
): Promise<Tried> {
  const chosen = new Map<number, Endpoint>();
  const unwatch = gateway.watch(server, (from, endpoint) => chosen.set(from.port, endpoint));
  try {
    const { status, setCookie, localPort } = await tryHttp({ ...wanted, timeoutMs });
    return { status, setCookie, endpoint: chosen.get(localPort) };
  } finally {
    unwatch();
  }
}

function reachedAt({ standIns }: Applied['report'], declared: SocketAddress): SocketAddress {
  const standIn = standIns.find(
    ({ frontend }) => frontend.address === declared.address && frontend.port === declared.port,
  );
  return standIn?.address ?? declared;
}
