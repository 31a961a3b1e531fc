/** What is let through where nobody says otherwise. */
import type { GatewayBounds, RequestPolicy } from './router.ts';

export const defaultBounds: GatewayBounds = {
  maxConnections: 20_000,
  maxEndpointConnections: 1024,
  maxWaiting: 4096,
  maxHeadBytes: 32 * 1024,
  maxBodyBytes: Number.MAX_SAFE_INTEGER,
  headTimeoutMs: 15_000,
  bodyTimeoutMs: 60_000,
  idleTimeoutMs: 75_000,
};

export const defaultPolicy: RequestPolicy = {
  connectTimeoutMs: 5_000,
  responseTimeoutMs: 60_000,
  retries: 2,
  retryOn: ['reset'],
};
