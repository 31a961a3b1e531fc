/** The Pods a node has taken on: started, told of, ended in order, and taken away when they are over. */
import {
  annotations,
  isLeaving,
  isNotFound,
  nameOf,
  objectKey,
  podKind,
  readAnnotation,
  type EventRecorder,
  type Pod,
} from '../kube/index.ts';
import { messageOf } from '../model/index.ts';
import { createOrphanGuard, type Child, type ChildOptions } from '../sys/index.ts';
import type { EmbeddedNodeOptions } from './embedded-node.ts';
import { NodeError } from './errors.ts';
import type { LogLine, PodLogs } from './pod-logs.ts';
import { PodPlaces, type PodPlace } from './pod-places.ts';
import { bindCommand, podStatus, type PodReadiness } from './pod-status.ts';
import { ProcessPod, type AdoptedLife, type SuspendedLife } from './process-pod.ts';

/** A Pod this node has taken on. */
interface Held {
  /** What it was started from; another one starts it anew. */
  readonly source: string;
  readonly process: ProcessPod | undefined;
  readonly address?: string | undefined;
  isEnding: boolean;
}

/** A Pod's process as another instance of Switchyard goes on with it. */
export interface SuspendedPod extends SuspendedLife {
  readonly uid: string;
  readonly address: string;
}

/** A Pod whose process runs already. */
export interface AdoptedPod extends Omit<AdoptedLife, 'child'> {
  readonly uid: string;
  readonly address: string;
  readonly child: ((onLine: ChildOptions['onLine']) => Child) | undefined;
}

const defaultGracePeriodSeconds = 30;
const retryMs = 1_000;
/** So many are told of by log lines; every one says it itself, in its Ready condition. */
const maxBare = 100;

export class HeldPods {
  private readonly options: EmbeddedNodeOptions;
  private readonly events: EventRecorder;
  private readonly logs: PodLogs;
  private readonly places: PodPlaces;
  /** Processes end with this one, even when it is killed; what was another's, once that has let go. */
  private readonly guard;
  /** By uid: a Pod deleted and made again under its name is another Pod. */
  private readonly held = new Map<string, Held>();
  private readonly uids = new Map<string, string>();
  private readonly written = new Map<string, Pod['status']>();
  private readonly writes = new Map<string, Promise<void>>();
  private readonly endings = new Set<Promise<void>>();
  private readonly bare = new Set<string>();
  private readonly stopping = new AbortController();
  /** By uid; taken out when their Pods are taken on. */
  private readonly adopted = new Map<string, AdoptedPod>();

  constructor(
    options: EmbeddedNodeOptions,
    tells: { readonly events: EventRecorder; readonly logs: PodLogs },
  ) {
    this.options = options;
    this.events = tells.events;
    this.logs = tells.logs;
    this.places = new PodPlaces(options);
    this.guard = createOrphanGuard({ armed: options.adopted === undefined });
    for (const adopted of options.adopted ?? []) {
      this.adopted.set(adopted.uid, adopted);
      this.places.keep(adopted.uid, adopted.address);
    }
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
    const held = this.held.get(uid);
    if (isLeaving(pod)) {
      if (held === undefined && this.adopted.has(uid)) this.take(pod, uid);
      this.end(pod, uid);
    } else if (held === undefined) {
      this.take(pod, uid);
    } else if (held.source !== sourceOf(pod, held)) {
      this.startAnew(pod, uid, held);
    }
  }

  remove(pod: Pod): void {
    const uid = pod.metadata.uid ?? '';
    const key = objectKey(nameOf(pod));
    this.drop(uid);
    this.written.delete(uid);
    if (this.uids.get(key) !== uid) return;
    this.uids.delete(key);
    this.logs.forget(key);
  }

  /** What runs, for a process that goes on with it. */
  suspend(): readonly SuspendedPod[] {
    return [...this.held].flatMap(([uid, { process, address }]) =>
      process === undefined || address === undefined
        ? []
        : [{ uid, address, ...process.suspend() }],
    );
  }

  resume(): void {
    for (const { process } of this.held.values()) process?.resume();
  }

  /** Whoever had the processes before has let go of them. */
  settled(): void {
    this.guard.arm();
  }

  /** Lets go of every process without ending it; nothing is written any more. */
  release(): void {
    this.stopping.abort();
    for (const { process } of this.held.values()) process?.release();
    this.held.clear();
    this.guard.close();
  }

  /** Ends every process; resolves when all are gone. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const uid of this.held.keys()) this.drop(uid);
    await Promise.all([...this.endings, ...this.writes.values()]);
    this.guard.close();
  }

  /** What a Pod is has changed: the old process ends before the new one takes its address. */
  private startAnew(pod: Pod, uid: string, { process, source }: Held): void {
    const old: Held = { source, process, isEnding: false };
    const next: Held = { source: sourceOf(pod, old), process: undefined, isEnding: false };
    this.held.set(uid, next);
    const ended = process?.stop() ?? Promise.resolve();
    this.track(
      ended.then(() => {
        if (this.held.get(uid) === next && !next.isEnding) this.take(pod, uid);
      }),
    );
  }

  private take(pod: Pod, uid: string): void {
    const source = sourceOf(pod, undefined);
    const command = readAnnotation(pod, annotations.command);
    if (command === undefined) {
      this.held.set(uid, { source, process: undefined, isEnding: false });
      const given = readAnnotation(pod, annotations.address);
      if (given?.ok === false) {
        const message = `Cannot read annotation ${given.key}: ${given.problem}`;
        this.write(pod, uid, { ...notRunning, reason: 'InvalidAddress', message });
        return;
      }
      const podIP = given?.value.address ?? pod.status?.podIP;
      if (podIP === undefined) this.tellBare(pod);
      this.write(pod, uid, { kind: 'address', podIP });
      return;
    }
    const isOver = pod.status?.phase === 'Succeeded' || pod.status?.phase === 'Failed';
    if (isOver && !this.written.has(uid) && !this.adopted.has(uid)) {
      // It ended for good under an earlier process of this node.
      this.held.set(uid, { source, process: undefined, isEnding: false });
      return;
    }
    try {
      if (!command.ok) throw commandInvalid(command.key, command.problem);
      const place = this.places.take(uid, objectKey(nameOf(pod)));
      const process = this.startProcess({ pod, uid, place }, command.value);
      this.held.set(uid, { source, process, address: place.addresses[0], isEnding: false });
    } catch (thrown) {
      this.held.set(uid, { source, process: undefined, isEnding: false });
      const reason = 'CreateContainerError';
      const message = messageOf(thrown);
      this.events.record(pod, { type: 'Warning', reason: 'Failed', message });
      this.write(pod, uid, { ...notRunning, reason, message });
    }
  }

  /** Once for all Pods of the same making: one command gives them all something. */
  private tellBare(pod: Pod): void {
    const bind = bindCommand(pod);
    if (this.bare.has(bind) || this.bare.size >= maxBare) return;
    this.bare.add(bind);
    this.options.log.warn('A Pod has nothing behind it', {
      pod: objectKey(nameOf(pod)),
      try: `${bind} --command 'node server.js'`,
    });
  }

  private startProcess(
    { pod, uid, place }: { readonly pod: Pod; readonly uid: string; readonly place: PodPlace },
    command: readonly string[],
  ): ProcessPod {
    const { clock, engine, log } = this.options;
    const { addresses } = place;
    const [address = ''] = addresses;
    const name = objectKey(nameOf(pod));
    const container = pod.spec?.containers?.[0];
    const ports = container?.ports ?? [];
    const tcp = ports.find(({ protocol = 'TCP' }) => protocol === 'TCP');
    const folder = readAnnotation(pod, annotations.folder);
    const onLine = (line: LogLine): void => {
      this.logs.append(name, line);
      log.debug('Output of Pod', { pod: name, from: line.from, line: line.text });
    };
    const adopted = this.adopted.get(uid);
    this.adopted.delete(uid);
    if (adopted !== undefined) this.written.set(uid, pod.status);
    return new ProcessPod({
      name,
      command,
      env: environmentOf(pod, addresses, ports[0]?.containerPort),
      folder: folder?.ok === true ? folder.value : undefined,
      address,
      within: (work) => place.run(work),
      port: tcp?.containerPort,
      container,
      gracePeriodMs: graceMsOf(pod),
      clock,
      engine,
      guard: this.guard,
      log,
      onState: (state) => this.write(pod, uid, { kind: 'process', addresses, ...state }),
      onLine,
      adopted: adopted && {
        ...adopted,
        child: adopted.child?.((text, from) =>
          onLine({ text, from, atMs: clock.now(), life: adopted.restarts }),
        ),
      },
      restartPolicy: pod.spec?.restartPolicy ?? 'Always',
      onHappening: (happening) => this.events.record(pod, happening),
    });
  }

  /** Ends a deleted Pod in order: nobody is sent to it any more, its process ends, the object goes. */
  private end(pod: Pod, uid: string): void {
    const held = this.held.get(uid) ?? { source: '', process: undefined, isEnding: false };
    this.held.set(uid, held);
    if (held.isEnding) return;
    held.isEnding = true;
    this.track(this.endInOrder(pod, uid, held));
  }

  private async endInOrder(pod: Pod, uid: string, { process }: Held): Promise<void> {
    const { clock, withdrawn } = this.options;
    const grace = graceMsOf(pod);
    const began = clock.monotonic();
    if (grace > 0) {
      const { signal } = this.stopping;
      await withdrawn(objectKey(nameOf(pod)), { atMostMs: grace / 2, signal });
    }
    if (process !== undefined) {
      const message = `Stopping container ${pod.spec?.containers?.[0]?.name ?? 'main'}`;
      this.events.record(pod, { type: 'Normal', reason: 'Killing', message });
    }
    await process?.stop(Math.max(0, grace - (clock.monotonic() - began)));
    this.places.release(uid);
    while (!this.stopping.signal.aborted && !(await this.takeAway(pod))) {
      await clock.sleep(retryMs, this.stopping.signal);
    }
  }

  /** The last word: the object goes. False when it could not be said. */
  private async takeAway(pod: Pod): Promise<boolean> {
    const { client, log } = this.options;
    const { uid } = pod.metadata;
    try {
      const options = { gracePeriodSeconds: 0, preconditions: { uid } };
      await client.delete(podKind, nameOf(pod), options);
    } catch (thrown) {
      if (isNotFound(thrown)) return true;
      log.warn('Cannot take away a Pod', { pod: objectKey(nameOf(pod)), error: thrown });
      return false;
    }
    return true;
  }

  private drop(uid: string): void {
    const held = this.held.get(uid);
    this.held.delete(uid);
    if (held?.process === undefined) {
      this.places.release(uid);
      return;
    }
    this.track(held.process.stop().then(() => this.places.release(uid)));
  }

  private track(work: Promise<void>): void {
    const ending = work.finally(() => this.endings.delete(ending));
    this.endings.add(ending);
  }

  /** Writes one after the other for each Pod, so that the newest state is the last written. */
  private write(pod: Pod, uid: string, readiness: PodReadiness): void {
    const before = this.writes.get(uid) ?? Promise.resolve();
    const write = before.then(() => this.patch(pod, uid, readiness));
    this.writes.set(uid, write);
    void write.then(() => {
      if (this.writes.get(uid) === write) this.writes.delete(uid);
    });
  }

  private async patch(pod: Pod, uid: string, readiness: PodReadiness): Promise<void> {
    const { client, clock, log, nodeName } = this.options;
    const name = nameOf(pod);
    try {
      if (pod.spec?.nodeName === undefined && !this.written.has(uid)) {
        await client.patch(podKind, name, { spec: { nodeName } });
      }
      const now = `${new Date(clock.now()).toISOString().slice(0, 19)}Z`;
      const status = podStatus(pod, readiness, { now, last: this.written.get(uid) });
      if (this.held.has(uid)) this.written.set(uid, status);
      await client.patch(podKind, name, { status }, { subresource: 'status' });
    } catch (thrown) {
      // A Pod deleted meanwhile needs no status.
      if (!isNotFound(thrown)) {
        log.warn('Cannot write the status of a Pod', { pod: objectKey(name), error: thrown });
      }
    }
  }
}

const notRunning = {
  kind: 'process',
  addresses: [],
  ready: false,
  restarts: 0,
  startedAtMs: undefined,
  lastEnd: undefined,
  isOver: false,
} as const;

/** What a Pod stands on. The address of its status counts only where nothing else says one. */
function sourceOf(pod: Pod, held: Held | undefined): string {
  const { command, address, folder } = annotations;
  const texts = [command, address, folder].map(({ key }) => pod.metadata.annotations?.[key]);
  if (texts[0] !== undefined || texts[1] !== undefined) return JSON.stringify(texts);
  const podIP = pod.status?.podIP;
  // Once given, an address stays; the status is also what this node writes.
  return held !== undefined && podIP === undefined ? held.source : JSON.stringify([podIP]);
}

function graceMsOf({ metadata, spec }: Pod): number {
  const seconds =
    metadata.deletionGracePeriodSeconds ??
    spec?.terminationGracePeriodSeconds ??
    defaultGracePeriodSeconds;
  return seconds * 1_000;
}

function environmentOf(
  pod: Pod,
  addresses: readonly string[],
  port: number | undefined,
): Readonly<Record<string, string>> {
  const declared = (pod.spec?.containers?.[0]?.env ?? []).flatMap((e) =>
    e.value === undefined ? [] : [[e.name, e.value] as const],
  );
  return {
    ...Object.fromEntries(declared),
    HOST: addresses[0] ?? '',
    ...(port === undefined ? {} : { PORT: String(port) }),
    POD_NAME: pod.metadata.name,
    POD_NAMESPACE: pod.metadata.namespace ?? 'default',
    POD_IP: addresses[0] ?? '',
    POD_IPS: addresses.join(','),
  };
}

function commandInvalid(key: string, problem: string): NodeError {
  return new NodeError('POD_COMMAND_INVALID', `Cannot read annotation ${key}: ${problem}`, {
    remedy: 'Write a shell line (node server.js) or a JSON array (["node", "server.js"])',
  });
}
