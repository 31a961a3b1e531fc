import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventRecorder, Service } from '../kube/index.ts';
import { silentLogger } from '../obs/index.ts';
import { createProblemLog } from './problem-log.ts';

function service(annotations: Record<string, string>): Service {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace: 'shop', name: 'db', annotations },
    spec: { ports: [{ name: 'db', port: 5432 }] },
  };
}

test('a setting that is not taken is a Warning on the Service, told again only when it changes', () => {
  const told: string[] = [];
  const events: EventRecorder = {
    record: (about, { type, reason, message }) => {
      told.push(`${about.metadata.name} ${type} ${reason}: ${message}`);
    },
    settled: async () => undefined,
  };
  const problems = createProblemLog(silentLogger, events);
  const sticky = service({ 'switchyard.dev/affinity': 'cookie' });
  problems.check(sticky);
  problems.check(sticky);
  assert.deepEqual(told, [
    'db Warning SettingNotTaken: switchyard.dev/affinity is not taken as it stands: port db does not say that it is HTTP, by appProtocol or by the name http or grpc; its connections are balanced',
  ]);
  problems.check(service({}));
  assert.equal(told.length, 1, 'nothing is said of what is well');
  problems.check(sticky);
  assert.equal(told.length, 2, 'wrong again');
});
