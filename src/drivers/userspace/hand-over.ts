/**
 * What one process of this driver gives the next, so that clients do not notice: the sockets with everything that
 * waits in them, and what choosing remembers. Connections stay where they are and end there.
 */
import type { ChoiceMemory, HealthMemory, SocketAddress } from '../../model/index.ts';
import type { Descriptors } from '../../sys/net/index.ts';
import type { FlowMemory } from './udp-flows.ts';

/** A socket that listens for a ServicePort. */
export interface HandedSocket {
  /** Protocol and declared place, as renderings name it. */
  readonly key: string;
  /** Where it is really bound. */
  readonly address: SocketAddress;
  readonly descriptor: number;
}

/** What choosing remembers. */
export interface Remembered {
  /** By ServicePort id. */
  readonly choices: readonly (readonly [id: string, memory: ChoiceMemory])[];
  /** Which endpoints are set aside. */
  readonly health: HealthMemory;
  /** How long the connections that are open may go on where they are: so long they count for load. */
  readonly lingerMs: number;
}

export interface DriverMemory extends Remembered {
  readonly flows: readonly FlowMemory[];
}

export interface DriverEstate {
  readonly sockets: readonly HandedSocket[];
  readonly memory: DriverMemory;
}

/** A driver that can be followed by one in another process. */
export interface HandingOver {
  /**
   * Takes nothing new until `resume`: it waits in the kernel. `lingerMs` is how long connections may go on here once
   * another process serves. Throws NetError when something cannot be handed
   * on, and is resumed then.
   */
  suspend(by: Descriptors, lingerMs: number): Promise<DriverEstate>;
  resume(): Promise<void>;
  /** Another process serves: lets go of the sockets; connections go on until they end, or `signal` resets them. */
  retire(signal: AbortSignal): Promise<void>;
}
