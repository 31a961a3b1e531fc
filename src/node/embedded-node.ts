/**
 * The embedded node: every Pod is on it, and is either an address that something outside answers at, or a
 * process of this host (`switchyard.dev/command`).
 */
import {
  createEventRecorder,
  createReflector,
  podKind,
  type ObjectClient,
  type Pod,
} from '../kube/index.ts';
import type { Cidr, Clock, Random } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import type { NetEngine } from '../sys/net/index.ts';
import { HeldPods, type AdoptedPod, type SuspendedPod } from './held-pods.ts';
import { registerNode } from './node-object.ts';
import type { PodNetwork } from './pod-places.ts';
import { PodLogs, type LogLine } from './pod-logs.ts';

export interface EmbeddedNodeOptions {
  readonly client: ObjectClient;
  readonly nodeName: string;
  /** Addresses for process Pods. */
  readonly podRange: Cidr;
  /** Gives each of them a network of its own; undefined: its address is this host's. */
  readonly network?: PodNetwork | undefined;
  readonly engine: NetEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Processes that run already, and what they said. */
  readonly adopted?: readonly AdoptedPod[] | undefined;
  readonly saidBefore?: NodeEstate['logs'] | undefined;
  /** Resolves when nobody is sent to the Pod `NAMESPACE/NAME` any more, or when it has waited long enough. */
  readonly withdrawn: (pod: string, limit: WithdrawalLimit) => Promise<void>;
}

/** What runs on a node, for another process to go on with. */
export interface NodeEstate {
  readonly pods: readonly SuspendedPod[];
  readonly logs: readonly (readonly [pod: string, lines: readonly LogLine[]])[];
}

export interface WithdrawalLimit {
  readonly atMostMs: number;
  readonly signal: AbortSignal;
}

export interface EmbeddedNode extends Component {
  readonly logs: PodLogs;
  /** Starts and reads nothing until `resume`. */
  suspend(): NodeEstate;
  resume(): void;
  /** The process that had the adopted Pods has let go: from here on they end with this one. */
  settled(): void;
  /** As `stop`, but the processes go on: another instance of Switchyard has them. */
  release(): Promise<void>;
}

export function createEmbeddedNode(options: EmbeddedNodeOptions): EmbeddedNode {
  const events = createEventRecorder({ ...options, component: 'kubelet' });
  const logs = new PodLogs();
  for (const [pod, lines] of options.saidBefore ?? []) {
    for (const line of lines) logs.append(pod, line);
  }
  const pods = new HeldPods(options, { events, logs });
  const reflector = createReflector<Pod>({
    client: options.client,
    kind: podKind,
    clock: options.clock,
    random: options.random,
    log: options.log,
    onReplace: (items) => pods.replace(items),
    onEvent: (event) => {
      if (event.type === 'DELETED') pods.remove(event.object);
      else pods.set(event.object);
    },
  });
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  return {
    name: 'node',
    logs,
    start: async (signal) => {
      await registerNode(options.client, options.nodeName);
      await reflector.start(signal);
      status = { state: 'ready', detail: undefined };
    },
    stop: async () => {
      await reflector.stop();
      await pods.stop();
      await events.settled();
      status = { state: 'stopped', detail: undefined };
    },
    status: () => status,
    suspend: () => ({ pods: pods.suspend(), logs: logs.all() }),
    resume: () => pods.resume(),
    settled: () => pods.settled(),
    release: async () => {
      pods.release();
      await reflector.stop();
      status = { state: 'stopped', detail: undefined };
    },
  };
}
