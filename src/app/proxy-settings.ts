/** What `switchyard proxy` is to do: its flags first, then the KubeProxyConfiguration, then kube-proxy's defaults. */
import type { ProxyRunOptions } from '../cli/index.ts';
import {
  parseKubeProxyConfig,
  type ConfigNote,
  type KubeProxyConfig,
  type LocalPodSource,
} from '../cluster/index.ts';
import type { SchedulerName, SocketAddress } from '../model/index.ts';
import { hostName, readText } from '../sys/index.ts';

export interface ProxySettings {
  readonly kubeconfig: string | undefined;
  readonly node: string;
  /** Undefined: nowhere. */
  readonly healthz: SocketAddress | undefined;
  readonly metrics: SocketAddress | undefined;
  readonly nodePortAddresses: readonly string[];
  readonly defaultScheduler: SchedulerName | undefined;
  readonly minSyncMs: number;
  readonly syncMs: number;
  readonly masqueradeAll: boolean;
  /** How the node's own Pods are told from other sources, for a driver in the kernel. */
  readonly localPods: LocalPodSource | undefined;
  /** Each request of HTTP is balanced where a Service asks for that. */
  readonly requests: boolean;
  readonly notes: readonly ConfigNote[];
}

const healthzAt: SocketAddress = { address: '0.0.0.0', port: 10_256 };
const metricsAt: SocketAddress = { address: '127.0.0.1', port: 10_249 };
/** A single change after quiet goes through at once; those that follow wait so long for each other. */
const minSyncMs = 5;
const syncMs = 30_000;

/** Rejects with CONFIG_FILE_INVALID and FILE_ codes. */
export async function proxySettings(options: ProxyRunOptions): Promise<ProxySettings> {
  const { config: path } = options;
  const file: Partial<KubeProxyConfig> =
    path === undefined ? {} : await parseKubeProxyConfig({ path, text: await readText(path) });
  return {
    kubeconfig: options.kubeconfig ?? file.kubeconfig,
    node: (options.node ?? file.node ?? hostName()).toLowerCase(),
    healthz: place(options.healthz ?? file.healthz ?? healthzAt),
    metrics: place(options.metrics ?? file.metrics ?? metricsAt),
    nodePortAddresses: options.nodePortAddresses ?? file.nodePortAddresses ?? [],
    defaultScheduler: options.defaultScheduler ?? file.defaultScheduler,
    minSyncMs: file.minSyncMs ?? minSyncMs,
    syncMs: file.syncMs ?? syncMs,
    requests: options.requests,
    masqueradeAll: file.masqueradeAll ?? false,
    localPods: file.localPods,
    notes: file.notes ?? [],
  };
}

function place(at: SocketAddress | 'none'): SocketAddress | undefined {
  return at === 'none' ? undefined : at;
}
