/** Finds what is carried by the addresses of its two ends, and waits for what is on its way. */
import {
  formatSocketAddress,
  type Clock,
  type Endpoint,
  type Flow,
  type Protocol,
  type SocketAddress,
} from '../../model/index.ts';

/**
 * How long after its client this driver may come to know a connection: the kernel answers in our name, and Node
 * accepts one connection a turn of the event loop.
 */
const arrivalMs = 1_000;

/** One connection or flow, as long as it is carried. */
export class Sighting {
  readonly keys: readonly string[];
  private known: Endpoint | undefined;
  private over = false;
  private readonly waiting: ((endpoint: Endpoint | undefined) => void)[] = [];

  constructor(keys: readonly string[]) {
    this.keys = keys;
  }

  /** It was given this endpoint, or moved on to it. */
  reached(endpoint: Endpoint): void {
    this.known = endpoint;
    this.tellAll();
  }

  end(): void {
    this.over = true;
    this.tellAll();
  }

  /** Waits while the choice is being made; undefined when it ended without one. */
  async endpoint(): Promise<Endpoint | undefined> {
    if (this.known !== undefined || this.over) return this.known;
    return await new Promise((resolve) => this.waiting.push(resolve));
  }

  private tellAll(): void {
    for (const tell of this.waiting.splice(0)) tell(this.known);
  }
}

export class Whereabouts {
  private readonly clock: Clock;
  private readonly sightings = new Map<string, Sighting>();
  /** By key: those who wait for it to arrive. */
  private readonly awaited = new Map<string, Set<(sighting: Sighting) => void>>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** `bound`: where its client went; where it meant to go, `flow` says. */
  enter(flow: Flow, bound: SocketAddress): Sighting {
    const { address, port } = bound;
    const actual = keyOf({ ...flow, destination: address, destinationPort: port });
    const meant = keyOf(flow);
    const sighting = new Sighting(actual === meant ? [actual] : [actual, meant]);
    for (const key of sighting.keys) {
      this.sightings.set(key, sighting);
      for (const tell of this.awaited.get(key) ?? []) tell(sighting);
    }
    return sighting;
  }

  leave(sighting: Sighting): void {
    for (const key of sighting.keys) {
      if (this.sightings.get(key) === sighting) this.sightings.delete(key);
    }
    sighting.end();
  }

  /** The endpoint of a connection or flow; undefined when it does not arrive within a second, or gets none. */
  async locate(flow: Flow): Promise<Endpoint | undefined> {
    const key = keyOf(flow);
    const sighting = this.sightings.get(key) ?? (await this.arrival(key));
    return await sighting?.endpoint();
  }

  private async arrival(key: string): Promise<Sighting | undefined> {
    const arrived = new AbortController();
    let sighting: Sighting | undefined;
    const tell = (found: Sighting): void => {
      sighting = found;
      arrived.abort();
    };
    const tells = this.awaited.get(key) ?? new Set();
    this.awaited.set(key, tells.add(tell));
    await this.clock.sleep(arrivalMs, arrived.signal);
    tells.delete(tell);
    if (tells.size === 0 && this.awaited.get(key) === tells) this.awaited.delete(key);
    return sighting;
  }
}

function keyOf(flow: Flow): string {
  const { protocol, source, sourcePort, destination, destinationPort } = flow;
  return `${protocol} ${pair(source, sourcePort)}>${pair(destination, destinationPort)}`;
}

function pair(address: string, port: number): string {
  return formatSocketAddress({ address, port });
}

/** The Flow of what came from `source` and meant to go to `declared`. */
export function flowOf(
  protocol: Protocol,
  ends: { readonly source: SocketAddress; readonly declared: SocketAddress },
  nodeAddresses: readonly string[],
): Flow {
  const { source, declared } = ends;
  const { address } = source;
  const ofNode = address.startsWith('127.') || address === '::1' || nodeAddresses.includes(address);
  return {
    protocol,
    source: address,
    sourcePort: source.port,
    destination: declared.address,
    destinationPort: declared.port,
    entry: ofNode ? 'node' : 'outside',
  };
}
