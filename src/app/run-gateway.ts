/** Runs `switchyard gateway` from its flags to the signal that ends it: mirror -> planner -> driver and gateway. */
import type { GatewayRunOptions } from '../cli/index.ts';
import { gatewayFollowings } from '../cluster/index.ts';
import {
  createControlServer,
  createPlanSource,
  instanceFolder,
  type ControlSource,
} from '../control/index.ts';
import { formatSocketAddress } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import { systemClock } from '../sys/index.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import { createCarryingEngine } from './carrying-engine.ts';
import { openCluster, runUntil, type ClusterRun } from './cluster-run.ts';
import { createGatewayAgent, type GatewayAgent } from './gateway-agent.ts';
import { createRequestSource } from './request-source.ts';
import type { RunContext } from './run-dns.ts';
import { version } from './version.ts';
import { gatherWorld } from './world.ts';

const usualName = 'gateway';

/** Rejects when the way to the cluster or an address to listen at is wrong. */
export async function runGateway(
  options: GatewayRunOptions,
  { io, signal, pid }: RunContext & { readonly pid: number },
): Promise<number> {
  const { node = '' } = options;
  const followings = gatewayFollowings();
  const run = await openCluster({ options, io, followings, node });
  const { log } = run;
  const { engine: prefer, workers } = options;
  const engine = await createCarryingEngine({ prefer, workers, log });
  const agent = createGatewayAgent({ run, engine, options });
  const name = options.instance ?? usualName;
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
    agent.lameduck,
  );
  return await runUntil(signal, {
    components,
    log,
    ready: () => io.stdout.write(said(options, { run, agent, instance })),
  });
}

interface Asked {
  readonly agent: GatewayAgent;
  readonly engine: StreamEngine;
  readonly instance: ControlSource['instance'];
}

function sourceOf(run: ClusterRun, { agent, engine, instance }: Asked): ControlSource {
  const { planner, driver, gateway, pages } = agent;
  return createPlanSource({
    instance,
    plan: () => planner.applied().plan,
    report: () => planner.applied().report,
    driver,
    engine,
    clock: systemClock,
    // Explaining takes objects that balancing does not: whole ones, asked for when somebody wants to know.
    world: () => gatherWorld({ client: run.whole, driver, gateway, applied: planner.applied }),
    metrics: async () => {
      const at = pages.address();
      return { address: at && formatSocketAddress(at), text: await agent.metricsText() };
    },
    requests: createRequestSource({ gateway, applied: planner.applied, clock: systemClock }),
  });
}

interface Running {
  readonly run: ClusterRun;
  readonly agent: GatewayAgent;
  readonly instance: ControlSource['instance'];
}

function said({ output }: GatewayRunOptions, { run, agent, instance }: Running): string {
  const { plan, report } = agent.planner.applied();
  const [listen, listenTls, pages] = [agent.byName, agent.byNameTls, agent.pages].map((place) => {
    const at = place.address();
    return at && formatSocketAddress(at);
  });
  const served = [...plan.servers.values()].flatMap(({ ref, frontends }) =>
    frontends.map(({ address = '', port }) => ({
      service: `${ref.namespace}/${ref.name}`,
      port: ref.portName,
      at: formatSocketAddress({ address, port }),
    })),
  );
  const view = {
    ...instance(),
    cluster: run.cluster.server,
    listen,
    listenTls,
    served,
    pages,
    objects: run.mirror.counts(),
    servicePorts: plan.servers.size,
    failures: report.failures.length,
  };
  if (output === 'json') return `${JSON.stringify(view, undefined, 2)}\n`;
  const lines = [
    `Switchyard ${version}, gateway of ${view.cluster}`,
    `Requests of ${view.servicePorts} Service ports are balanced`,
    ...(listen === undefined ? [] : [`  by name at http://${listen}: Host SERVICE.NAMESPACE`]),
    ...(listenTls === undefined ? [] : [`  and over TLS at ${listenTls}`]),
    ...served.map(({ service, port, at }) => `  ${service}${port && `:${port}`} at ${at}`),
    ...(view.failures === 0
      ? []
      : [
          `${view.failures} places cannot be served here: switchyard get services --instance ${view.instance}`,
        ]),
    ...(pages === undefined
      ? []
      : [`Metrics and health are at http://${pages}/metrics, /health and /ready`]),
    'Ready. Ctrl-C stops it.',
  ];
  return `${lines.join('\n')}\n`;
}
