/** Names: the zone from objects, the server that answers them, and why an answer is what it is. */
export { createDnsHome } from './home.ts';
export type { DnsHome, DnsHomeOptions, UpstreamSource } from './home.ts';
export { createDnsServer } from './server.ts';
export type { DnsServer } from './server.ts';
export { defaultZone } from './world.ts';
export type { NameExplanation } from './explain-name.ts';
