/** Netlink: messages and attributes, bytes in and out, no I/O. */
export { NetlinkWriter } from './attribute-writer.ts';
export {
  linkChangeMessage,
  linkDeleteMessage,
  linkQuery,
  linksQuery,
  linkUpMessage,
  neighbourMessage,
  readLink,
  vethMessage,
} from './links.ts';
export type { LinkInfo } from './links.ts';
export {
  netfilterFamilies,
  netfilterSubsystems,
  netlinkFlags,
  netlinkProtocols,
  netlinkTypes,
} from './numbers.ts';
export {
  be32At,
  be64At,
  listAttributes,
  nestedAt,
  readAttributes,
  readMessages,
  textAt,
} from './reader.ts';
export type { Attributes, NetlinkMessage } from './reader.ts';
export { addressMessage, readRoute, routeMessage, routesQuery } from './routes.ts';
export type { RouteSpec } from './routes.ts';
