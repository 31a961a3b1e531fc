/** One connection with the World it meets; what all parts of its explanation share. */
import { formatSocketAddress, type Flow, type VirtualServer } from '../model/index.ts';
import type { Subject } from './explanation.ts';
import type { Notes } from './notes.ts';
import type { World } from './world.ts';

export interface FlowCase {
  readonly world: World;
  /** Its destination is an address. */
  readonly flow: Flow;
  readonly notes: Notes;
}

/** `10.96.0.10:80/TCP`. */
export function destinationLabel({ destination, destinationPort, protocol }: Flow): string {
  return `${formatSocketAddress({ address: destination, port: destinationPort })}/${protocol}`;
}

/** `shop/web`. */
export function serviceOf({ ref }: VirtualServer): string {
  return `${ref.namespace}/${ref.name}`;
}

export function serverSubject({ ref }: VirtualServer, field?: string): Subject {
  return { kind: 'Service', namespace: ref.namespace, name: ref.name, field };
}
