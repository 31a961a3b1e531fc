/** HTTP at the Service: carries requests, each to the endpoint its router names. */
export { defaultBounds, defaultPolicy } from './bounds.ts';
export { latencyBucketsMs } from './counters.ts';
export type { EndpointRequests, PortRequests } from './counters.ts';
export { serverForHost } from './host-router.ts';
export { createServiceGateway } from './service-gateway.ts';
export type { ServiceGateway, ServiceGatewayOptions } from './service-gateway.ts';
export { createGateway } from './gateway.ts';
export { createGatewayThreads } from './gateway-threads.ts';
export type { GatewayThreads } from './gateway-threads.ts';
export type { Gateway, GatewayOptions } from './gateway.ts';
export type {
  FailureKind,
  Forwarded,
  GatewayBounds,
  GatewayPort,
  GatewayTls,
  Outcome,
  Refused,
  RequestFacts,
  RequestPolicy,
  RequestRouter,
  Routed,
  RoutedEndpoint,
  TlsIdentity,
} from './router.ts';
