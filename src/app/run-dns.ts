/** Runs `switchyard dns` from its flags to the signal that ends it. */
import type { CliIo, DnsRunOptions } from '../cli/index.ts';
import { dnsFollowings } from '../cluster/index.ts';
import { createDnsHome, defaultZone, type DnsHome, type UpstreamSource } from '../dns/index.ts';
import { formatFamilies } from '../metrics/index.ts';
import { formatSocketAddress } from '../model/index.ts';
import type { Component } from '../obs/index.ts';
import { keepHeapSmall, readText, systemClock } from '../sys/index.ts';
import type { PageHandler } from '../sys/net/index.ts';
import { openCluster, runUntil, together, type ClusterRun } from './cluster-run.ts';
import { createPages, type Pages } from './pages.ts';
import { version } from './version.ts';

export interface RunContext {
  readonly io: CliIo;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Rejects when the way to the cluster or the address to listen at is wrong. */
export async function runDns(options: DnsRunOptions, { io, signal }: RunContext): Promise<number> {
  keepHeapSmall();
  const run = await openCluster({ options, io, followings: dnsFollowings, node: '' });
  const { mirror, random, log } = run;
  const home = createDnsHome({
    client: mirror.client,
    clock: systemClock,
    random,
    log,
    zone: { ...defaultZone, zone: options.zone.toLowerCase().replace(/\.$/, '') },
    address: options.listen.address,
    alsoAt: [],
    ports: [options.listen.port],
    lameduckMs: options.lameduckMs,
    logEvery: 0,
    upstreams: upstreamsOf(options),
    serviceRange: undefined,
  });
  // Names are refused honestly (SERVFAIL) while the first lists run, so both begin together.
  const names = together('names', [mirror, ...home.components]);
  const pages = pagesOf(options, names, home);
  return await runUntil(signal, {
    components: [pages, names],
    log,
    ready: () => io.stdout.write(said(options, { run, home, pages })),
  });
}

function upstreamsOf({ upstreams }: DnsRunOptions): UpstreamSource {
  return upstreams.length > 0
    ? { kind: 'given', servers: upstreams }
    : { kind: 'resolv-conf', read: () => readText('/etc/resolv.conf') };
}

function pagesOf({ pages }: DnsRunOptions, names: Component, home: DnsHome): Pages {
  const plain = 'text/plain; charset=utf-8';
  const handler: PageHandler = async (path) => {
    if (path === '/metrics') {
      return { contentType: 'text/plain; version=0.0.4', body: formatFamilies(home.dns.metrics()) };
    }
    // It lives as long as it answers; it is ready when it knows the names.
    if (path === '/health') return { contentType: plain, body: 'OK\n' };
    if (path !== '/ready') return undefined;
    const { state, detail } = names.status();
    const isReady = home.dns.world.synced;
    return {
      contentType: plain,
      body: `${isReady ? 'OK' : (detail ?? state)}\n`,
      status: isReady ? 200 : 503,
    };
  };
  return createPages({ name: 'pages', at: pages, handler });
}

interface Running {
  readonly run: ClusterRun;
  readonly home: DnsHome;
  readonly pages: Pages;
}

function said({ output, zone }: DnsRunOptions, { run, home, pages }: Running): string {
  const { mirror, cluster } = run;
  const addresses = home.dns.addresses().map(formatSocketAddress);
  const at = pages.address();
  const view = {
    version,
    cluster: cluster.server,
    zone,
    dns: addresses,
    pages: at && formatSocketAddress(at),
    objects: mirror.counts(),
    status: mirror.status(),
  };
  if (output === 'json') return `${JSON.stringify(view, undefined, 2)}\n`;
  const objects = Object.entries(view.objects).map(([plural, count]) => `${count} ${plural}`);
  const lines = [
    `Names of ${zone} are answered at ${addresses.join(' and ')}`,
    `  from ${objects.join(', ')} of ${cluster.server}`,
    ...(view.status.detail === undefined ? [] : [view.status.detail]),
    ...(view.pages === undefined
      ? []
      : [`Metrics and health are at http://${view.pages}/metrics, /health and /ready`]),
    'Ready. Ctrl-C stops it.',
  ];
  return `${lines.join('\n')}\n`;
}
