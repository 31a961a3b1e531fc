/** This machine as the one node of an instance: its addresses, where NodePorts answer, and how they are followed. */
import { isDeepStrictEqual } from 'node:util';
import type { Clock, NodeView } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import { interfaceAddresses } from '../sys/index.ts';
import type { AddressBlock } from './address-block.ts';

/** How often interfaces are looked at: an address that came is a node's within so long. */
const lookEveryMs = 2_000;

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

/** Calls back with the node as it is whenever its addresses are others than before. */
export function createNodeAddresses(
  node: OwnNode,
  { clock, changed }: { readonly clock: Clock; readonly changed: (view: NodeView) => void },
): Component {
  const stopping = new AbortController();
  const { signal } = stopping;
  const follow = async (): Promise<void> => {
    let current = ownNodeView(node);
    while (!signal.aborted) {
      await clock.sleep(lookEveryMs, signal).catch(() => undefined);
      const next = ownNodeView(node);
      if (signal.aborted || isDeepStrictEqual(next, current)) continue;
      current = next;
      changed(next);
    }
  };
  let following: Promise<void> | undefined;
  return {
    name: 'node-addresses',
    start: async () => {
      following = follow();
    },
    stop: async () => {
      stopping.abort();
      await following;
    },
    status: () => ({ state: signal.aborted ? 'stopped' : 'ready', detail: undefined }),
  };
}
