/** The contract between the Plan and what makes a node forward. */
import type { SocketAddress } from './address.ts';
import type { Flow } from './flow.ts';
import type { Delta, Plan } from './plan.ts';
import type { DriverCapabilities } from './capabilities.ts';
import type { Endpoint, Frontend } from './service-port.ts';

/** Something the host lacks, what that costs, and how to get it. */
export interface Missing {
  readonly what: string;
  readonly costs: string;
  readonly remedy: string;
}

/** A frontend that could not be served; the others are. */
export interface FrontendFailure {
  /** ServicePort id. */
  readonly server: string;
  readonly frontend: Frontend;
  readonly code: string;
  readonly message: string;
  readonly remedy: string | undefined;
}

/** A frontend served somewhere else than it says: a low port without privilege, say. */
export interface StandIn {
  /** ServicePort id. */
  readonly server: string;
  readonly frontend: Frontend;
  readonly address: SocketAddress;
}

export interface ApplyReport {
  readonly revision: number;
  /** How many changes to sockets or kernel objects this apply made. */
  readonly operations: number;
  /** All that fail now, not only those new with this apply. */
  readonly failures: readonly FrontendFailure[];
  /** All that stand in now, not only those new with this apply. */
  readonly standIns: readonly StandIn[];
}

/** Upper bounds of the buckets of ConnectLatency, milliseconds; one more bucket holds what took longer. */
export const connectLatencyBoundsMs = [0.1, 0.5, 1, 5, 10, 50, 100, 500, 1_000, 5_000] as const;

/** How long an endpoint took to accept the connections it did accept. */
export interface ConnectLatency {
  readonly count: number;
  readonly sumMs: number;
  /** How many fell in each bucket, one more than there are bounds; not cumulative. */
  readonly buckets: readonly number[];
}

/** What happened at one endpoint of one ServicePort since the driver started; undefined: this driver cannot know. */
export interface EndpointCounters {
  readonly connections: number;
  readonly open: number | undefined;
  readonly failures: number | undefined;
  readonly bytesIn: number | undefined;
  readonly bytesOut: number | undefined;
  /** Absent where nothing was connected, or the driver cannot know. */
  readonly connectLatency?: ConnectLatency | undefined;
}

/** An endpoint of one ServicePort. */
export interface EndpointPlace {
  /** ServicePort id. */
  readonly server: string;
  readonly endpoint: Endpoint;
}

export interface Observation {
  /** By ServicePort id, then by endpoint key. */
  readonly endpoints: ReadonlyMap<string, ReadonlyMap<string, EndpointCounters>>;
  /** Why a driver that counts bytes has none to tell: the kernel does not, and how it is told to. */
  readonly bytesUnknown?: 'accounting-off' | undefined;
  /** What limits of the driver's own kept it from carrying on; undefined for a driver without any. */
  readonly limited?: {
    /** Refused because too many were open. */
    readonly connections: number;
    /** UDP flows ended early to make room. */
    readonly flows: number;
  };
}

/** Something that is not as the Plan in force wants it. */
export interface Deviation {
  /** ServicePort id; undefined when it is not one Service's. */
  readonly server: string | undefined;
  /** `table ip switchyard, map services, element 10.96.0.7 . tcp . 80`. */
  readonly object: string;
  /** What is there; undefined for nothing. */
  readonly found: string | undefined;
  /** What should be; undefined for nothing. */
  readonly expected: string | undefined;
  readonly remedy: string;
}

/** Makes this node forward as a Plan says. One instance a node; calls never overlap. */
export interface Driver {
  readonly name: string;
  readonly capabilities: DriverCapabilities;
  /** What this host lacks; empty means usable. Must not change the host. */
  probe(): Promise<readonly Missing[]>;
  /**
   * All or nothing: if it rejects, the previous Plan still forwards. `delta` is undefined at start and after
   * a failure; otherwise it leads from the Plan applied before to this one. A frontend the host refuses
   * (its port is taken) is a failure in the report and is tried again by the next apply.
   */
  apply(plan: Plan, delta: Delta | undefined, signal: AbortSignal): Promise<ApplyReport>;
  /** Counters, read when somebody asks. */
  observe(): Observation;
  /**
   * Resolves when nothing is open to any of these endpoints and nothing is being tried there, or when `signal`
   * aborts. Costs what they cost, however many others there are. Says nothing of what comes later: ask when the
   * Plan in force sends nobody there. A driver that cannot know resolves at the signal.
   */
  drained(places: readonly EndpointPlace[], signal: AbortSignal): Promise<void>;
  /**
   * The endpoint an open connection was given. Waits up to a second for a connection the driver has not seen yet
   * (its client may know that it is open before the driver does), and while the choice is being made; undefined
   * when the driver does not carry it.
   */
  locate(flow: Flow): Promise<Endpoint | undefined>;
  /**
   * Reads everything it keeps outside of its process and compares it with the Plan in force; empty when all is well.
   * Absent for a driver that keeps nothing there.
   */
  readonly audit?: (() => Promise<readonly Deviation[]>) | undefined;
  /** Stops taking connections, lets those it carries end until `signal` aborts, and frees everything. */
  stop(signal: AbortSignal): Promise<void>;
}
