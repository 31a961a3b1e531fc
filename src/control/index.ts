/** The control socket: how commands find and ask a running instance. */
export { createControlClient } from './client.ts';
export type { ControlClient } from './client.ts';
export { ControlError, controlErrors } from './errors.ts';
export { chooseInstance, defaultInstance, findInstances, instanceFolder } from './instance.ts';
export type { UserFolders } from './instance.ts';
export type { RequestSource, RequestView } from './request-protocol.ts';
export type { NameRequest, NameSource, NameView } from './name-protocol.ts';
export { createPlanSource } from './plan-source.ts';
export type {
  AuditView,
  EndpointView,
  ExplainView,
  FrontendView,
  HandoverOffer,
  HandoverStart,
  InstanceView,
  MetricsView,
  PlanView,
  ServiceFilter,
  ServicePortView,
  SpreadView,
  TrafficView,
} from './protocol.ts';
export type {
  BindRequest,
  LogLineView,
  RunRequest,
  WorkloadKind,
  WorkloadSource,
  WorkloadView,
} from './workload-protocol.ts';
export type { BackupRequest, BackupSource, BackupView } from './backup-protocol.ts';
export { createControlServer, instanceTaken } from './server.ts';
export type { ControlSource } from './server.ts';
