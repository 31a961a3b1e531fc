/** Runs `switchyard proxy` from its flags to the signal that ends it: mirror -> planner -> driver, and who asks them. */
import type { ProxyRunOptions } from '../cli/index.ts';
import { proxyFollowings } from '../cluster/index.ts';
import type { ControlSource } from '../control/index.ts';
import { formatSocketAddress } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import { keepYoungHeapSmall, systemClock } from '../sys/index.ts';
import { createAgentControl } from './agent-control.ts';
import { createCarryingEngine } from './carrying-engine.ts';
import { openCluster, runUntil, type ClusterRun } from './cluster-run.ts';
import { AppError } from './errors.ts';
import { kernelDriverFor, type ForwardMode } from './kernel-drivers.ts';
import { createNodeAgent, type NodeAgent } from './node-agent.ts';
import { proxySettings, type ProxySettings } from './proxy-settings.ts';
import type { RunContext } from './run-dns.ts';
import { version } from './version.ts';

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
  const engine = await createCarryingEngine({ prefer: options.engine, workers: 1, log });
  const clock = systemClock;
  const mode = modeOf(options.mode, settings);
  const kernel = await kernelDriverFor(mode, { clock, random: run.random, log });
  const agent = createNodeAgent({ ...run, client: run.mirror.client, engine, kernel, settings });
  const name = options.instance ?? node;
  const components: Component[] = [run.mirror, ...agent.components];
  const { driver, planner, gateway, metrics } = agent;
  const control = createAgentControl(run, {
    name,
    pid,
    env: io.env,
    engine,
    driver,
    planner,
    gateway,
    components,
    metrics: async () => {
      const at = metrics.address();
      return { address: at && formatSocketAddress(at), text: await metrics.text() };
    },
  });
  components.push(control.server);
  return await runUntil(signal, {
    components,
    log,
    ready: () =>
      io.stdout.write(said(options, { run, agent, settings, instance: control.instance })),
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
