/** Objects that come, change and go, watches that are cut, lists made again: memory stays that of what is there. */
import assert from 'node:assert/strict';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { test } from 'node:test';
import { ScriptedApi } from '../../test/support/scripted-api.ts';
import { endpointSliceKind, labels, nodeKind, serviceKind } from '../kube/index.ts';
import { systemClock } from '../sys/index.ts';
import { accessTo, createTestProxy, hurriedClock, testService, testSlice } from './testing.ts';

const services = 300;
const soak = process.env['SWITCHYARD_SOAK'] === '1';
/** The first rounds fill caches and warm the code up; what grows after them grows for ever. */
const warmRounds = soak ? 400 : 60;
const rounds = soak ? 32_000 : 160;
const changesEach = 100;

test(`memory is flat over ${rounds * changesEach} changes`, async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  assert.ok(typeof collect === 'function');
  const api = new ScriptedApi({ history: 500 });
  await api.start();
  t.after(() => api.stop());
  api.set(nodeKind, { apiVersion: 'v1', kind: 'Node', metadata: { name: 'node-a' } });
  const put = (i: number, n: number): void => {
    api.set(serviceKind, testService(i));
    api.set(endpointSliceKind, testSlice(i, labels.serviceName, [n, n + 1, n + 2]));
  };
  for (let i = 0; i < services; i++) put(i, i);
  const proxy = createTestProxy({
    access: accessTo(api.url),
    clock: hurriedClock(50),
    applied: () => undefined,
  });
  await proxy.start();
  t.after(() => proxy.stop());
  const round = async (n: number): Promise<void> => {
    for (let k = 0; k < changesEach; k++) {
      const i = (n * changesEach + k) % services;
      if (k % 10 === 0) {
        api.remove(serviceKind, testService(i));
        api.remove(endpointSliceKind, testSlice(i, labels.serviceName, []));
      }
      put(i, (n * changesEach + k) % 65_536);
    }
    if (n % 20 === 7) api.cut(() => ({ kind: 'cut' }));
    if (n % 20 === 17) api.cut(() => ({ kind: 'status', code: 410 }));
    const wanted = `s${(n * changesEach + changesEach - 1) % services}`;
    const port = (n * changesEach + changesEach - 1) % 65_536;
    const has = (): boolean =>
      [...proxy.planner.applied().plan.servers.values()].some(
        ({ ref, endpoints }) =>
          ref.name === wanted &&
          endpoints.some(({ address }) => address === `10.1.${port >> 8}.${port & 255}`),
      );
    const deadline = Date.now() + 20_000;
    while (!has()) {
      assert.ok(Date.now() < deadline, `round ${n} did not arrive`);
      await systemClock.sleep(2);
    }
  };
  const heapMb = (): number => {
    collect();
    return process.memoryUsage().heapUsed / 2 ** 20;
  };
  for (let n = 0; n < warmRounds; n++) await round(n);
  const before = heapMb();
  for (let n = warmRounds; n < rounds; n++) await round(n);
  const after = heapMb();
  t.diagnostic(`${before.toFixed(1)} MB, then ${after.toFixed(1)} MB`);
  assert.ok(
    after < before * 1.1 + 1,
    `it grew from ${before.toFixed(1)} to ${after.toFixed(1)} MB`,
  );
  assert.equal(proxy.planner.applied().plan.servers.size, services);
});
