/**
 * The embedded node: every Pod is on it, and is either an address that something outside answers at, or a
 * process of this host (`switchyard.dev/command`).
 */
import {
  annotations,
  createReflector,
  isNotFound,
  nameOf,
  objectKey,
  podKind,
  readAnnotation,
  type ObjectClient,
  type Pod,
} from '../kube/index.ts';
import { messageOf, type Cidr, type Clock, type Random } from '../model/index.ts';
import type { Component, ComponentStatus, Logger } from '../obs/index.ts';
import type { NetEngine } from '../sys/net/index.ts';
import { PodAddresses } from './pod-addresses.ts';
import { NodeError } from './errors.ts';
import { podStatus, type PodReadiness } from './pod-status.ts';
import { ProcessPod } from './process-pod.ts';

export interface EmbeddedNodeOptions {
  readonly client: ObjectClient;
  readonly nodeName: string;
  /** Addresses for process Pods. */
  readonly podRange: Cidr;
  readonly engine: NetEngine;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
}

const defaultGracePeriodSeconds = 30;

export function createEmbeddedNode(options: EmbeddedNodeOptions): Component {
  const pods = new PodSet(options);
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
    start: async (signal) => {
      await reflector.start(signal);
      status = { state: 'ready', detail: undefined };
    },
    stop: async () => {
      await reflector.stop();
      await pods.stop();
      status = { state: 'stopped', detail: undefined };
    },
    status: () => status,
  };
}

/** A Pod this node has taken on. */
interface Held {
  readonly process: ProcessPod | undefined;
}

class PodSet {
  private readonly options: EmbeddedNodeOptions;
  private readonly addresses: PodAddresses;
  /** By uid: a Pod deleted and made again under its name is another Pod. */
  private readonly held = new Map<string, Held>();
  private readonly uids = new Map<string, string>();
  private readonly writes = new Map<string, Promise<void>>();
  private readonly endings = new Set<Promise<void>>();

  constructor(options: EmbeddedNodeOptions) {
    this.options = options;
    this.addresses = new PodAddresses(options.podRange, options.random);
  }

  replace(items: readonly Pod[]): void {
    const listed = new Set(items.map((pod) => pod.metadata.uid ?? ''));
    for (const uid of this.held.keys()) if (!listed.has(uid)) this.drop(uid);
    for (const pod of items) this.set(pod);
  }

  set(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const key = objectKey(nameOf(pod));
    const previous = this.uids.get(key);
    if (previous !== undefined && previous !== uid) this.drop(previous);
    this.uids.set(key, uid);
    if (!this.held.has(uid)) this.take(pod, uid);
  }

  remove(pod: Pod): void {
    this.uids.delete(objectKey(nameOf(pod)));
    this.drop(pod.metadata.uid ?? '');
  }

  /** Ends every process; resolves when all are gone. */
  async stop(): Promise<void> {
    for (const uid of this.held.keys()) this.drop(uid);
    await Promise.all([...this.endings, ...this.writes.values()]);
  }

  private take(pod: Pod, uid: string): void {
    const command = readAnnotation(pod, annotations.command);
    if (command === undefined) {
      this.held.set(uid, { process: undefined });
      this.write(pod, uid, { kind: 'address', podIP: pod.status?.podIP });
      return;
    }
    try {
      if (!command.ok) throw commandInvalid(command.key, command.problem);
      this.held.set(uid, { process: this.startProcess(pod, uid, command.value) });
    } catch (thrown) {
      this.held.set(uid, { process: undefined });
      this.write(pod, uid, {
        kind: 'process',
        podIP: undefined,
        ready: false,
        restarts: 0,
        reason: 'CreateContainerError',
        message: messageOf(thrown),
      });
    }
  }

  private startProcess(pod: Pod, uid: string, command: readonly string[]): ProcessPod {
    const { clock, engine, log } = this.options;
    const address = this.addresses.take(uid);
    const container = pod.spec?.containers?.[0];
    const port = container?.ports?.[0]?.containerPort;
    const declared = (container?.env ?? []).flatMap((e) =>
      e.value === undefined ? [] : [[e.name, e.value] as const],
    );
    const grace = pod.spec?.terminationGracePeriodSeconds ?? defaultGracePeriodSeconds;
    return new ProcessPod({
      name: objectKey(nameOf(pod)),
      command,
      env: {
        ...Object.fromEntries(declared),
        HOST: address,
        ...(port === undefined ? {} : { PORT: String(port) }),
        POD_NAME: pod.metadata.name,
        POD_NAMESPACE: pod.metadata.namespace ?? 'default',
        POD_IP: address,
      },
      address,
      port,
      gracePeriodMs: grace * 1_000,
      clock,
      engine,
      log,
      onState: (state) => this.write(pod, uid, { kind: 'process', podIP: address, ...state }),
    });
  }

  private drop(uid: string): void {
    const held = this.held.get(uid);
    this.held.delete(uid);
    if (held?.process === undefined) return;
    const ending = held.process.stop().then(() => {
      this.addresses.release(uid);
      this.endings.delete(ending);
    });
    this.endings.add(ending);
  }

  /** Writes one after the other for each Pod, so that the newest state is the last written. */
  private write(pod: Pod, uid: string, readiness: PodReadiness): void {
    const before = this.writes.get(uid) ?? Promise.resolve();
    const write = before.then(() => this.patch(pod, readiness));
    this.writes.set(uid, write);
    void write.then(() => {
      if (this.writes.get(uid) === write) this.writes.delete(uid);
    });
  }

  private async patch(pod: Pod, readiness: PodReadiness): Promise<void> {
    const { client, clock, log, nodeName } = this.options;
    const name = nameOf(pod);
    try {
      if (pod.spec?.nodeName === undefined)
        await client.patch(podKind, name, { spec: { nodeName } });
      const now = new Date(clock.now()).toISOString();
      const status = podStatus(pod, readiness, now);
      await client.patch(podKind, name, { status }, { subresource: 'status' });
    } catch (thrown) {
      // A Pod deleted meanwhile needs no status.
      if (!isNotFound(thrown)) {
        log.warn('Cannot write the status of a Pod', { pod: objectKey(name), error: thrown });
      }
    }
  }
}

function commandInvalid(key: string, problem: string): NodeError {
  return new NodeError('POD_COMMAND_INVALID', `Cannot read annotation ${key}: ${problem}`, {
    remedy: 'Write a shell line (node server.js) or a JSON array (["node", "server.js"])',
  });
}
