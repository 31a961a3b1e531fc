/** The kernel's own network interface: netlink sockets, errors by name. */
export { isNotFound, isNotPermitted, NetlinkError, netlinkErrors } from './errors.ts';
export { isTaken, OwnRoutes } from './own-routes.ts';
export { openPodLinks } from './pod-links.ts';
export type { PodLinks } from './pod-links.ts';
export { loadNetlink } from './socket.ts';
export type { NetlinkSocket, OpenNetlink } from './socket.ts';
