/** Spreads of Services that are only names: what a client gets that resolves, chooses an address and connects. */
import type { ControlSource } from '../control/index.ts';

export interface NameClient {
  readonly source: ControlSource;
  /** The addresses behind a host name. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
}

export interface NameTarget {
  readonly host: string;
  readonly port: number;
  readonly requests: number;
}

/** Requests each Pod answered. The client takes the addresses in turn, each time on a new connection. */
export async function countByName(
  { source, lookup }: NameClient,
  { host, port, requests }: NameTarget,
): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  for (let i = 0; i < requests; i++) {
    const addresses = await lookup(host);
    const address = addresses[i % addresses.length];
    if (address === undefined) break;
    const at = reachedAt(source, `${address}:${port}`);
    const answer = await fetch(`http://${at}/`, { headers: { connection: 'close' } });
    const pod = /^Hello from (\S+)/.exec(await answer.text())?.[1] ?? '?';
    counts.set(pod, (counts.get(pod) ?? 0) + 1);
  }
  return new Map([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** A Service's address may have a stand-in; a Pod's own is where it is. */
function reachedAt(source: ControlSource, declared: string): string {
  const frontends = source
    .services({ namespace: undefined, name: undefined })
    .flatMap((service) => service.frontends);
  return frontends.find((frontend) => frontend.declared === declared)?.reachable[0] ?? declared;
}
