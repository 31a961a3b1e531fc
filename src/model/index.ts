/** Values and pure functions: the forwarding decision and everything it is made of. Imports nothing. */
export {
  addressInRange,
  canonicalIp,
  cidrContains,
  familyOf,
  formatCidr,
  formatIp,
  formatSocketAddress,
  parseCidr,
  parseIp,
  parseSocketAddress,
  rangeSize,
} from './address.ts';
export type { Cidr, IpBytes, IpFamily, SocketAddress } from './address.ts';
export { BucketMap } from './bucket-map.ts';
export { differenceMeanings, effectiveScheduler } from './capabilities.ts';
export type {
  Difference,
  DifferenceCode,
  DriverCapabilities,
  EffectiveScheduler,
} from './capabilities.ts';
export { ChoiceState, choose } from './choose.ts';
export type { ChoiceMemory, ChooseOptions } from './choose.ts';
export type { Clock, Random } from './clock.ts';
export { decide } from './decide.ts';
export { connectLatencyBoundsMs } from './driver.ts';
export type {
  ApplyReport,
  ConnectLatency,
  Deviation,
  Driver,
  EndpointCounters,
  EndpointPlace,
  FrontendFailure,
  Missing,
  Observation,
  StandIn,
} from './driver.ts';
export { CodedError, messageOf } from './error.ts';
export type { CodedErrorOptions, CodeOf, ErrorTable } from './error.ts';
export { masquerades } from './flow.ts';
export { fnv1a } from './fnv.ts';
export type {
  Decision,
  DropReason,
  Entry,
  Flow,
  RejectReason,
  Step,
  StepCode,
  Trace,
} from './flow.ts';
export { claimantsOf } from './frontend-index.ts';
export { byNearness, isNear, nearNames } from './nearest.ts';
export { RequestChoices } from './l7/choose-request.ts';
export type {
  ChooseRequest,
  RequestChoice,
  RequestLoad,
  SharedRequestChoice,
} from './l7/choose-request.ts';
export {
  cookieValues,
  formatSetCookie,
  isCookieDomain,
  isCookieName,
  isCookiePath,
} from './l7/cookies.ts';
export type { CookieSettings } from './l7/cookies.ts';
export { decideRequest } from './l7/decide-request.ts';
export type {
  ForwardRequest,
  RequestDecision,
  RequestStep,
  RequestStepCode,
  RequestTrace,
} from './l7/decide-request.ts';
export { defaultHashBound } from './l7/hash-rule.ts';
export type { HashRule, HashSource } from './l7/hash-rule.ts';
export { hostOf } from './l7/match-request.ts';
export { matchesAll } from './l7/route.ts';
export type { HttpRequest, HttpRoute, RequestBackend, RouteTable } from './l7/route.ts';
export { createSessions, keepsSessions, TokenCache } from './l7/sessions.ts';
export type { SessionKey, Sessions } from './l7/sessions.ts';
export type { Newcomer } from './l7/slow-start.ts';
export { PassiveHealth } from './passive-health.ts';
export type { HealthMemory, Trouble, Troubles } from './passive-health.ts';
export { emptyPlan, findFrontend, nextPlan, serversOf } from './plan.ts';
export type { Delta, NodeView, Plan, PlanChange, ServerUpdate } from './plan.ts';
export { decayedLatency, EndpointLoads, sampledLatency } from './schedulers/loads.ts';
export type { Loads } from './schedulers/loads.ts';
export {
  defaultScheduler,
  isSchedulerName,
  pickableSchedulers,
  schedulerFacts,
  schedulerNames,
} from './schedulers/names.ts';
export type { Affinity, PickableScheduler, SchedulerName } from './schedulers/names.ts';
export { outgrown } from './schedulers/outgrown.ts';
export { createSchedulerState, pick } from './schedulers/pick.ts';
export type { SchedulerState } from './schedulers/pick.ts';
export { buildRing } from './schedulers/ring.ts';
export { endpointKey, plainRequestRules, servicePortId } from './service-port.ts';
export type {
  Endpoint,
  Frontend,
  FrontendKind,
  PerRequest,
  PoolName,
  Pools,
  Protocol,
  ProxyProtocol,
  RequestRules,
  RetryRules,
  Replay,
  ServicePortRef,
  TrafficPolicy,
  VirtualServer,
} from './service-port.ts';
export { planHashSeed } from './jhash.ts';
export type { GatewayLack, SecretProblem } from './l7/gateway-lack.ts';
export {
  choosePools,
  leadsToGateway,
  throughGateway,
  topologyMode,
  usableEndpoints,
} from './topology.ts';
export { fill, formatList } from './template.ts';
export type { GapsOf, Value } from './template.ts';
