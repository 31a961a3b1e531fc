/**
 * ClientIP affinity of one ServicePort, over all its frontends and both its pools: which endpoint a client was
 * given last.
 *
 * A table with expiry, not a hash: the timeout slides with each new connection and must end (Kubernetes'
 * conformance asks for it). At the bound the client that connected longest ago is forgotten, so a flood of new
 * clients costs others their affinity, never their connection.
 */

interface Entry {
  readonly endpoint: string;
  readonly expiresAtMs: number;
}

export interface AffinityEntry extends Entry {
  readonly nowMs: number;
}

const defaultMaxAffinityClients = 65_536;

const sweepPerSet = 2;

export class AffinityTable {
  /** In order of the last connection: Map keeps insertion order, and a refresh inserts anew. */
  private readonly entries = new Map<string, Entry>();
  private readonly maxClients: number;

  constructor(maxClients: number = defaultMaxAffinityClients) {
    this.maxClients = maxClients;
  }

  get size(): number {
    return this.entries.size;
  }

  /** The endpoint key the client has; undefined when it has none or its time is over. */
  get(client: string, nowMs: number): string | undefined {
    const entry = this.entries.get(client);
    if (entry === undefined) return undefined;
    if (entry.expiresAtMs > nowMs) return entry.endpoint;
    this.entries.delete(client);
    return undefined;
  }

  /** Every client, in order of the last connection: `set` in this order makes the same table. */
  *list(): Iterable<readonly [client: string, endpoint: string, expiresAtMs: number]> {
    for (const [client, { endpoint, expiresAtMs }] of this.entries) {
      yield [client, endpoint, expiresAtMs];
    }
  }

  /** The client was given the endpoint now. */
  set(client: string, { endpoint, expiresAtMs, nowMs }: AffinityEntry): void {
    this.entries.delete(client);
    // A little sweeping with each newcomer keeps clients that never come back from piling up.
    this.sweep(nowMs, sweepPerSet);
    if (this.entries.size >= this.maxClients) {
      const oldest = this.entries.keys().next();
      if (oldest.done !== true) this.entries.delete(oldest.value);
    }
    this.entries.set(client, { endpoint, expiresAtMs });
  }

  /**
   * Frees at most `most` entries that have expired. One behind a live entry waits for its turn: with one timeout
   * for all, the order of the last connection is the order of expiry.
   */
  sweep(nowMs: number, most = Number.POSITIVE_INFINITY): void {
    let left = most;
    for (const [client, entry] of this.entries) {
      if (entry.expiresAtMs > nowMs || left-- <= 0) return;
      this.entries.delete(client);
    }
  }
}
