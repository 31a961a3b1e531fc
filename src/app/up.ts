/** `switchyard up`: one instance from its flags to Ctrl-C. */
import { resolve } from 'node:path';
import {
  createControlServer,
  defaultInstance,
  findInstances,
  instanceFolder,
  type ControlSource,
  type HandoverStart,
  type RunRequest,
  type UserFolders,
  type WorkloadSource,
} from '../control/index.ts';
import type { UpstreamSource } from '../dns/index.ts';
import type { SocketAddress } from '../model/index.ts';
import { createManifestSource } from '../manifests/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import { readText, systemClock } from '../sys/index.ts';
import {
  createEngine,
  type EnginePreference,
  type NetEngine,
  type StreamEngine,
} from '../sys/net/index.ts';
import { claimAddressBlock, inheritAddressBlock, type AddressBlock } from './address-block.ts';
import { createApi } from './api.ts';
import { createDemo } from './demo.ts';
import type { Estate } from './estate.ts';
import { firstPods } from './first-pods.ts';
import { createHandOver } from './hand-over.ts';
import { createInstance, type Instance } from './instance.ts';
import { createLife } from './life.ts';
import { startAfter, startOrRelease } from './follow.ts';
import { stopAll } from './running.ts';
import { becomeSuccessor, type Successor } from './take-over.ts';
import { sourceOf, viewOf, waysOf, type Ways } from './up-views.ts';
import { createWorkloadSource } from './workload-source.ts';

export interface UpOptions {
  /** Files and folders of manifests. */
  readonly files: readonly string[];
  readonly demo: boolean;
  readonly engine: EnginePreference;
  /** Threads that carry TCP; 1 when undefined. */
  readonly workers?: number | undefined;
  /** Who is asked for names outside of the cluster; none: those the host asks. */
  readonly dnsUpstreams: readonly SocketAddress[];
  /** Where metrics are served; undefined: nowhere. */
  readonly metrics: SocketAddress | undefined;
  /** A workload to start with. */
  readonly run?: RunRequest | undefined;
  /** A second place for the kubeconfig. */
  readonly kubeconfigOut?: string | undefined;
  /** Takes the place of the running instance. */
  readonly replace: boolean;
  /** And is started as that was: its files, engine and drain. */
  readonly asBefore: boolean;
  /** How long connections may go on when this ends or is replaced. */
  readonly drainSeconds: number | undefined;
  /** A free name is found when it is undefined. */
  readonly instance: string | undefined;
  readonly folders: UserFolders;
  /** Where the command was given: files are named from there. */
  readonly folder: string | undefined;
  /** What runs JavaScript here. */
  readonly runtime: string;
  readonly pid: number;
  readonly log: Logger;
}

/** A running instance. */
export interface Up {
  readonly instance: string;
  readonly source: ControlSource;
  /** Where names are answered, and where clients that do not resolve come in. */
  readonly ways: Ways;
  /** The addresses behind a host name, as a client in the namespace `default` finds them. */
  readonly lookup: (host: string) => Promise<readonly string[]>;
  stop(): Promise<void>;
  /** Resolves with the process that serves now instead of this one, if it ever comes to that. */
  readonly replaced: Promise<number>;
  /** After `replaced`: lets connections end; resets them when `signal` aborts or they have had their time. */
  retire(signal: AbortSignal): Promise<void>;
}

/** Resolves when everything serves. Rejects with a CodedError, and then nothing is left behind. */
export async function startUp(options: UpOptions, signal: AbortSignal): Promise<Up> {
  const { folders, log } = options;
  if (!options.replace) {
    const name = options.instance ?? (await freeName(folders));
    return await startParts(
      { options, name, engine: await engineFor(options), successor: undefined },
      signal,
    );
  }
  const successor = await becomeSuccessor(folders, options.instance, log);
  try {
    const started = options.asBefore ? startedAs(options, successor.start) : options;
    const engine = await engineFor(started);
    const parts = { options: started, name: successor.instance, engine, successor };
    return await startParts(parts, signal);
  } finally {
    successor.giveUp();
  }
}

async function engineFor({ engine: prefer, workers = 1, log }: UpOptions): Promise<StreamEngine> {
  const { engine, notEpoll } = await createEngine({
    prefer,
    workers,
    onThreadFailed: (error) =>
      log.error('A thread failed: the connections it carried are reset', { error }),
  });
  if (notEpoll !== undefined) log.info('Carrying TCP with the portable engine', { why: notEpoll });
  if (workers > 1 && engine.name === 'portable') {
    log.warn('Carrying TCP in one thread: only the epoll engine shares connections', { workers });
  }
  return engine;
}

function startedAs(
  options: UpOptions,
  { files, engine, workers, drainSeconds, dnsUpstreams, metrics }: HandoverStart,
): UpOptions {
  return {
    ...options,
    files,
    workers,
    drainSeconds,
    dnsUpstreams,
    metrics,
    engine: engine === 'epoll' || engine === 'auto' ? engine : 'portable',
  };
}

interface Parts {
  readonly options: UpOptions;
  readonly name: string;
  readonly engine: StreamEngine;
  readonly successor: Successor | undefined;
}

async function startParts(
  { options, name, engine, successor }: Parts,
  signal: AbortSignal,
): Promise<Up> {
  const { folders, log } = options;
  const upstreams = upstreamsOf(options);
  // From here on clients wait: nothing that can be done before belongs below.
  const estate = await successor?.take();
  const startedAt = estate?.startedAt ?? new Date(systemClock.now()).toISOString();
  const block = await blockFor(engine, `${folders.home ?? ''}/${name}`, estate);
  const drainMs = options.drainSeconds === undefined ? undefined : options.drainSeconds * 1_000;
  const instance = createInstance({
    engine,
    block,
    upstreams,
    metricsAt: options.metrics,
    log,
    estate,
    drainMs,
  });
  const components: Component[] = [];
  const workloads = createWorkloadSource({
    client: instance.client,
    node: instance.node,
    clock: systemClock,
  });
  const life = createLife({ instance, block, components, startedAt, log });
  const folder = instanceFolder(folders, name);
  const handOver = createHandOver({ folder, start: startOf(options), log, ...life.giving });
  const view = viewOf({ name, pid: options.pid, instance, components, startedAt });
  const source = {
    ...sourceOf({ ...instance, workloads }, engine, view),
    handOver: (protocol: string) => handOver.offer(protocol),
  };
  const control = createControlServer({
    folder,
    instance: name,
    source,
    log: log.child({ component: 'control' }),
  });
  const { kubeconfigOut } = options;
  const api = createApi({ instance, block, name, folder, kubeconfigOut, log });
  const sources = [
    ...(options.demo && estate === undefined ? [demoComponent(instance, options.runtime)] : []),
    ...(options.run === undefined ? [] : [runComponent(workloads, options.run)]),
    ...(options.files.length > 0 ? [manifests(instance, options)] : []),
  ];
  const addresses = {
    name: 'addresses',
    start: noWork,
    stop: () => block.release(),
    status: ready,
  };
  const own = life.ownComponents(estate === undefined);
  if (successor === undefined) {
    components.push(addresses, control, ...sources, ...own.early, ...own.late, api);
    await startOrRelease(components, { block, signal, log });
  } else {
    components.push(addresses, ...own.early);
    const late = [control, ...sources, ...own.late, api];
    await startAfter(
      successor,
      { log, pid: options.pid, block, components, late, settled: () => life.settled() },
      signal,
    );
  }
  await firstPods(instance, signal);
  const ways = waysOf(instance, api);
  return {
    instance: name,
    source,
    ways,
    lookup: (host) => instance.names.lookup(host, 'default'),
    stop: () => stopAll(components, log),
    replaced: handOver.replaced,
    retire: (toCut) => life.retire(toCut),
  };
}

function blockFor(
  engine: NetEngine,
  name: string,
  estate: Estate | undefined,
): Promise<AddressBlock> {
  if (estate === undefined) return claimAddressBlock(engine, name);
  const { claim } = estate;
  const at = claim && { ...claim.address, descriptor: claim.descriptor };
  return inheritAddressBlock(engine, estate.serviceRange, at);
}

function startOf(options: UpOptions): HandoverStart {
  const { engine, workers, drainSeconds, dnsUpstreams, metrics, folder = '' } = options;
  // Another process that is started the same way may run in another folder.
  const files = options.files.map((file) => resolve(folder, file));
  return { files, engine, workers, drainSeconds, dnsUpstreams, metrics };
}

/** `default`, or `default-2`, `default-3`... while those run. */
async function freeName(folders: UserFolders): Promise<string> {
  const taken = new Set((await findInstances(folders)).map((found) => found.name));
  for (let n = 1; ; n++) {
    const name = n === 1 ? defaultInstance : `${defaultInstance}-${n}`;
    if (!taken.has(name)) return name;
  }
}

function upstreamsOf({ dnsUpstreams }: UpOptions): UpstreamSource {
  return dnsUpstreams.length > 0
    ? { kind: 'given', servers: dnsUpstreams }
    : { kind: 'resolv-conf', read: () => readText('/etc/resolv.conf') };
}

function manifests({ client }: Instance, { files, log }: UpOptions): Component {
  return createManifestSource({
    paths: files,
    client,
    clock: systemClock,
    log: log.child({ component: 'manifests' }),
  });
}

function demoComponent({ client }: Instance, runtime: string): Component {
  return {
    name: 'demo',
    start: () => createDemo(client, runtime),
    stop: noWork,
    status: ready,
  };
}

function runComponent(workloads: WorkloadSource, request: RunRequest): Component {
  return {
    name: 'run',
    start: async () => {
      await workloads.run(request);
    },
    stop: noWork,
    status: ready,
  };
}

const noWork = async (): Promise<void> => undefined;
const ready = (): ReturnType<Component['status']> => ({ state: 'ready', detail: undefined });
