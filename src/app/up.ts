/** `switchyard up`: one instance from its flags to Ctrl-C. */
import type { ApiServer } from '../apiserver/index.ts';
import {
  createControlServer,
  createPlanSource,
  defaultInstance,
  findInstances,
  instanceFolder,
  type ControlSource,
  type InstanceView,
  type RunRequest,
  type UserFolders,
  type WorkloadSource,
} from '../control/index.ts';
import type { UpstreamSource } from '../dns/index.ts';
import { nameOf, objectKey, podKind, serviceKind } from '../kube/index.ts';
import { formatSocketAddress, type SocketAddress } from '../model/index.ts';
import { createManifestSource } from '../manifests/index.ts';
import type { Component, Logger } from '../obs/index.ts';
import { readText, systemClock } from '../sys/index.ts';
import { createEngine, type EnginePreference, type NetEngine } from '../sys/net/index.ts';
import { claimAddressBlock } from './address-block.ts';
import { createApi } from './api.ts';
import { createDemo } from './demo.ts';
import { createInstance, type Instance } from './instance.ts';
import { createRequestSource } from './request-source.ts';
import { startAll, stopAll } from './running.ts';
import { version } from './version.ts';
import { gatherWorld } from './world.ts';
import { createWorkloadSource } from './workload-source.ts';

export interface UpOptions {
  /** Files and folders of manifests. */
  readonly files: readonly string[];
  readonly demo: boolean;
  readonly engine: EnginePreference;
  /** Who is asked for names outside of the cluster; none: those the host asks. */
  readonly dnsUpstreams: readonly SocketAddress[];
  /** Where metrics are served; undefined: nowhere. */
  readonly metrics: SocketAddress | undefined;
  /** A workload to start with. */
  readonly run?: RunRequest | undefined;
  /** A second place for the kubeconfig. */
  readonly kubeconfigOut?: string | undefined;
  /** A free name is found when it is undefined. */
  readonly instance: string | undefined;
  readonly folders: UserFolders;
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
}

export interface Ways {
  readonly dns: SocketAddress | undefined;
  /** Where names are answered besides. */
  readonly alsoDns: readonly SocketAddress[];
  readonly door: SocketAddress | undefined;
  /** Where `http://SERVICE.NAMESPACE.localhost` answers. */
  readonly gateway: SocketAddress | undefined;
  readonly metrics: SocketAddress | undefined;
  /** The file with which kubectl finds the API. */
  readonly kubeconfig: string;
}

/** How long Pods may take to start before `up` calls itself ready without them. */
const firstPodsMs = 10_000;
const podPollMs = 20;
const systemNamespace = 'kube-system';

/** Resolves when everything serves. Rejects with a CodedError, and then nothing is left behind. */
export async function startUp(options: UpOptions, signal: AbortSignal): Promise<Up> {
  const { folders, log, demo } = options;
  const name = options.instance ?? (await freeName(folders));
  const { engine, notEpoll } = await createEngine({ prefer: options.engine });
  if (notEpoll !== undefined) log.info('Carrying TCP with the portable engine', { why: notEpoll });
  const startedAt = new Date(systemClock.now()).toISOString();
  const block = await claimAddressBlock(engine, `${folders.home ?? ''}/${name}`);
  const upstreams = upstreamsOf(options);
  const instance = createInstance({ engine, block, upstreams, metricsAt: options.metrics, log });
  const components: Component[] = [];
  const folder = instanceFolder(folders, name);
  const { kubeconfigOut } = options;
  const api = createApi({ instance, block, name, folder, kubeconfigOut, log });
  const workloads = createWorkloadSource({
    client: instance.client,
    node: instance.node,
    clock: systemClock,
  });
  const source = sourceOf({ ...instance, workloads }, engine, () => ({
    instance: name,
    pid: options.pid,
    version,
    startedAt,
    driver: instance.driver.name,
    planRevision: instance.planner.applied().plan.revision,
    names: namesView(instance),
    components: components.map((component) => ({ name: component.name, ...component.status() })),
  }));
  components.push(
    { name: 'addresses', start: noWork, stop: () => block.release(), status: ready },
    createControlServer({
      folder,
      instance: name,
      source,
      log: log.child({ component: 'control' }),
    }),
    ...(demo ? [demoComponent(instance, options.runtime)] : []),
    ...(options.run === undefined ? [] : [runComponent(workloads, options.run)]),
    ...(options.files.length > 0 ? [manifests(instance, options)] : []),
    ...instance.components,
    api,
  );
  try {
    await startAll(components, signal, log);
  } catch (thrown) {
    await block.release();
    throw thrown;
  }
  await firstPods(instance, AbortSignal.any([signal, AbortSignal.timeout(firstPodsMs)]));
  const ways = waysOf(instance, api);
  return {
    instance: name,
    source,
    ways,
    lookup: (host) => instance.names.lookup(host, 'default'),
    stop: () => stopAll(components, log),
  };
}

/** `default`, or `default-2`, `default-3`... while those run. */
async function freeName(folders: UserFolders): Promise<string> {
  const taken = new Set((await findInstances(folders)).map((found) => found.name));
  for (let n = 1; ; n++) {
    const name = n === 1 ? defaultInstance : `${defaultInstance}-${n}`;
    if (!taken.has(name)) return name;
  }
}

function waysOf({ names, door, gateway, metrics }: Instance, { kubeconfig }: ApiServer): Ways {
  const [dns, ...alsoDns] = names.dns.addresses();
  return {
    dns,
    alsoDns,
    door: door.address(),
    gateway: gateway.localhost(),
    metrics: metrics.address(),
    kubeconfig,
  };
}

function namesView({ names, door }: Instance): InstanceView['names'] {
  const at = door.address();
  return {
    dns: names.dns.addresses().map(formatSocketAddress),
    door: at === undefined ? undefined : formatSocketAddress(at),
  };
}

function upstreamsOf({ dnsUpstreams }: UpOptions): UpstreamSource {
  return dnsUpstreams.length > 0
    ? { kind: 'given', servers: dnsUpstreams }
    : { kind: 'resolv-conf', read: () => readText('/etc/resolv.conf') };
}

function sourceOf(
  {
    client,
    planner,
    driver,
    names,
    metrics,
    gateway,
    workloads,
  }: Instance & { readonly workloads: WorkloadSource },
  engine: NetEngine,
  instance: ControlSource['instance'],
): ControlSource {
  return createPlanSource({
    instance,
    plan: () => planner.applied().plan,
    report: () => planner.applied().report,
    driver,
    engine,
    clock: systemClock,
    world: () => gatherWorld({ client, driver, applied: planner.applied }),
    metrics: async () => {
      const at = metrics.address();
      return { address: at && formatSocketAddress(at), text: await metrics.text() };
    },
    workloads,
    names,
    requests: createRequestSource({ gateway, applied: planner.applied, clock: systemClock }),
  });
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

/** Waits while Pods are starting, and until the driver forwards to those that have; or until `signal` aborts. */
async function firstPods(
  { client, gateway, planner }: Instance,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const { items } = await client.list(podKind);
    const servers = [...planner.applied().plan.servers.values()];
    const endpoints = servers.flatMap((s) => s.endpoints);
    const forwarded = new Set(endpoints.flatMap(({ pod, ready }) => (ready ? [pod] : [])));
    const selected = new Set(endpoints.map(({ pod }) => pod));
    const starting = items.some((pod) => {
      const key = objectKey(nameOf(pod));
      const condition = pod.status?.conditions?.find(({ type }) => type === 'Ready');
      if (condition?.status === 'True') return selected.has(key) && !forwarded.has(key);
      return condition === undefined || condition.reason === 'ContainersNotReady';
    });
    // The Service for names is made last, after everything else is planned.
    const system = await client.list(serviceKind, { namespace: systemNamespace });
    const planned = new Set(servers.map(({ ref }) => `${ref.namespace}/${ref.name}`));
    const isBehind = system.items.some((service) => !planned.has(objectKey(nameOf(service))));
    if (!starting && !isBehind && gateway.isSettled(planner.applied().plan)) return;
    await systemClock.sleep(podPollMs, signal);
  }
}

const noWork = async (): Promise<void> => undefined;
const ready = (): ReturnType<Component['status']> => ({ state: 'ready', detail: undefined });
