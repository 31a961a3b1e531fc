/** What another proxy claims, and slices of headless Services, come and go with their labels: against a real watch. */
import { test } from 'node:test';
import { openAccess } from '../../src/cluster/index.ts';
import { createTestProxy, forwarded, testService, testSlice } from '../../src/cluster/testing.ts';
import { endpointSliceKind, labels, nameOf, serviceKind } from '../../src/kube/index.ts';
import { systemClock } from '../../src/sys/index.ts';
import { startApi } from '../support/api.ts';

test(
  'labels take a Service and a slice away, and give them back',
  { timeout: 60_000 },
  async (t) => {
    const api = await startApi();
    t.after(() => api.stop());
    const service = testService(7);
    const slice = testSlice(7, labels.serviceName, [7]);
    await api.registry.create(serviceKind, service);
    await api.registry.create(endpointSliceKind, slice);
    const { kubeconfig } = api;
    const clock = systemClock;
    const access = await openAccess({ kubeconfig, inCluster: undefined, clock });
    let changed = Promise.withResolvers<void>();
    const proxy = createTestProxy({
      access,
      applied: () => {
        changed.resolve();
        changed = Promise.withResolvers();
      },
    });
    await proxy.start();
    t.after(() => proxy.stop());
    const now = (): readonly string[] | undefined =>
      forwarded(proxy.planner.applied().plan)['default/s7'];
    const until = async (want: readonly string[] | undefined): Promise<void> => {
      for (;;) {
        const next = changed.promise;
        if (JSON.stringify(now()) === JSON.stringify(want)) return;
        // Applied is told before the planner says so itself.
        await Promise.race([next, systemClock.sleep(20)]);
      }
    };
    const ofService = (value: string | null): Promise<unknown> =>
      api.registry.patch(serviceKind, nameOf(service), {
        metadata: { labels: { [labels.serviceProxyName]: value } },
      });
    const ofSlice = (value: string | null): Promise<unknown> =>
      api.registry.patch(endpointSliceKind, nameOf(slice), {
        metadata: { labels: { [labels.headless]: value } },
      });
    await until(['10.1.0.7:8080']);
    await ofSlice('');
    await until([]);
    await ofSlice(null);
    await until(['10.1.0.7:8080']);
    await ofService('another');
    await until(undefined);
    await ofService(null);
    await until(['10.1.0.7:8080']);
  },
);
