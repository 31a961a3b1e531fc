/** Socket addresses as the kernel writes them: sockaddr_in and sockaddr_in6. */
import { formatIp, parseIp, type SocketAddress } from '../../model/index.ts';
import { constants, layouts } from './layout.ts';

const { sockaddr_in: v4, sockaddr_in6: v6 } = layouts;

/** Room for either structure. */
export const socketAddressRoom = v6.size;

/** Undefined when the address is no IP address, or the port none. */
export function encodeSocketAddress({ address, port }: SocketAddress): Uint8Array | undefined {
  const ip = parseIp(address);
  if (ip === undefined || !Number.isInteger(port) || port < 0 || port > 65_535) return undefined;
  const isV4 = ip.length === 4;
  const bytes = new Uint8Array(isV4 ? v4.size : v6.size);
  const view = new DataView(bytes.buffer);
  view.setUint16(v4.sin_family, isV4 ? constants.AF_INET : constants.AF_INET6, true);
  view.setUint16(v4.sin_port, port);
  bytes.set(ip, isV4 ? v4.sin_addr : v6.sin6_addr);
  return bytes;
}

/** Undefined when the bytes hold neither structure. */
export function decodeSocketAddress(bytes: Uint8Array): SocketAddress | undefined {
  if (bytes.length < v4.size) return undefined;
  const family = bytes[0]! | (bytes[1]! << 8);
  const port = (bytes[v4.sin_port]! << 8) | bytes[v4.sin_port + 1]!;
  const at = v4.sin_addr;
  if (family === constants.AF_INET) {
    const address = `${bytes[at]!}.${bytes[at + 1]!}.${bytes[at + 2]!}.${bytes[at + 3]!}`;
    return { address, port };
  }
  if (family !== constants.AF_INET6 || bytes.length < v6.size) return undefined;
  return { address: formatIp(bytes.subarray(v6.sin6_addr, v6.sin6_addr + 16)), port };
}
