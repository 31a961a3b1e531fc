/**
 * Who is reached where: by address, the frontends that claim it. Found with the Flow's own address as key, so a
 * look-up builds no string; NodePorts, which have no address, are found by family, protocol and port.
 */
import type { IpFamily } from './address.ts';
import type { BucketMap, Change } from './bucket-map.ts';
import type { Frontend, Protocol, VirtualServer } from './service-port.ts';

/** One frontend of one VirtualServer. */
export interface Claim {
  readonly protocol: Protocol;
  readonly port: number;
  readonly server: VirtualServer;
  readonly frontend: Frontend;
  /** The next claim of the same key. A list and not an array: nearly every key has one claim, found at once. */
  readonly next: Claim | undefined;
}

/** Claims of one key, by id of their VirtualServer: of several to one port the first has it. */
export type FrontendIndex = BucketMap<Claim>;

/** Where a frontend stands in the index. */
function indexKey({ ref }: VirtualServer, { address, port }: Frontend): string {
  return address ?? nodePortKey(ref.protocol, ref.family, port);
}

export function nodePortKey(protocol: Protocol, family: IpFamily, port: number): string {
  return `nodePort ${protocol}/${family}:${port}`;
}

/** The claim that has the port among those of one key. */
export function winner(
  claims: Claim | undefined,
  protocol: Protocol,
  port: number,
): Claim | undefined {
  let claim = claims;
  while (claim !== undefined && (claim.port !== port || claim.protocol !== protocol)) {
    claim = claim.next;
  }
  return claim;
}

/** The claims of one key in their order. */
export function claimsOf(first: Claim | undefined): readonly Claim[] {
  const claims: Claim[] = [];
  for (let claim = first; claim !== undefined; claim = claim.next) claims.push(claim);
  return claims;
}

/** Every VirtualServer that claims what this frontend claims, itself included, the one that has it first. */
export function claimantsOf(
  index: FrontendIndex,
  server: VirtualServer,
  frontend: Frontend,
): readonly VirtualServer[] {
  const claims = claimsOf(index.get(indexKey(server, frontend)));
  const { protocol } = server.ref;
  const same = claims.filter((c) => c.port === frontend.port && c.protocol === protocol);
  return [...new Set(same.map((claim) => claim.server))];
}

type Loose = Omit<Claim, 'next'>;

/** The changes to the index when some VirtualServers go and others come. */
export function indexChanges(
  index: FrontendIndex,
  gone: readonly VirtualServer[],
  come: readonly VirtualServer[],
): Change<Claim>[] {
  const changed = new Map<string, readonly Loose[]>();
  const claimsAt = (key: string): readonly Loose[] => changed.get(key) ?? claimsOf(index.get(key));
  for (const server of gone) {
    for (const key of new Set(server.frontends.map((f) => indexKey(server, f)))) {
      changed.set(
        key,
        claimsAt(key).filter((claim) => claim.server.id !== server.id),
      );
    }
  }
  for (const server of come) {
    const { protocol } = server.ref;
    for (const frontend of server.frontends) {
      const key = indexKey(server, frontend);
      changed.set(key, [...claimsAt(key), { protocol, port: frontend.port, server, frontend }]);
    }
  }
  return [...changed].map(([key, claims]) => [key, link(claims.toSorted(byServer))]);
}

function link(claims: readonly Loose[]): Claim | undefined {
  return claims.reduceRight<Claim | undefined>(
    (next, { protocol, port, server, frontend }) => ({ protocol, port, server, frontend, next }),
    undefined,
  );
}

function byServer(a: Loose, b: Loose): number {
  if (a.server.id === b.server.id) return 0;
  return a.server.id < b.server.id ? -1 : 1;
}
