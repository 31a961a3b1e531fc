/** The router of `switchyard up` with cookie affinity, over backends of a benchmark. */
import type { RequestRouter } from '../src/gateway/index.ts';
import { ServiceRouter } from '../src/gateway/service-router.ts';
import { testEndpoint, testServer } from '../src/model/testing.ts';
import { systemClock } from '../src/sys/index.ts';
import { host } from './tcp-proxies.ts';

const cookie = {
  name: 'SRV',
  path: '/',
  domain: undefined,
  maxAgeSeconds: undefined,
  sameSite: 'Lax',
  secure: false,
  httpOnly: true,
} as const;

export function stickyRouter(ports: readonly number[]): RequestRouter {
  const endpoints = ports.map((port, i) =>
    testEndpoint({ address: host, port, podUid: `00000000-0000-4000-8000-00000000000${i}` }),
  );
  const pools = { cluster: endpoints, local: [], hasAny: true };
  const server = {
    ...testServer({ endpoints }),
    perRequest: {
      affinity: 'cookie',
      cookie,
      hash: undefined,
      protocol: 'http/1.1',
      tlsSecret: undefined,
      retry: { retries: 2, on: ['reset'], responseTimeoutMs: 60_000 },
      slowStartMs: 0,
      trustedProxies: [],
      pools,
    },
  } as const;
  const router = new ServiceRouter(server, { clock: systemClock, random: Math.random });
  router.follow(server, [new Uint8Array(32).fill(7)]);
  return router.router('cluster');
}
