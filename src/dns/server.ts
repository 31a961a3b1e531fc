/**
 * The name server: follows the objects, answers for the zone from what it saw last, and sends everything else
 * elsewhere.
 */
import { scanQuery, formatType } from '../codec/dns/index.ts';
import {
  createReflector,
  endpointSliceKind,
  namespaceKind,
  podKind,
  serviceKind,
  type Kind,
  type KubeObject,
  type ObjectClient,
} from '../kube/index.ts';
import {
  formatSocketAddress,
  type Clock,
  type Random,
  type SocketAddress,
} from '../model/index.ts';
import type { Component, ComponentStatus, Logger, MetricFamily } from '../obs/index.ts';
import { DnsCounters, type DnsCounts } from './counters.ts';
import { createDatagrams, NetError, type EnginePreference } from '../sys/net/index.ts';
import { dnsMetrics } from './metrics.ts';
import { listenDns, type DnsListeners, type ListenOptions } from './listeners.ts';
import { Responder, type Elsewhere } from './responder.ts';
import { MutableWorld, type World, type ZoneOptions } from './world.ts';

export interface DnsServerOptions {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  readonly zone: ZoneOptions;
  /** Where to listen, UDP and TCP. */
  readonly address: string;
  /** Where to listen besides, at the same port, as far as the host lets us. */
  readonly alsoAt?: readonly string[] | undefined;
  /** The first of them that is free is taken; 0 is any. */
  readonly ports: readonly number[];
  /** What carries datagrams; `auto` when undefined. */
  readonly engine?: EnginePreference | undefined;
  /** Answers what is outside of the zone; undefined: it is refused. */
  readonly elsewhere?: ((counters: DnsCounters) => Elsewhere & Partial<Component>) | undefined;
  /** Queries go on being answered for so long after `stop`, while clients learn to ask others. */
  readonly lameduckMs: number;
  /** One query in so many is logged; 0: none. */
  readonly logEvery: number;
}

export interface DnsServer extends Component {
  /** Where it answers; undefined before `start` and after `stop`. */
  address(): SocketAddress | undefined;
  /** All of them, the first is `address`. */
  addresses(): readonly SocketAddress[];
  counts(): DnsCounts;
  /** The same under CoreDNS' names, for whoever exposes metrics. */
  metrics(): readonly MetricFamily[];
  readonly world: World;
  /** Undefined when everything outside of the zone is refused. */
  readonly elsewhere: Elsewhere | undefined;
}

export function createDnsServer(options: DnsServerOptions): DnsServer {
  const { clock, lameduckMs, log } = options;
  const counters = new DnsCounters();
  const world = new MutableWorld(options.zone, () => clock.now());
  const elsewhere = options.elsewhere?.(counters);
  const responder = new Responder({ world, elsewhere, counters });
  const reflectors = followObjects(world, options);
  const answering = { responder, onQuery: queryLog(options), counters, clock };
  let open: DnsListeners | undefined;
  let besides: readonly DnsListeners[] = [];
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  let stopping: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    if (open !== undefined) await clock.sleep(lameduckMs);
    for (const listeners of [open, ...besides]) await listeners?.close();
    await Promise.all(reflectors.map((reflector) => reflector.stop()));
    await elsewhere?.stop?.();
    open = undefined;
    besides = [];
    status = { state: 'stopped', detail: undefined };
  };
  const stop = (): Promise<void> => (stopping ??= close());
  return {
    name: 'dns',
    world,
    elsewhere,
    start: async (signal) => {
      try {
        const openDatagrams = await createDatagrams({ prefer: options.engine ?? 'auto' });
        const listening = { ...answering, openDatagrams };
        open = await listenAtFirstFree(options, listening);
        besides = await listenBesides(options, open.address.port, listening);
        world.serverAddresses = [open, ...besides].map(({ address }) => address.address);
        await elsewhere?.start?.(signal);
        await Promise.all(reflectors.map((reflector) => reflector.start(signal)));
      } catch (thrown) {
        for (const listeners of [open, ...besides]) await listeners?.close();
        [open, besides] = [undefined, []];
        await stop();
        throw thrown;
      }
      status = { state: 'ready', detail: undefined };
      log.debug('Answering names', { at: formatSocketAddress(open.address) });
    },
    stop,
    status: () => {
      if (status.state !== 'ready') return status;
      const outside = elsewhere?.status?.() ?? status;
      if (outside.state !== 'ready') return outside;
      return {
        state: 'ready',
        detail: `${counters.total} queries, ${counters.forwards} asked upstream`,
      };
    },
    address: () => open?.address,
    addresses: () => [...(open === undefined ? [] : [open]), ...besides].map((l) => l.address),
    counts: () => counters.read(),
    metrics: () =>
      dnsMetrics({
        counters,
        server: open === undefined ? '' : `dns://${formatSocketAddress(open.address)}`,
        zone: `${options.zone.zone}.`,
        cacheEntries: elsewhere?.cacheEntries?.() ?? 0,
      }),
  };
}

async function listenAtFirstFree(
  { address, ports }: DnsServerOptions,
  options: ListenOptions,
): Promise<DnsListeners> {
  for (const [i, port] of ports.entries()) {
    try {
      return await listenDns({ address, port }, options);
    } catch (thrown) {
      const taken = thrown instanceof NetError && thrown.code === 'NET_ADDRESS_IN_USE';
      if (!taken || i === ports.length - 1) throw thrown;
    }
  }
  return listenDns({ address, port: 0 }, options);
}

async function listenBesides(
  { alsoAt = [], log }: DnsServerOptions,
  port: number,
  options: ListenOptions,
): Promise<readonly DnsListeners[]> {
  const opened: DnsListeners[] = [];
  for (const address of alsoAt) {
    try {
      opened.push(await listenDns({ address, port }, options));
    } catch (thrown) {
      if (!(thrown instanceof NetError)) throw thrown;
      log.debug('Not answering names at every address', { address, error: thrown });
    }
  }
  return opened;
}

function followObjects(world: MutableWorld, options: DnsServerOptions): readonly Component[] {
  const follow = <T extends KubeObject>(
    kind: Kind<T>,
    on: {
      readonly replace: (items: readonly T[]) => void;
      readonly set: (object: T) => void;
      readonly remove: (object: T) => void;
    },
  ): Component =>
    createReflector<T>({
      ...options,
      kind,
      options: {},
      onReplace: on.replace,
      onEvent: ({ type, object }) => (type === 'DELETED' ? on.remove(object) : on.set(object)),
    });
  return [
    follow(serviceKind, {
      replace: (items) => world.replaceServices(items),
      set: (service) => world.setService(service),
      remove: (service) => world.removeService(service),
    }),
    follow(endpointSliceKind, {
      replace: (items) => world.replaceSlices(items),
      set: (slice) => world.setSlice(slice),
      remove: (slice) => world.removeSlice(slice),
    }),
    follow(namespaceKind, {
      replace: (items) => world.replaceNamespaces(items),
      set: (namespace) => world.setNamespace(namespace),
      remove: (namespace) => world.removeNamespace(namespace),
    }),
    follow(podKind, {
      replace: (items) => world.replacePods(items),
      set: (pod) => world.setPod(pod),
      remove: (pod) => world.removePod(pod),
    }),
  ];
}

/** One line for one query in `logEvery`, so that a busy server's log stays readable. */
function queryLog({
  log,
  logEvery,
}: DnsServerOptions): (request: Uint8Array, from: SocketAddress) => void {
  if (logEvery === 0) return () => undefined;
  let seen = 0;
  return (request, from) => {
    if (seen++ % logEvery !== 0) return;
    const query = scanQuery(request);
    if (typeof query === 'string') {
      log.info('Query', { from: from.address, problem: query });
    } else {
      log.info('Query', { from: from.address, name: query.name, type: formatType(query.type) });
    }
  };
}
