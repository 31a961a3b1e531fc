/** What driver tests use: the suite, and the builders of Plans for tests of a driver's own. */
export {
  clusterIp,
  elsewhere,
  externalIp,
  loadBalancerIp,
  nodePort,
  testEndpoint,
  testNode,
  testServer,
} from './builders.ts';
export type { ServerOptions } from './builders.ts';
export { ask, freePort, hold, startBackend } from './peers.ts';
export { driverConformance, packetConformance } from './suite.ts';
export { namespacesMissing, openNamespaces } from './namespaces.ts';
export type { NamespaceWorld } from './namespaces.ts';
export { tableConformance } from './table-suite.ts';
export { openTableWorld } from './table-world.ts';
