/** Finds what is carried by the addresses of its two ends, and waits for what is on its way. */
import type { Clock, Endpoint, Flow, Protocol, SocketAddress } from '../../model/index.ts';

/**
 * How long after its client this driver may come to know a connection: the kernel answers in our name, and Node
 * accepts one connection a turn of the event loop.
 */
const arrivalMs = 1_000;

/** Where a client's connection or datagrams really go. */
interface Reached {
  /** Asked only when somebody looks for it: the system has to be asked for some. */
  readonly local: SocketAddress;
}

/** One connection or flow, as long as it is carried. */
export class Sighting {
  private readonly flow: Flow;
  private readonly at: Reached;
  private known: Endpoint | undefined;
  private over = false;
  private readonly waiting: ((endpoint: Endpoint | undefined) => void)[] = [];

  constructor(flow: Flow, at: Reached) {
    this.flow = flow;
    this.at = at;
  }

  /** By where its client went, or where it meant to go. */
  is(flow: Flow): boolean {
    const own = this.flow;
    if (own.sourcePort !== flow.sourcePort || own.source !== flow.source) return false;
    if (own.protocol !== flow.protocol) return false;
    const { destination: address, destinationPort: port } = flow;
    if (own.destination === address && own.destinationPort === port) return true;
    const { local } = this.at;
    return local.address === address && local.port === port;
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

/** Somebody who waits for a connection to arrive. */
interface Seeker {
  readonly flow: Flow;
  found(sighting: Sighting): void;
}

export class Whereabouts {
  private readonly clock: Clock;
  /** Looked through, not indexed: every connection would pay for an index, and hardly one is ever asked for. */
  private readonly sightings = new Set<Sighting>();
  private readonly seekers = new Set<Seeker>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Where its client went, `at` says; where it meant to go, `flow`. */
  enter(flow: Flow, at: Reached): Sighting {
    const sighting = new Sighting(flow, at);
    this.sightings.add(sighting);
    for (const seeker of this.seekers) if (sighting.is(seeker.flow)) seeker.found(sighting);
    return sighting;
  }

  leave(sighting: Sighting): void {
    this.sightings.delete(sighting);
    sighting.end();
  }

  /** The endpoint of a connection or flow; undefined when it does not arrive within a second, or gets none. */
  async locate(flow: Flow): Promise<Endpoint | undefined> {
    const sighting = this.find(flow) ?? (await this.arrival(flow));
    return await sighting?.endpoint();
  }

  /** The newest: an older one with the same ends is over, and only not yet gone. */
  private find(flow: Flow): Sighting | undefined {
    let found: Sighting | undefined;
    for (const sighting of this.sightings) if (sighting.is(flow)) found = sighting;
    return found;
  }

  private async arrival(flow: Flow): Promise<Sighting | undefined> {
    const arrived = new AbortController();
    let sighting: Sighting | undefined;
    const seeker: Seeker = {
      flow,
      found: (found) => {
        sighting = found;
        arrived.abort();
      },
    };
    this.seekers.add(seeker);
    await this.clock.sleep(arrivalMs, arrived.signal);
    this.seekers.delete(seeker);
    return sighting;
  }
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
