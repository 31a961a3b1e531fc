/** The control socket of a command against a cluster: what it tells of itself, its Plan, and whole objects where it explains. */
import type { CliEnv } from '../cli/index.ts';
import {
  createControlServer,
  createPlanSource,
  instanceFolder,
  type ControlSource,
} from '../control/index.ts';
import type { ServiceGateway } from '../gateway/index.ts';
import type { Driver } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import type { Planner } from '../plan/index.ts';
import { systemClock } from '../sys/index.ts';
import type { StreamEngine } from '../sys/net/index.ts';
import type { ClusterRun } from './cluster-run.ts';
import { createRequestSource } from './request-source.ts';
import { version } from './version.ts';
import { gatherWorld } from './world.ts';

export interface AgentControlParts {
  readonly name: string;
  readonly pid: number;
  readonly env: CliEnv;
  readonly engine: StreamEngine;
  readonly driver: Driver;
  readonly planner: Planner;
  /** Undefined when it balances no requests. */
  readonly gateway: ServiceGateway | undefined;
  readonly metrics: ControlSource['metrics'];
  /** All that runs, as it is when somebody asks. */
  readonly components: readonly Component[];
}

export interface AgentControl {
  readonly instance: ControlSource['instance'];
  readonly server: Component;
}

export function createAgentControl(run: ClusterRun, parts: AgentControlParts): AgentControl {
  const { name, pid, env, driver, planner, engine, gateway, metrics, components } = parts;
  const { applied } = planner;
  const clock = systemClock;
  const startedAt = new Date(clock.now()).toISOString();
  const instance: ControlSource['instance'] = () => ({
    instance: name,
    pid,
    version,
    startedAt,
    driver: driver.name,
    planRevision: applied().plan.revision,
    names: undefined,
    components: components.map((part) => ({ name: part.name, ...part.status() })),
  });
  const source = createPlanSource({
    instance,
    plan: () => applied().plan,
    report: () => applied().report,
    driver,
    engine,
    clock,
    // Explaining takes objects that forwarding does not: whole ones, asked for when somebody wants to know.
    world: () => gatherWorld({ client: run.whole, driver, gateway, applied }),
    metrics,
    ...(gateway && { requests: createRequestSource({ gateway, applied, clock }) }),
  });
  const folder = instanceFolder(env, name);
  const log = run.log.child({ component: 'control' });
  return { instance, server: createControlServer({ folder, instance: name, source, log }) };
}
