/** The control socket: how commands find and ask a running instance. */
export { createControlClient } from './client.ts';
export type { ControlClient, SpreadCallOptions } from './client.ts';
export { errorView } from './error-view.ts';
export { ControlError, controlErrors } from './errors.ts';
export { chooseInstance, defaultInstance, findInstances, instanceFolder } from './instance.ts';
export type { FoundInstance, UserFolders } from './instance.ts';
export { createPlanSource } from './plan-source.ts';
export type { PlanSourceOptions } from './plan-source.ts';
export type {
  EndpointView,
  ErrorView,
  FrontendView,
  InstanceView,
  PlanView,
  ServiceFilter,
  ServicePortView,
  SpreadRequest,
  SpreadView,
} from './protocol.ts';
export { createControlServer } from './server.ts';
export type { ControlServerOptions, ControlSource, SpreadRun } from './server.ts';
