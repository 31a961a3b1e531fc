/** What `appProtocol` and port names say about a port (Service API, KEP-3726). */
import type { ServicePortSpec } from './kinds.ts';

const httpProtocols = ['http', 'grpc', 'kubernetes.io/h2c', 'kubernetes.io/ws'];

/** What an HTTP port speaks with its endpoints: HTTP/2 without TLS where it says so, or gRPC. */
export function backendProtocol(port: ServicePortSpec): 'http/1.1' | 'h2c' {
  const says = port.appProtocol?.toLowerCase() ?? (port.name ?? '').split('-')[0];
  return says === 'grpc' || says === 'kubernetes.io/h2c' ? 'h2c' : 'http/1.1';
}

/** Whether the port says that HTTP over TLS is spoken there. */
export function isHttpsPort(port: ServicePortSpec): boolean {
  if ((port.protocol ?? 'TCP') !== 'TCP') return false;
  const says = port.appProtocol?.toLowerCase() ?? (port.name ?? '').split('-')[0];
  return says === 'https' || says === 'kubernetes.io/https';
}

/** Whether the port says that HTTP is spoken there: by appProtocol, or by a name like `http` or `http-admin`. */
export function isHttpPort(port: ServicePortSpec): boolean {
  if ((port.protocol ?? 'TCP') !== 'TCP') return false;
  if (port.appProtocol !== undefined) return httpProtocols.includes(port.appProtocol.toLowerCase());
  const [word = ''] = (port.name ?? '').split('-');
  return word === 'http' || word === 'grpc';
}
