/** Which certificates ports serve: that of a ServicePort is in a Secret of its namespace. */
import type { VirtualServer } from '../model/index.ts';
import type { GatewayTls, TlsIdentity } from './router.ts';

/** `namespace/name` of the Secret; undefined: no TLS. */
export function secretOf({ ref, perRequest }: VirtualServer): string | undefined {
  const tlsSecret = perRequest?.tlsSecret;
  return tlsSecret === undefined ? undefined : `${ref.namespace}/${tlsSecret}`;
}

/** TLS with what a Secret holds whenever a client comes; none when there is no Secret. */
export function tlsOf(
  secret: string | undefined,
  identity: (secret: string) => TlsIdentity | undefined,
): GatewayTls | undefined {
  if (secret === undefined) return undefined;
  return {
    identities: () => {
      const found = identity(secret);
      return found === undefined ? [] : [found];
    },
  };
}

/** Of all Services that end TLS here, for a port they share: the name that a client asks for tells them apart. */
export function identitiesOf(
  servers: Iterable<VirtualServer>,
  identity: (secret: string) => TlsIdentity | undefined,
): readonly TlsIdentity[] {
  const names = new Set<string>();
  for (const server of servers) {
    const secret = secretOf(server);
    if (secret !== undefined) names.add(secret);
  }
  return [...names].flatMap((name) => identity(name) ?? []);
}
