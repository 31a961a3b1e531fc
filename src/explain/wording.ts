/** How ports, addresses, endpoints and times are called in every sentence. */
import type { ServicePortSpec } from '../kube/index.ts';
import {
  familyOf,
  formatSocketAddress,
  type Endpoint,
  type Frontend,
  type NodeView,
  type Protocol,
  type VirtualServer,
} from '../model/index.ts';

/** `http (80/TCP)`, or `80/TCP` for the port without a name; with its family where there are two. */
export function portLabel(port: ServicePortSpec, family?: string): string {
  const number = `${port.port}/${port.protocol ?? 'TCP'}`;
  const inside = family === undefined ? number : `${number}, ${family}`;
  if (port.name !== undefined && port.name !== '') return `${port.name} (${inside})`;
  return family === undefined ? number : `${number} (${family})`;
}

/** `10.96.0.10:80/TCP`, or `NodePort 30080/TCP`. */
export function frontendLabel({ address, port }: Frontend, protocol: Protocol): string {
  return address === undefined
    ? `NodePort ${port}/${protocol}`
    : `${formatSocketAddress({ address, port })}/${protocol}`;
}

/** Every address and port a ServicePort says it is reached at on a node. */
export function declaredAddresses(server: VirtualServer, node: NodeView): readonly string[] {
  const { protocol, family } = server.ref;
  return server.frontends.flatMap((frontend) =>
    frontend.address === undefined
      ? node.nodePortAddresses
          .filter((address) => familyOf(address) === family)
          .map((address) => frontendLabel({ ...frontend, address }, protocol))
      : [frontendLabel(frontend, protocol)],
  );
}

/** `10.1.0.1:8080 (Pod web-1)`: its namespace is the Service's. */
export function endpointLabel(endpoint: Endpoint): string {
  const address = formatSocketAddress(endpoint);
  const pod = endpoint.pod?.split('/')[1];
  return pod === undefined ? address : `${address} (Pod ${pod})`;
}

/** `10.1.0.1:8080 on node-b`. */
export function placedLabel(endpoint: Endpoint): string {
  const { node } = endpoint;
  return `${formatSocketAddress(endpoint)} ${node === undefined ? 'on no known node' : `on ${node}`}`;
}

/** `app=web,tier=front`. */
export function pairsLabel(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([key, value]) => `${key}=${value}`)
    .join(',');
}

/** `3 h`, `90 min`, `45 s`: the largest unit that leaves a whole number. */
export function durationLabel(seconds: number): string {
  if (seconds >= 3600 && seconds % 3600 === 0) return `${seconds / 3600} h`;
  return seconds >= 60 && seconds % 60 === 0 ? `${seconds / 60} min` : `${seconds} s`;
}
