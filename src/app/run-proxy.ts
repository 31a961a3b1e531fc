/** Runs `switchyard proxy` from its flags to the signal that ends it: mirror -> planner -> driver, and who asks them. */
import type { ProxyRunOptions } from '../cli/index.ts';
import { proxyFollowings } from '../cluster/index.ts';
import {
  createControlServer,
  createPlanSource,
  instanceFolder,
  type ControlSource,
} from '../control/index.ts';
import { formatSocketAddress } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import { keepYoungHeapSmall, systemClock } from '../sys/index.ts';
import { createEngine, type StreamEngine } from '../sys/net/index.ts';
import { openCluster, runUntil, type ClusterRun } from './cluster-run.ts';
import { AppError } from './errors.ts';
import { kernelDriverFor, type ForwardMode } from './kernel-drivers.ts';
import { createNodeAgent, type NodeAgent } from './node-agent.ts';
import { proxySettings, type ProxySettings } from './proxy-settings.ts';
import { createRequestSource } from './request-source.ts';
import type { RunContext } from './run-dns.ts';
import { version } from './version.ts';
import { gatherWorld } from './world.ts';

/** Rejects when the way to the cluster, the configuration or an address to listen at is wrong. */
export async function runProxy(
  options: ProxyRunOptions,
  { io, signal, pid }: RunContext & { readonly pid: number },
): Promise<number> {
  keepYoungHeapSmall();
  const settings = await proxySettings(options);
  const { kubeconfig, node } = settings;
  const followings = proxyFollowings(node);
  const run = await openCluster({ options: { ...options, kubeconfig }, io, followings, node });
  const { log } = run;
  for (const { field, note } of settings.notes) {
    log.warn('Field of the KubeProxyConfiguration changes nothing', { field, note });
  }
  const { engine, notEpoll } = await createEngine({ prefer: options.engine });
  if (notEpoll !== undefined) log.info('Carrying TCP with the portable engine', { why: notEpoll });
  const clock = systemClock;
  const mode = modeOf(options.mode, settings);
  const kernel = await kernelDriverFor(mode, { clock, random: run.random, log });
  const agent = createNodeAgent({ ...run, client: run.mirror.client, engine, kernel, settings });
  const name = options.instance ?? node;
  const components: Component[] = [run.mirror, ...agent.components];
  const startedAt = new Date(systemClock.now()).toISOString();
  const instance: ControlSource['instance'] = () => ({
    instance: name,
    pid,
    version,
    startedAt,
    driver: agent.driver.name,
    planRevision: agent.planner.applied().plan.revision,
    names: undefined,
    components: components.map((part) => ({ name: part.name, ...part.status() })),
  });
  components.push(
    createControlServer({
      folder: instanceFolder(io.env, name),
      instance: name,
      source: sourceOf(run, { agent, engine, instance }),
      log: log.child({ component: 'control' }),
    }),
  );
  return await runUntil(signal, {
    components,
    log,
    ready: () => io.stdout.write(said(options, { run, agent, settings, instance })),
  });
}

/** Requests are balanced by whoever has their connections, which rules of the kernel would pass on. */
function modeOf(mode: ForwardMode, { requests }: ProxySettings): ForwardMode {
  if (!requests || mode === 'userspace') return mode;
  if (mode === 'auto') return 'userspace';
  throw new AppError('MODE_UNAVAILABLE', `Cannot balance requests with --mode ${mode}`, {
    remedy: 'Start with --mode userspace, or run switchyard gateway for them beside it',
  });
}

interface Asked {
  readonly agent: NodeAgent;
  readonly engine: StreamEngine;
  readonly instance: ControlSource['instance'];
}

function sourceOf(run: ClusterRun, { agent, engine, instance }: Asked): ControlSource {
  const { planner, driver, metrics, gateway } = agent;
  return createPlanSource({
    instance,
    plan: () => planner.applied().plan,
    report: () => planner.applied().report,
    driver,
    engine,
    clock: systemClock,
    // Explaining takes objects that forwarding does not: whole ones, asked for when somebody wants to know.
    world: () => gatherWorld({ client: run.whole, driver, gateway, applied: planner.applied }),
    ...(gateway === undefined
      ? {}
      : {
          requests: createRequestSource({
            gateway,
            applied: planner.applied,
            clock: systemClock,
          }),
        }),
    metrics: async () => {
      const at = metrics.address();
      return { address: at && formatSocketAddress(at), text: await metrics.text() };
    },
  });
}

interface Running {
  readonly run: ClusterRun;
  readonly agent: NodeAgent;
  readonly settings: ProxySettings;
  readonly instance: ControlSource['instance'];
}

function said({ output }: ProxyRunOptions, { run, agent, settings, instance }: Running): string {
  const { plan, report } = agent.planner.applied();
  const [healthz, metrics] = [agent.health.address(), agent.metrics.address()].map(
    (at) => at && formatSocketAddress(at),
  );
  const view = {
    ...instance(),
    cluster: run.cluster.server,
    node: settings.node,
    healthz,
    metrics,
    objects: run.mirror.counts(),
    servicePorts: plan.servers.size,
    failures: report.failures.length,
  };
  if (output === 'json') return `${JSON.stringify(view, undefined, 2)}\n`;
  const { detail } = run.mirror.status();
  const lines = [
    `Switchyard ${version}, node ${view.node}, ${view.driver} driver`,
    `${view.servicePorts} Service ports of ${view.cluster} are forwarded`,
    ...(view.failures === 0
      ? []
      : [
          `${view.failures} frontends cannot be served here: switchyard get services --instance ${view.instance}`,
        ]),
    ...(detail === undefined ? [] : [detail]),
    ...(healthz === undefined ? [] : [`Health is at http://${healthz}/healthz and /livez`]),
    ...(metrics === undefined ? [] : [`Prometheus finds metrics at http://${metrics}/metrics`]),
    'Ready. Ctrl-C stops it.',
  ];
  return `${lines.join('\n')}\n`;
}
