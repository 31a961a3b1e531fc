/**
 * The specification: what happens to a connection. Pure; every driver is proved against it.
 *
 * Rules and their order are kube-proxy 1.36's (nftables mode) unless said otherwise.
 */
import { cidrContains, parseIp } from './address.ts';
import type { Decision, Flow, Masquerade, Trace } from './flow.ts';
import { findFrontend, isClusterIp, type NodeView, type Plan } from './plan.ts';
import type { Frontend, PoolName, VirtualServer } from './service-port.ts';

/** The verdict on a Flow; its steps go to `trace` when one is given. Never throws. */
export function decide(plan: Plan, flow: Flow, trace?: Trace): Decision {
  const found = findFrontend(plan, flow.protocol, flow.destination, flow.destinationPort);
  if (found === undefined) return decideUnknown(plan, flow, trace);
  const { server, frontend } = found;
  trace?.step('frontend-matched', {
    server: server.id,
    kind: frontend.kind,
    address: flow.destination,
    port: flow.destinationPort,
  });
  if (frontend.kind === 'loadBalancer' && server.sourceRanges.length > 0) {
    const allowed = sourceAllowed(server, flow, plan.node);
    trace?.step('source-range-checked', { source: flow.source, allowed: String(allowed) });
    if (!allowed) return { kind: 'drop', why: 'source-range', server };
  }
  const path = choosePath(server, frontend, flow, plan.node);
  trace?.step('policy-applied', {
    policy: path.policy,
    pool: path.pool,
    masquerade: path.masquerade,
    entry: flow.entry,
  });
  const candidates = server.pools[path.pool];
  if (candidates.length === 0) {
    trace?.step('pool-empty', { pool: path.pool, endpoints: server.endpoints.length });
    return server.pools.hasAny
      ? { kind: 'drop', why: 'no-local-endpoints', server }
      : { kind: 'reject', why: 'no-endpoints', server };
  }
  trace?.step('pool-chosen', {
    pool: path.pool,
    candidates: candidates.length,
    scheduler: server.scheduler,
    affinity: server.affinity.kind,
  });
  return {
    kind: 'forward',
    server,
    frontend,
    pool: path.pool,
    candidates,
    scheduler: server.scheduler,
    affinity: server.affinity,
    masquerade: path.masquerade,
  };
}

/** No frontend at this address and port: a wrong port, a free address of the Service range, or not ours. */
function decideUnknown(plan: Plan, flow: Flow, trace: Trace | undefined): Decision {
  trace?.step('frontend-unknown', { address: flow.destination, port: flow.destinationPort });
  if (isClusterIp(plan, flow.destination)) {
    return { kind: 'reject', why: 'port-not-served', server: undefined };
  }
  const bytes = plan.node.serviceRanges.length === 0 ? undefined : parseIp(flow.destination);
  const inRange =
    bytes !== undefined && plan.node.serviceRanges.some((range) => cidrContains(range, bytes));
  return inRange
    ? { kind: 'drop', why: 'unallocated-address', server: undefined }
    : { kind: 'pass' };
}

interface Path {
  readonly pool: PoolName;
  readonly policy: string;
  readonly masquerade: Masquerade;
}

function choosePath(server: VirtualServer, frontend: Frontend, flow: Flow, node: NodeView): Path {
  if (frontend.kind === 'clusterIP') {
    // "Local" is a local Pod: kube-proxy masquerades the node's own connections as well (IfNotLocalNFT in
    // pkg/proxy/nftables/proxier.go), whose source the route to the ClusterIP chose, not the one to the endpoint.
    const foreign = node.detectsLocalPods && flow.entry !== 'pod';
    return {
      pool: server.internalTrafficPolicy === 'Local' ? 'local' : 'cluster',
      policy: `internalTrafficPolicy ${server.internalTrafficPolicy}`,
      masquerade: node.masqueradeAll || foreign ? 'always' : 'hairpin',
    };
  }
  const policy = `externalTrafficPolicy ${server.externalTrafficPolicy}`;
  if (server.externalTrafficPolicy === 'Cluster') {
    return { pool: 'cluster', policy, masquerade: 'always' };
  }
  // Short-circuits: the policy keeps outside sources unmasked; local pods and the node go to all pods.
  if (flow.entry === 'pod' && node.detectsLocalPods) {
    return { pool: 'cluster', policy, masquerade: 'hairpin' };
  }
  if (node.addresses.includes(flow.source))
    return { pool: 'cluster', policy, masquerade: 'always' };
  return { pool: 'local', policy, masquerade: 'hairpin' };
}

function sourceAllowed(server: VirtualServer, flow: Flow, node: NodeView): boolean {
  const inRanges = (address: string): boolean => {
    const bytes = parseIp(address);
    return bytes !== undefined && server.sourceRanges.some((range) => cidrContains(range, bytes));
  };
  if (inRanges(flow.source)) return true;
  // A load balancer address assigned to the node is the node's source when it connects to it: a node that may
  // come in may then use each of this ServicePort's (allowFromNode in pkg/proxy/nftables/proxier.go).
  const isOwn = server.frontends.some(
    (f) => f.kind === 'loadBalancer' && f.address === flow.source,
  );
  return isOwn && node.addresses.some(inRanges);
}
