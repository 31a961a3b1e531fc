/** The embedded Kubernetes API over HTTP. */
export type { Authorization } from './access/index.ts';
export { createFieldTracker } from './field-tracker.ts';
export { createApiServer } from './server.ts';
export type { ApiServer, ApiServerOptions } from './server.ts';
export type { LogSource } from './context.ts';
