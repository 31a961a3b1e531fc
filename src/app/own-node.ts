/** This machine as the one node of an instance: its addresses, and where NodePorts answer. */
import type { NodeView } from '../model/index.ts';
import { interfaceAddresses } from '../sys/index.ts';
import type { AddressBlock } from './address-block.ts';

export interface OwnNode {
  readonly name: string;
  readonly block: AddressBlock;
  /** Its driver forwards in the kernel: then every address of the host is the node's, else the loopback ones. */
  readonly inKernel: boolean;
}

export function ownNodeView({ name, block, inKernel }: OwnNode): NodeView {
  const { serviceRange, secondaryRange, ownAddress } = block;
  const addresses = inKernel
    ? [...new Set([...hostAddresses(), ownAddress])]
    : ['127.0.0.1', '::1'];
  return {
    name,
    zone: undefined,
    addresses,
    nodePortAddresses: addresses,
    serviceRanges: [serviceRange, ...(secondaryRange === undefined ? [] : [secondaryRange])],
    masqueradeAll: false,
    detectsLocalPods: false,
  };
}

/** Kernels take no packet from a loopback address to another device, so a NodePort cannot be there. */
function hostAddresses(): readonly string[] {
  return interfaceAddresses().filter((address) => address !== '::1' && !address.startsWith('127.'));
}
