/** Bytes and text in and out, no I/O. */
export { decodeProxyHeader, encodeProxyHeader } from './proxy-protocol.ts';
export type { DecodedProxyHeader, ProxyEnds, ProxyVersion } from './proxy-protocol.ts';
