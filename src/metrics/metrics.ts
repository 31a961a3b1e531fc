/** Answers Prometheus: over HTTP on loopback, and to whoever asks for the text. Costs nothing until somebody asks. */
import {
  formatSocketAddress,
  type ApplyReport,
  type Driver,
  type Plan,
  type SocketAddress,
} from '../model/index.ts';
import type { Component, ComponentStatus, Logger, MetricFamily } from '../obs/index.ts';
import { servePages, type PageServer } from '../sys/net/index.ts';
import type { Exposition } from './exposition.ts';
import { formatFamilies } from './family-text.ts';
import { samplesOf } from './samples.ts';
import type { SyncTimes } from './sync-times.ts';

export interface MetricsOptions {
  /** Where to listen, port 0 for a free one; undefined: nowhere. */
  readonly at: SocketAddress | undefined;
  readonly version: string;
  readonly driver: Pick<Driver, 'name' | 'observe'>;
  readonly applied: () => { readonly plan: Plan; readonly report: ApplyReport | undefined };
  readonly syncs: SyncTimes;
  /** What other rooms counted themselves. */
  readonly others?: (() => Promise<readonly MetricFamily[]>) | undefined;
  readonly log: Logger;
}

export interface Metrics extends Component {
  /** Undefined before `start`, after `stop`, and when it listens nowhere. */
  address(): SocketAddress | undefined;
  /** In Prometheus' text format. */
  text(): Promise<string>;
}

export function createMetrics(options: MetricsOptions): Metrics {
  let exposition: Promise<Exposition> | undefined;
  let server: PageServer | undefined;
  let status: ComponentStatus = { state: 'starting', detail: undefined };
  const expose = (): Promise<Exposition> => (exposition ??= load(options));
  const text = async (): Promise<string> =>
    (await (await expose()).text()) + formatFamilies((await options.others?.()) ?? []);
  return {
    name: 'metrics',
    start: async () => {
      if (options.at !== undefined) {
        server = await servePages(options.at, async (path) => {
          if (path !== '/metrics') return undefined;
          const made = await expose();
          return { contentType: made.contentType, body: await text() };
        });
        options.log.debug('Serving metrics', { at: formatSocketAddress(server.address) });
      }
      status = { state: 'ready', detail: undefined };
    },
    stop: async () => {
      status = { state: 'stopped', detail: undefined };
      await server?.close();
      server = undefined;
    },
    status: () => status,
    address: () => server?.address,
    text,
  };
}

async function load({ version, driver, applied, syncs }: MetricsOptions): Promise<Exposition> {
  const { createExposition } = await import('./exposition.ts');
  return createExposition(() =>
    samplesOf({
      version,
      driver: driver.name,
      ...applied(),
      observation: driver.observe(),
      syncs,
    }),
  );
}
