/** Health in kube-proxy's JSON, and by its rules: golden answers of a node's life. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFakeClock } from '../sys/index.ts';
import { ProxyHealth, type HealthAnswer } from './proxy-health.ts';

const start = Date.UTC(2026, 10, 22, 9, 30);

test('a node from its start to its end', async (t) => {
  const clock = createFakeClock(start);
  let isNodeEligible = true;
  const api: { awaySinceMs?: number } = {};
  const health = new ProxyHealth({
    clock,
    syncMs: 30_000,
    families: ['IPv4', 'IPv6'],
    isNodeEligible: () => isNodeEligible,
    apiAwaySinceMs: () => api.awaySinceMs,
  });
  const lines: string[] = [];
  const show = (when: string, answer: HealthAnswer): void => {
    const headers = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}`);
    lines.push(`# ${when}`, String(answer.status), ...headers, answer.body, '');
  };
  show('before the first sync', health.answer('healthz'));
  health.queued();
  health.synced();
  await clock.advance(1_000);
  show('synced', health.answer('healthz'));
  show('synced', health.answer('livez'));
  health.queued();
  await clock.advance(59_999);
  show('a change waits, not yet too long', health.answer('healthz'));
  health.queued();
  await clock.advance(1);
  show('the oldest change waits for twice the sync period', health.answer('healthz'));
  const web = { namespace: 'shop', name: 'web' };
  show('a Service while the node is not healthy', health.serviceAnswer(web, 2));
  health.synced();
  show('a Service with endpoints here', health.serviceAnswer(web, 2));
  show('a Service without', health.serviceAnswer(web, 0));
  isNodeEligible = false;
  show('the node is to be taken away', health.answer('healthz'));
  show('the node is to be taken away', health.answer('livez'));
  isNodeEligible = true;
  api.awaySinceMs = clock.now() - 5_000;
  show('the API is away', health.answer('healthz'));
  t.assert.fileSnapshot(lines.join('\n'), join(import.meta.dirname, 'testdata', 'health.txt'), {
    serializers: [(text: unknown) => String(text)],
  });
  assert.deepEqual(
    [...health.counts.healthz],
    [
      [503, 3],
      [200, 3],
    ],
  );
});
