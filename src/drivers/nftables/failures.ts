/** What a Plan asks for that rules cannot give, for each VirtualServer. */
import {
  claimantsOf,
  formatSocketAddress,
  type Endpoint,
  type Frontend,
  type FrontendFailure,
  type Plan,
  type VirtualServer,
} from '../../model/index.ts';
import type { NftablesCode } from './errors.ts';

export function failuresOf(plan: Plan, server: VirtualServer): readonly FrontendFailure[] {
  return server.frontends.flatMap((frontend) => {
    const failure = takenFailure(plan, server, frontend) ?? loopbackFailure(server, frontend);
    return failure === undefined ? [] : [failure];
  });
}

/** A frontend that another VirtualServer has. */
function takenFailure(
  plan: Plan,
  server: VirtualServer,
  frontend: Frontend,
): FrontendFailure | undefined {
  const [owner] = claimantsOf(plan.frontends, server, frontend);
  if (owner === undefined || owner.id === server.id) return undefined;
  const code: NftablesCode = 'NFTABLES_FRONTEND_TAKEN';
  return {
    server: server.id,
    frontend,
    code,
    message: `Cannot serve ${server.id} at ${placeOf(frontend)}: ${owner.id} has it`,
    remedy: 'Give one of the two Services another port or address',
  };
}

/** Rules are there and this host gets through; packets that come in from elsewhere the kernel drops as martians. */
function loopbackFailure(server: VirtualServer, frontend: Frontend): FrontendFailure | undefined {
  const { cluster, local } = server.pools;
  const endpoint = [...cluster, ...local].find(isLoopback);
  if (endpoint === undefined) return undefined;
  const code: NftablesCode = 'NFTABLES_ENDPOINT_LOOPBACK';
  return {
    server: server.id,
    frontend,
    code,
    message:
      `Cannot serve ${server.id} at ${placeOf(frontend)} to others than this host: its endpoint ` +
      `${formatSocketAddress(endpoint)} is a loopback address`,
    remedy: 'Let the backend listen at an address of the node, and give that as the endpoint',
  };
}

function isLoopback({ address }: Endpoint): boolean {
  return address.startsWith('127.') || address === '::1';
}

function placeOf({ address, port }: Frontend): string {
  return address === undefined ? `NodePort ${port}` : formatSocketAddress({ address, port });
}
