/** What a kernel is asked for before it is used is all that Plans will want of it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBatch } from '../../codec/nftables/index.ts';
import { emptyPlan, nextPlan, schedulerNames, type Plan } from '../../model/index.ts';
import { clusterIp, testEndpoint, testNode, testServer } from '../conformance/index.ts';
import { tableGroups } from '../conformance/table-cases.ts';
import { stageWhole } from './apply.ts';
import { everythingOnce } from './feature-check.ts';

/** By the names the kernel has for them: what rules do, and where chains are hooked. */
function featuresOf(bytes: Uint8Array): ReadonlySet<string> {
  const features = new Set<string>();
  for (const statement of readBatch(bytes)) {
    if (statement.do === 'add rule') {
      for (const { kind } of statement.rule.expressions)
        features.add(`${statement.family} ${kind}`);
    } else if (statement.do === 'add chain' && statement.base !== undefined) {
      features.add(`${statement.family} ${statement.base.type} ${statement.base.hook}`);
    }
  }
  return features;
}

function commitOf(plan: Plan): Uint8Array {
  const options = { random: () => 0.5, localPods: { by: 'address', ranges: [] } } as const;
  return stageWhole(plan, options).batch.finish();
}

test('no sentence of the decision table wants more of a kernel than was tried', () => {
  const tried = featuresOf(everythingOnce());
  for (const { plan } of tableGroups()) {
    const wanted = featuresOf(commitOf(plan));
    assert.deepEqual(
      [...wanted].filter((feature) => !tried.has(feature)),
      [],
    );
  }
});

test('nor does any scheduler', () => {
  const tried = featuresOf(everythingOnce());
  const endpoints = ['10.244.1.2', '10.244.1.3'].map((address) =>
    testEndpoint({ address, port: 8_080 }),
  );
  const set = schedulerNames.map((scheduler, i) =>
    testServer([clusterIp({ address: `10.96.0.${i + 1}`, port: 80 })], {
      name: scheduler,
      scheduler,
      endpoints,
    }),
  );
  const next = nextPlan(emptyPlan(testNode()), { set, remove: [] });
  assert.equal(next?.plan.servers.size, schedulerNames.length);
  assert.deepEqual(
    [...featuresOf(commitOf(next.plan))].filter((feature) => !tried.has(feature)),
    [],
  );
});
