/** How the ports of the gateway are called: a ServicePort's, for each of its pools, and those that all Services share. */
import type { PoolName } from '../model/index.ts';

/** Told apart by the name that is asked for. No ServicePort's id is like these. */
export const byName = { plain: 'by-name', tls: 'by-name tls' } as const;

/** A ServicePort has a port of the gateway for each of its pools: the policy is decided before HTTP. */
export function portId(id: string, pool: PoolName): string {
  return pool === 'cluster' ? id : `${id} local`;
}
