/** What `appProtocol` and port names say about a port (Service API, KEP-3726). */
import type { ServicePortSpec } from './kinds.ts';

const httpProtocols = ['http', 'grpc', 'kubernetes.io/h2c', 'kubernetes.io/ws'];

/** Whether the port says that HTTP is spoken there: by appProtocol, or by a name like `http` or `http-admin`. */
export function isHttpPort(port: ServicePortSpec): boolean {
  if ((port.protocol ?? 'TCP') !== 'TCP') return false;
  if (port.appProtocol !== undefined) return httpProtocols.includes(port.appProtocol.toLowerCase());
  const [word = ''] = (port.name ?? '').split('-');
  return word === 'http' || word === 'grpc';
}
