/** Where each frontend of a Plan really answers, and why not: the Plan and the driver's report put together. */
import {
  endpointKey,
  familyOf,
  formatSocketAddress,
  claimantsOf,
  type ApplyReport,
  type Frontend,
  type Plan,
  type SocketAddress,
  type VirtualServer,
} from '../model/index.ts';
import type { FrontendView } from './protocol.ts';

/** What has been applied: a Plan, and what the driver said of it; no report before the first apply. */
export interface Applied {
  readonly plan: Plan;
  readonly report: ApplyReport | undefined;
}

export interface Reach {
  readonly frontend: Frontend;
  /** Where a client of this host connects; empty while the frontend does not answer. */
  readonly addresses: readonly SocketAddress[];
  /** Why it does not answer, or does so only in part. */
  readonly problem: FrontendView['problem'];
}

/** Tells the reach of any VirtualServer of the Plan; the report is indexed once. */
export function createReach({
  plan,
  report,
}: Applied): (server: VirtualServer) => readonly Reach[] {
  const failures = Map.groupBy(report?.failures ?? [], (f) => keyOf(f.server, f.frontend));
  const standIns = Map.groupBy(report?.standIns ?? [], (s) => keyOf(s.server, s.frontend));
  return (server) =>
    server.frontends.map((frontend) => {
      const key = keyOf(server.id, frontend);
      const elsewhere = (standIns.get(key) ?? []).map((standIn) => standIn.address);
      const failure = failures.get(key)?.[0];
      const problem =
        failure === undefined
          ? (claimProblem(plan, server, frontend) ?? endpointProblem(server))
          : { code: failure.code, message: failure.message, remedy: failure.remedy };
      if (elsewhere.length > 0) return { frontend, addresses: elsewhere, problem };
      const answers = report !== undefined && problem === undefined;
      const addresses = answers ? declaredAddresses(plan, server, frontend) : [];
      return { frontend, addresses, problem };
    });
}

/** `10.96.0.10:80`; a NodePort is `:30080`. */
export function formatFrontend({ address, port }: Frontend): string {
  return address === undefined ? `:${port}` : formatSocketAddress({ address, port });
}

export function reachView({ frontend, addresses, problem }: Reach): FrontendView {
  return {
    kind: frontend.kind,
    declared: formatFrontend(frontend),
    reachable: addresses.map(formatSocketAddress),
    problem,
  };
}

function keyOf(server: string, { kind, address, port }: Frontend): string {
  return `${server} ${kind} ${address ?? ''} ${port}`;
}

function declaredAddresses(
  plan: Plan,
  server: VirtualServer,
  { address, port }: Frontend,
): readonly SocketAddress[] {
  if (address !== undefined) return [{ address, port }];
  return plan.node.nodePortAddresses
    .filter((nodeAddress) => familyOf(nodeAddress) === server.ref.family)
    .map((nodeAddress) => ({ address: nodeAddress, port }));
}

/** Of several ServicePorts with one address and port, the first has it. */
function claimProblem(
  plan: Plan,
  server: VirtualServer,
  frontend: Frontend,
): FrontendView['problem'] {
  const owner = claimantsOf(plan.frontends, server, frontend)[0];
  if (owner === undefined || owner.id === server.id) return undefined;
  const { namespace, name } = owner.ref;
  return {
    code: 'CONTROL_FRONTEND_CLAIMED',
    message: `Cannot serve ${formatFrontend(frontend)}: Service ${namespace}/${name} has it`,
    remedy: 'Give one of the two Services another address or port',
  };
}

function endpointProblem(server: VirtualServer): FrontendView['problem'] {
  const { cluster, local } = server.pools;
  const usable = [...cluster, ...local];
  if (usable.some((endpoint) => endpoint.weight > 0)) return undefined;
  const { namespace, name } = server.ref;
  const [first] = server.endpoints;
  const [reason, remedy] =
    first === undefined
      ? ['it has no endpoints', 'Check that its selector matches the labels of Pods that run']
      : usable.length > 0
        ? ['all its endpoints have weight 0', 'Give a Pod a weight above 0']
        : [
            `none of its ${server.endpoints.length} endpoints is ready`,
            `See why ${first.pod === undefined ? endpointKey(first) : `Pod ${first.pod}`} is not ready`,
          ];
  return {
    code: 'CONTROL_NO_ENDPOINTS',
    message: `Cannot forward to Service ${namespace}/${name}: ${reason}`,
    remedy,
  };
}
