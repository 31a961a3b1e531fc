/** The router of `switchyard up` with cookie affinity, over backends of a benchmark, in one thread or several. */
import type { GatewayThreads, RequestRouter } from '../src/gateway/index.ts';
import { ServiceRouter } from '../src/gateway/service-router.ts';
import { plainRequestRules } from '../src/model/index.ts';
import { testCookie, testEndpoint, testServer } from '../src/model/testing.ts';
import { systemClock } from '../src/sys/index.ts';
import { host } from './proxy-rig.ts';

export interface StickyRouter {
  /** The ServicePort. */
  readonly id: string;
  readonly router: RequestRouter;
}

export function stickyRouter(
  ports: readonly number[],
  threads: GatewayThreads | undefined,
): StickyRouter {
  const endpoints = ports.map((port, i) =>
    testEndpoint({ address: host, port, podUid: `00000000-0000-4000-8000-00000000000${i}` }),
  );
  const pools = { cluster: endpoints, local: [], hasAny: true };
  const server = {
    ...testServer({ endpoints }),
    perRequest: {
      ...plainRequestRules,
      affinity: 'cookie',
      cookie: { ...testCookie, name: 'SRV' },
      pools,
    },
  } as const;
  const shared = threads?.share(server.id);
  const router = new ServiceRouter(server, { clock: systemClock, random: Math.random, shared });
  const keys = [new Uint8Array(32).fill(7)];
  router.follow(server, keys);
  threads?.follow(server, keys);
  return { id: server.id, router: router.router('cluster') };
}
