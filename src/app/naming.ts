/** Names on this machine: the name server, and the door for clients that do not ask it. */
import { createDnsHome, type DnsHome, type UpstreamSource } from '../dns/index.ts';
import { createDoor, type Door } from '../door/index.ts';
import type { Logger } from '../obs/index.ts';
import type { EnginePreference } from '../sys/net/index.ts';
import type { AddressBlock } from './address-block.ts';
import type { ControllerParts } from './controllers.ts';
import type { Forwarding } from './forwarding.ts';

export interface NamingParts extends ControllerParts {
  readonly upstreams: UpstreamSource;
  readonly engine: EnginePreference;
  readonly block: AddressBlock;
  readonly forwarding: Pick<Forwarding, 'reach'>;
  readonly log: Logger;
}

const loopback = ['127.0.0.1', '::1'] as const;

/** Names on loopback; ports that need no privilege, the first free one. */
const nameServer = {
  ports: [5353, 5354, 5355, 5356, 0],
  lameduckMs: 0,
  logEvery: 0,
} as const;
const doorAt = { address: '127.0.0.1', ports: [1080, 1081, 1082, 1083, 0] } as const;

export function createNaming({ upstreams, block, forwarding, log, ...common }: NamingParts): {
  readonly names: DnsHome;
  readonly door: Door;
} {
  const names = createDnsHome({
    ...common,
    ...nameServer,
    address: block.ownAddress,
    alsoAt: loopback.filter((at) => at !== block.ownAddress),
    upstreams,
    serviceRange: block.serviceRange,
    log,
  });
  const door = createDoor({
    ...doorAt,
    log: log.child({ component: 'door' }),
    resolve: (host) => names.lookup(host, 'default'),
    reach: (declared) => forwarding.reach(declared),
  });
  return { names, door };
}
