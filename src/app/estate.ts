/**
 * Everything one process of an instance leaves to the next, as one message: plain data, and descriptors to which the
 * data points by their place. Sender and receiver are of one protocol version, or nothing is sent.
 */
import type { DriverEstate } from '../drivers/userspace/index.ts';
import type { SocketAddress } from '../model/index.ts';
import type { AdoptedPod, NodeEstate } from '../node/index.ts';
import type { Restored } from '../store/index.ts';
import type { Libc } from '../sys/ffi/index.ts';
import { adoptChild, HandoverError, type Message } from '../sys/handover/index.ts';

/** To be changed with every change of a shape below, of the store's objects or of the driver's memory. */
export const handoverProtocol = 3;

/** A socket that claims something for the instance. */
export interface KeptSocket {
  readonly address: SocketAddress;
  readonly descriptor: number;
}

export interface Estate {
  readonly startedAt: string;
  readonly claim: KeptSocket | undefined;
  readonly serviceRange: string;
  /** Empty when they are in a folder. */
  readonly store: Restored;
  readonly dataFolder: string | undefined;
  readonly driver: DriverEstate;
  readonly node: Omit<NodeEstate, 'pods'> & { readonly pods: readonly AdoptedPod[] };
}

export interface LeftEstate extends Omit<Estate, 'node'> {
  readonly node: NodeEstate;
}

/** As it travels: a descriptor is a place in the list that goes along. */
interface Wire {
  readonly protocol: number;
  readonly estate: Omit<Estate, 'node'> & {
    readonly node: {
      readonly logs: NodeEstate['logs'];
      readonly pods: readonly WirePod[];
    };
  };
}

interface WirePod extends Omit<AdoptedPod, 'child'> {
  readonly child:
    | {
        readonly pid: number;
        readonly process: number;
        readonly stdout: WirePipe;
        readonly stderr: WirePipe;
      }
    | undefined;
}

interface WirePipe {
  readonly place: number;
  readonly held: string;
}

export interface Packed {
  readonly value: unknown;
  readonly descriptors: readonly number[];
  /** Of these, what was opened only to be sent. */
  readonly own: readonly number[];
}

export function packEstate(left: LeftEstate, libc: Libc): Packed {
  const descriptors: number[] = [];
  const own: number[] = [];
  const place = (descriptor: number): number => descriptors.push(descriptor) - 1;
  const pods = left.node.pods.map(({ child, ...pod }): WirePod => {
    const process = child === undefined ? -1 : libc.openProcess(child.pid);
    if (child?.output === undefined || process < 0) return { ...pod, child: undefined };
    own.push(process);
    const pipe = ({ descriptor, held }: { descriptor: number; held: Buffer }): WirePipe => ({
      place: place(descriptor),
      held: held.toString('base64'),
    });
    const { stdout, stderr } = child.output;
    const pipes = { stdout: pipe(stdout), stderr: pipe(stderr) };
    return { ...pod, child: { pid: child.pid, process: place(process), ...pipes } };
  });
  const sockets = left.driver.sockets.map((s) => ({ ...s, descriptor: place(s.descriptor) }));
  const claim = left.claim && { ...left.claim, descriptor: place(left.claim.descriptor) };
  const driver = { ...left.driver, sockets };
  const node = { logs: left.node.logs, pods };
  const wire: Wire = { protocol: handoverProtocol, estate: { ...left, claim, driver, node } };
  return { value: wire, descriptors, own };
}

/** Throws HANDOVER_VERSION_MISMATCH; the descriptors are then still the caller's. */
export function unpackEstate({ value, descriptors }: Message, libc: Libc): Estate {
  const { estate } = decode(value);
  const at = (place: number): number => descriptors[place] ?? -1;
  const pipe = ({ place, held }: WirePipe): { descriptor: number; held: Buffer } => ({
    descriptor: at(place),
    held: Buffer.from(held, 'base64'),
  });
  const pods = estate.node.pods.map(({ child, ...pod }): AdoptedPod => {
    if (child === undefined) return { ...pod, child: undefined };
    const { pid, process, stdout, stderr } = child;
    return {
      ...pod,
      child: (onLine) =>
        adoptChild(libc, {
          pid,
          descriptor: at(process),
          stdout: pipe(stdout),
          stderr: pipe(stderr),
          onLine,
        }),
    };
  });
  const sockets = estate.driver.sockets.map((s) => ({ ...s, descriptor: at(s.descriptor) }));
  const claim = estate.claim && { ...estate.claim, descriptor: at(estate.claim.descriptor) };
  return {
    ...estate,
    claim,
    driver: { ...estate.driver, sockets },
    node: { logs: estate.node.logs, pods },
  };
}

function decode(value: unknown): Wire {
  const found = typeof value === 'object' && value !== null ? value : {};
  const protocol = 'protocol' in found ? found.protocol : undefined;
  if (protocol === handoverProtocol) return found as Wire;
  throw versionMismatch(typeof protocol === 'number' ? String(protocol) : 'none');
}

export function versionMismatch(theirs: string): HandoverError {
  return new HandoverError(
    'HANDOVER_VERSION_MISMATCH',
    `Cannot hand over: one process speaks hand-over protocol ${handoverProtocol}, the other ${theirs}`,
    { remedy: 'Stop the instance and start it with this version' },
  );
}
