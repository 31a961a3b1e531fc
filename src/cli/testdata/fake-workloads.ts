/** Workloads for the golden files. */
import type { WorkloadSource } from '../../control/index.ts';
import { CodedError } from '../../model/index.ts';

const notFound = (what: string): CodedError =>
  new CodedError('NotFound', `${what} not found`);

export const fakeWorkloads: WorkloadSource = {
  run: async ({ namespace, name, replicas, port }) => {
    if (name === 'taken') throw new CodedError('AlreadyExists', 'deployments.apps "taken" already exists');
    const service = port === undefined ? undefined : { name, address: `127.83.4.20:${port}` };
    return { namespace, kind: 'deployment', name, change: 'created', replicas, service };
  },
  scale: async ({ namespace, kind, name, replicas }) => {
    if (name !== 'web') throw notFound(`deployments.apps "${name}"`);
    return { namespace, kind, name, change: 'scaled', replicas, service: undefined };
  },
  bind: async ({ namespace, kind, name }) => {
    const replicas = kind === 'pod' ? undefined : 3;
    return { namespace, kind, name, change: 'bound', replicas, service: undefined };
  },
  logs: async ({ pod, follow }, { onLine, onSilence }) => {
    if (pod !== 'web-0') throw notFound(`pods "${pod}"`);
    onLine({ from: 'stdout', text: 'listening', at: '2026-01-02T03:04:05.678Z' });
    onSilence();
    if (follow) onLine({ from: 'stderr', text: 'bye', at: '2026-01-02T03:04:06.000Z' });
  },
};
