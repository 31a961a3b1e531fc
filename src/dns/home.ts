/**
 * Everything names need, joined: the server, those it asks for the rest of the world, and its own Service. The
 * objects may be anybody's: `up` gives its own, `switchyard dns` those of a cluster.
 */
import type { ObjectClient } from '../kube/index.ts';
import type { Cidr, Clock, Random, SocketAddress } from '../model/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import type { EnginePreference } from '../sys/net/index.ts';
import { explainName, type NameExplanation, type NameQuestion } from './explain-name.ts';
import { createResolvConfFollower } from './forward/follow-resolv-conf.ts';
import { Forwarder } from './forward/forwarder.ts';
import { hostAddresses } from './host-addresses.ts';
import { createNameService } from './name-service.ts';
import { createDnsServer, type DnsServer } from './server.ts';
import { defaultZone, type ZoneOptions } from './world.ts';

/** Who answers for names outside of the zone. */
export type UpstreamSource =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'given'; readonly servers: readonly SocketAddress[] }
  /** The text of a resolv.conf, read again while it serves. */
  | { readonly kind: 'resolv-conf'; readonly read: () => Promise<string> };

export interface DnsHomeOptions {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** `cluster.local` when undefined. */
  readonly zone?: ZoneOptions | undefined;
  readonly address: string;
  readonly alsoAt: readonly string[];
  /** The first of them that is free is taken; 0 is any. */
  readonly ports: readonly number[];
  /** What carries datagrams; `auto` when undefined. */
  readonly engine?: EnginePreference | undefined;
  readonly lameduckMs: number;
  /** One query in so many is logged; 0: none. */
  readonly logEvery: number;
  readonly upstreams: UpstreamSource;
  /** Where the Service `kube-dns` gets its address; undefined: the cluster has one already. */
  readonly serviceRange: Cidr | undefined;
}

export interface DnsHome {
  readonly dns: DnsServer;
  /** In the order they start. */
  readonly components: readonly Component[];
  /** What a client in the namespace finds behind a host's name, best first; none when there is nothing. */
  lookup(host: string, namespace: string): Promise<readonly string[]>;
  /** What a client would get for a name now, and why. Never rejects. */
  explain(question: NameQuestion): Promise<NameExplanation>;
}

const forwarding = { policy: 'random', tryMs: 2_000, totalMs: 5_000 } as const;
const resolvConfEveryMs = 5_000;

export function createDnsHome(options: DnsHomeOptions): DnsHome {
  const { client, upstreams, serviceRange, zone = defaultZone } = options;
  const logOf = (component: string): Logger => options.log.child({ component });
  let forwarder: Forwarder | undefined;
  const dns = createDnsServer({
    ...options,
    zone,
    log: logOf('dns'),
    elsewhere:
      upstreams.kind === 'nobody'
        ? undefined
        : (counters) =>
            (forwarder = new Forwarder({
              ...options,
              ...forwarding,
              counters,
              servers: upstreams.kind === 'given' ? upstreams.servers : [],
              log: logOf('forward'),
            })),
  });
  const follower =
    upstreams.kind === 'resolv-conf'
      ? createResolvConfFollower({
          ...options,
          read: upstreams.read,
          everyMs: resolvConfEveryMs,
          onServers: (servers) => forwarder?.setServers(servers),
          log: logOf('resolv-conf'),
        })
      : undefined;
  const service =
    serviceRange === undefined
      ? undefined
      : createNameService({
          client,
          serviceRange,
          listener: () => dns.address(),
          log: logOf('dns'),
        });
  return {
    dns,
    components: [follower, dns, service].filter((part) => part !== undefined),
    lookup: (host, namespace) => hostAddresses(host, { ...dns, namespace }),
    explain: (question) => explainName(question, dns),
  };
}
