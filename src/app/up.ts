/** `switchyard up`: one instance from its flags to Ctrl-C. */
import { resolve } from 'node:path';
import {
  createControlServer,
  defaultInstance,
  findInstances,
  instanceFolder,
  type ControlSource,
  type HandoverStart,
} from '../control/index.ts';
import type { CliEnv } from '../cli/index.ts';
import type { ApiServer } from '../apiserver/index.ts';
import type { UpstreamSource } from '../dns/index.ts';
import type { Component } from '../obs/index.ts';
import { readText, systemClock } from '../sys/index.ts';
import type { AddressBlock } from './address-block.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import { createBackupSource } from './backups.ts';
import { createApi } from './api.ts';
import { createCarryingEngine } from './carrying-engine.ts';
import type { Estate } from './estate.ts';
import { firstPods } from './first-pods.ts';
import { createHandOver, type HandOver } from './hand-over.ts';
import { createInstance, type Instance } from './instance.ts';
import { cannotHandOver } from './kept-in-kernel.ts';
import { kernelDriverFor, type KernelDriver } from './kernel-drivers.ts';
import { createLife, type Life } from './life.ts';
import { startAfter, startOrRelease } from './follow.ts';
import { blockFor, checkSamePlace, dataFolder, openObjects, type Objects } from './objects.ts';
import { podLinksFor } from './pod-network.ts';
import { forgetPastRuns } from './past-runs.ts';
import { stopAll } from './running.ts';
import { becomeSuccessor, type Successor } from './take-over.ts';
import type { UpOptions } from './up-options.ts';
import { sourcesOf } from './up-sources.ts';
import { sourceOf, viewOf, waysOf, type Ways } from './up-views.ts';
import { createWorkloadSource } from './workload-source.ts';

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
      {
        options,
        name,
        kernel: await kernelFor(options),
        engine: await engineFor(options),
        successor: undefined,
      },
      signal,
    );
  }
  if (options.mode === 'nftables') throw cannotHandOver();
  const successor = await becomeSuccessor(folders, options.instance, log);
  try {
    const started = options.asBefore ? startedAs(options, successor.start) : options;
    const { instance } = successor;
    checkSamePlace(started.objects, {
      instance,
      has: successor.start.dataFolder,
      folder: started.folder,
    });
    const engine = await engineFor(started);
    const parts = { options: started, name: instance, engine, successor, kernel: undefined };
    return await startParts(parts, signal);
  } finally {
    successor.giveUp();
  }
}

async function kernelFor({ mode, log }: UpOptions): Promise<KernelDriver | undefined> {
  return await kernelDriverFor(mode, { clock: systemClock, random: Math.random, log });
}

async function engineFor({ engine: prefer, workers, log }: UpOptions): Promise<StreamEngine> {
  return await createCarryingEngine({ prefer, workers, log });
}

function startedAs(
  options: UpOptions,
  {
    files,
    engine,
    workers,
    drainSeconds,
    dnsUpstreams,
    metrics,
    browserPort,
    accessLogShare,
    authorization,
  }: HandoverStart,
): UpOptions {
  return {
    ...options,
    files,
    workers,
    drainSeconds,
    dnsUpstreams,
    metrics,
    browserPort,
    accessLogShare,
    authorization: authorization === 'rbac' ? 'rbac' : 'always-allow',
    engine: engine === 'epoll' || engine === 'auto' ? engine : 'portable',
  };
}

interface Parts {
  readonly options: UpOptions;
  readonly kernel: KernelDriver | undefined;
  readonly name: string;
  readonly engine: StreamEngine;
  readonly successor: Successor | undefined;
}

async function startParts(parts: Parts, signal: AbortSignal): Promise<Up> {
  const { options, name, successor } = parts;
  const { folders, objects: place } = options;
  const wanted = dataFolder(place, { instance: name, folders, folder: options.folder });
  // From here on clients wait: nothing that can be done before belongs below.
  const estate = await successor?.take();
  const folder = estate === undefined ? wanted : estate.dataFolder;
  const objects = await openObjects({ folder, instance: name, folders, estate });
  try {
    return await startWith({ ...parts, objects, estate }, signal);
  } catch (thrown) {
    await objects.close();
    throw thrown;
  }
}

type StartParts = Parts & { readonly objects: Objects; readonly estate: Estate | undefined };

async function startWith(parts: StartParts, signal: AbortSignal): Promise<Up> {
  const { options, name, engine, successor, objects, estate } = parts;
  const { log, pid } = options;
  const claimName = `${options.folders.home ?? ''}/${name}`;
  const inKernel = parts.kernel !== undefined;
  const links = await podLinksFor(options.podNetwork ?? 'auto', { inKernel, log });
  const folder = instanceFolder(options.folders, name);
  const host = inKernel ? { links, folder, log } : undefined;
  const block = await blockFor(engine, { objects, name: claimName, estate, host });
  const assembled = assemble(parts, block);
  const { instance, components, life, handOver, source, control, api, sources } = assembled;
  const kept = {
    ...objects.component,
    start: () => (objects.isRevived ? forgetPastRuns(instance.client, systemClock) : noWork()),
  };
  const addresses = {
    name: 'addresses',
    start: noWork,
    stop: () => block.release(),
    status: ready,
  };
  const own = life.ownComponents(estate === undefined);
  if (successor === undefined) {
    components.push(kept, addresses, control, ...sources, ...own.early, ...own.late, api);
    await startOrRelease(components, { block, signal, log });
  } else {
    components.push(kept, addresses, ...own.early);
    const late = [control, ...sources, ...own.late, api];
    const settled = (): void => life.settled();
    await startAfter(successor, { log, pid, block, components, late, settled }, signal);
  }
  assembled.phase.isStarting = false;
  await firstPods(instance, signal);
  return {
    instance: name,
    source,
    ways: waysOf(instance, api),
    lookup: (host) => instance.names.lookup(host, 'default'),
    stop: () => stopAll(components, log),
    replaced: handOver.replaced,
    retire: (toCut) => life.retire(toCut),
  };
}

interface Assembled {
  readonly instance: Instance;
  /** What is to run, in order; empty for now. */
  readonly components: Component[];
  readonly life: Life;
  readonly handOver: HandOver;
  readonly source: ControlSource;
  readonly control: Component;
  readonly api: ApiServer;
  readonly sources: readonly Component[];
  /** Until all of it has been started. */
  readonly phase: { isStarting: boolean };
}

/** Everything put together; nothing runs yet. */
function assemble(
  { options, name, engine, objects, estate, kernel }: StartParts,
  block: AddressBlock,
): Assembled {
  const { folders, log, pid, drainSeconds, kubeconfigOut, authorization } = options;
  const startedAt = estate?.startedAt ?? new Date(systemClock.now()).toISOString();
  const instance = createInstance({
    engine,
    objects,
    block,
    kernel,
    upstreams: upstreamsOf(options),
    metricsAt: options.metrics,
    browserPort: options.browserPort,
    accessLogShare: options.accessLogShare ?? 0,
    log,
    estate,
    drainMs: drainSeconds === undefined ? undefined : drainSeconds * 1_000,
  });
  const components: Component[] = [];
  const { client, node } = instance;
  const workloads = createWorkloadSource({ client, node, clock: systemClock });
  const life = createLife({ instance, block, components, startedAt, log });
  const folder = instanceFolder(folders, name);
  const start = startOf(options, objects);
  const handOver = createHandOver({ folder, start, log, ...life.giving });
  const view = viewOf({ name, pid, instance, components, startedAt });
  const source = {
    ...sourceOf({ ...instance, workloads }, engine, view),
    handOver: async (protocol: string) => {
      if (kernel !== undefined) throw cannotHandOver();
      return await handOver.offer(protocol);
    },
    backups: createBackupSource({ objects, client, block, folder }),
  };
  const phase = { isStarting: true };
  const control = createControlServer({
    folder,
    instance: name,
    source,
    isStarting: () => phase.isStarting,
    log: log.child({ component: 'control' }),
  });
  const api = createApi({
    instance,
    block,
    name,
    folder,
    kubeconfigOut,
    authorization,
    log,
  });
  const isNew = estate === undefined;
  const sources = sourcesOf({ options, instance, workloads, objects, block, isNew });
  return { instance, components, life, handOver, source, control, api, sources, phase };
}

function startOf(options: UpOptions, objects: Objects): HandoverStart {
  const { engine, workers, drainSeconds, dnsUpstreams, metrics, folder = '' } = options;
  const { browserPort, accessLogShare, authorization } = options;
  // Another process that is started the same way may run in another folder.
  const files = options.files.map((file) => resolve(folder, file));
  const kept = { dataFolder: objects.folder, authorization };
  const requests = { browserPort, accessLogShare };
  return { files, engine, workers, drainSeconds, dnsUpstreams, metrics, ...requests, ...kept };
}

/** `default`, or `default-2`, `default-3`... while those run. */
async function freeName(folders: CliEnv): Promise<string> {
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

const noWork = async (): Promise<void> => undefined;
const ready = (): ReturnType<Component['status']> => ({ state: 'ready', detail: undefined });
