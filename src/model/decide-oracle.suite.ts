/**
 * The rules of kube-proxy 1.36 told again in the order a packet meets them, over a plain list of VirtualServers:
 * no index, no pools made before, every server looked at. What `decide` is held against.
 */
import { parseIp, type Cidr } from './address.ts';
import { categorizeNaively } from './categorize-oracle.suite.ts';
import type { Decision, Flow } from './flow.ts';
import type { NodeView } from './plan.ts';
import type { Frontend, VirtualServer } from './service-port.ts';

interface Hit {
  readonly server: VirtualServer;
  readonly frontend: Frontend;
}

/** `servers` in any order; of two that claim one frontend the lower id has it. */
export function decideNaively(
  servers: readonly VirtualServer[],
  node: NodeView,
  flow: Flow,
): Decision {
  const hits = servers.flatMap((server) => hitsOf(server, node, flow));
  // An address of its own goes before the NodePort that every address of the node shares.
  const exact = lowest(hits.filter((hit) => hit.frontend.kind !== 'nodePort'));
  const hit = exact ?? lowest(hits);
  return hit === undefined ? decideMiss(servers, node, flow) : decideHit(hit, node, flow);
}

/** The first frontend of a server that has the destination, if any. */
function hitsOf(server: VirtualServer, node: NodeView, flow: Flow): readonly Hit[] {
  if (server.ref.protocol !== flow.protocol) return [];
  const matching = server.frontends.filter((f) => {
    if (f.port !== flow.destinationPort) return false;
    if (f.kind !== 'nodePort') return f.address === flow.destination;
    const sameFamily = flow.destination.includes(':') === (server.ref.family === 'IPv6');
    return sameFamily && node.nodePortAddresses.some((a) => a === flow.destination);
  });
  const own = matching.filter((f) => f.kind !== 'nodePort');
  return [...own, ...matching].slice(0, 1).map((frontend) => ({ server, frontend }));
}

function lowest(hits: readonly Hit[]): Hit | undefined {
  let best: Hit | undefined;
  for (const hit of hits) if (best === undefined || hit.server.id < best.server.id) best = hit;
  return best;
}

/** 2.6, what nftables mode adds: a wrong port of a clusterIP, then a free address of the Service ranges. */
function decideMiss(servers: readonly VirtualServer[], node: NodeView, flow: Flow): Decision {
  for (const server of servers) {
    for (const f of server.frontends) {
      if (f.kind === 'clusterIP' && f.address === flow.destination) {
        return { kind: 'reject', why: 'port-not-served', server: undefined };
      }
    }
  }
  for (const range of node.serviceRanges) {
    if (inRange(flow.destination, range)) {
      return { kind: 'drop', why: 'unallocated-address', server: undefined };
    }
  }
  return { kind: 'pass' };
}

function decideHit(hit: Hit, node: NodeView, flow: Flow): Decision {
  const { server, frontend } = hit;
  if (frontend.kind === 'loadBalancer' && !mayUse(server, node, flow)) {
    return { kind: 'drop', why: 'source-range', server };
  }
  const { cluster, local, hasAny } = categorizeNaively(server.endpoints, server, node);
  const [pool, masquerade] =
    frontend.kind === 'clusterIP'
      ? internalChain(server, node, flow)
      : externalChain(server, node, flow);
  const candidates = pool === 'local' ? local : cluster;
  if (candidates.length === 0 && hasAny) return { kind: 'drop', why: 'no-local-endpoints', server };
  if (candidates.length === 0) return { kind: 'reject', why: 'no-endpoints', server };
  const { scheduler, affinity } = server;
  return { kind: 'forward', server, frontend, pool, candidates, scheduler, affinity, masquerade };
}

type Chain = readonly ['cluster' | 'local', 'always' | 'hairpin'];

/** 2.8: masquerade when told to, or when the source is known not to be a local Pod. */
function internalChain(server: VirtualServer, node: NodeView, flow: Flow): Chain {
  const pool = server.internalTrafficPolicy === 'Local' ? 'local' : 'cluster';
  if (node.masqueradeAll) return [pool, 'always'];
  if (!node.detectsLocalPods) return [pool, 'hairpin'];
  return [pool, flow.entry === 'pod' ? 'hairpin' : 'always'];
}

/** 2.7, its numbers. */
function externalChain(server: VirtualServer, node: NodeView, flow: Flow): Chain {
  const isCluster = server.externalTrafficPolicy === 'Cluster';
  const isLocalPod = node.detectsLocalPods && flow.entry === 'pod';
  const isOfNode = node.addresses.some((address) => address === flow.source);
  const rules: readonly (readonly [boolean, Chain])[] = [
    /* 1  */ [isCluster, ['cluster', 'always']],
    /* 2a */ [isLocalPod, ['cluster', 'hairpin']],
    /* 2b */ [isOfNode, ['cluster', 'always']],
  ];
  for (const [applies, chain] of rules) if (applies) return chain;
  /* 2c */
  return ['local', 'hairpin'];
}

/** 2.8, source ranges of a load balancer address. */
function mayUse(server: VirtualServer, node: NodeView, flow: Flow): boolean {
  if (server.sourceRanges.length === 0) return true;
  let nodeIsAllowed = false;
  for (const range of server.sourceRanges) {
    if (inRange(flow.source, range)) return true;
    for (const address of node.addresses) if (inRange(address, range)) nodeIsAllowed = true;
  }
  if (!nodeIsAllowed) return false;
  for (const f of server.frontends) {
    if (f.kind === 'loadBalancer' && f.address === flow.source) return true;
  }
  return false;
}

/** Compares the bits as text, so that nothing is shared with `cidrContains`. */
function inRange(address: string, range: Cidr): boolean {
  const bytes = parseIp(address);
  if (bytes === undefined || bytes.length !== range.bytes.length) return false;
  return bitsOf(bytes).startsWith(bitsOf(range.bytes).slice(0, range.prefix));
}

function bitsOf(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}
