/** The only door to C: the C library's sockets and epoll, through koffi. */
export { FfiError, ffiErrors } from './errors.ts';
export { constants, errnos } from './layout.ts';
export { EpollEvents } from './libc.ts';
export type { Libc } from './libc.ts';
export type { NodeLoop, Watch } from './node-loop.ts';
export { KernelAddress } from './kernel-address.ts';
export type { ReceiveBatch, SendBatch } from './libc-datagrams.ts';
export { mostDescriptors } from './libc-messages.ts';
export type { ReceivedMessage } from './libc-messages.ts';
export { encodeLocalAddress } from './local-address.ts';
export { loadLibc } from './load-libc.ts';
export { decodeSocketAddress, encodeSocketAddress, socketAddressRoom } from './socket-address.ts';
export { systemError } from './system-error.ts';
export { loadNetlinkCalls } from './netlink-calls.ts';
export type { NetlinkCalls, NetlinkOpen } from './netlink-calls.ts';
export { loadNamespaces } from './namespaces.ts';
export type { Namespaces } from './namespaces.ts';
