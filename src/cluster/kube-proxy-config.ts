/** kube-proxy's own configuration file (v1alpha1), read as it is: what is taken, and what has no meaning here. */
import { apiNames, isJsonArray, isJsonObject, type JsonObject } from '../kube/index.ts';
import {
  isSchedulerName,
  messageOf,
  parseCidr,
  parseSocketAddress,
  type Cidr,
  type SchedulerName,
  type SocketAddress,
} from '../model/index.ts';
import { ClusterError } from './errors.ts';
import { kubeProxyFields, typeMissed, unknownField } from './kube-proxy-fields.ts';

export interface KubeProxyConfig {
  readonly kubeconfig: string | undefined;
  readonly node: string | undefined;
  /** `primary`, or CIDRs. */
  readonly nodePortAddresses: readonly string[];
  readonly healthz: SocketAddress | undefined;
  readonly metrics: SocketAddress | undefined;
  readonly defaultScheduler: SchedulerName | undefined;
  readonly minSyncMs: number | undefined;
  readonly syncMs: number | undefined;
  readonly masqueradeAll: boolean;
  /** How the node's own Pods are told from other sources; undefined: they are not. Only forwarding in the kernel asks. */
  readonly localPods: LocalPodSource | undefined;
  /** Fields that stand in the file and change nothing, each with why. */
  readonly notes: readonly ConfigNote[];
}

/** kube-proxy's detect-local modes. */
export type LocalPodSource =
  | { readonly by: 'address'; readonly ranges: readonly Cidr[] }
  /** The own Node's podCIDRs. */
  | { readonly by: 'node' }
  | { readonly by: 'interface'; readonly name: string }
  | { readonly by: 'interface-prefix'; readonly prefix: string };

export interface ConfigNote {
  readonly field: string;
  readonly note: string;
}

export interface ConfigFile {
  readonly path: string;
  readonly text: string;
}

/** Throws CONFIG_FILE_INVALID. */
export async function parseKubeProxyConfig(file: ConfigFile): Promise<KubeProxyConfig> {
  const { parse } = await import('yaml');
  let root: unknown;
  try {
    root = parse(file.text, { maxAliasCount: 16 });
  } catch (cause) {
    throw invalid(file, messageOf(cause).split('\n')[0] ?? '');
  }
  if (!isJsonObject(root)) throw invalid(file, 'it is no mapping');
  const version = root['apiVersion'];
  if (root['kind'] !== 'KubeProxyConfiguration' || version !== apiNames.kubeProxyVersion) {
    throw invalid(file, `it is no KubeProxyConfiguration of ${apiNames.kubeProxyVersion}`);
  }
  return new Reader(file, root).read();
}

class Reader {
  private readonly file: ConfigFile;
  /** Dotted path -> value, leaves only; what was read is taken out. */
  private readonly left = new Map<string, unknown>();
  private readonly notes: ConfigNote[] = [];
  private readonly mode: string;

  constructor(file: ConfigFile, root: JsonObject) {
    this.file = file;
    this.flatten('', root);
    this.left.delete('apiVersion');
    this.left.delete('kind');
    const mode = root['mode'];
    this.mode = mode === 'ipvs' || mode === 'nftables' ? mode : 'iptables';
  }

  read(): KubeProxyConfig {
    const config = {
      kubeconfig: this.text('clientConnection.kubeconfig'),
      node: this.text('hostnameOverride'),
      nodePortAddresses: this.addresses(),
      healthz: this.socket('healthzBindAddress', 10_256),
      metrics: this.socket('metricsBindAddress', 10_249),
      defaultScheduler: this.scheduler(),
      minSyncMs: this.duration(`${this.mode}.minSyncPeriod`),
      syncMs: this.duration(`${this.mode}.syncPeriod`),
      // In the ipvs mode as well, kube-proxy reads that of iptables.
      masqueradeAll:
        this.take(`${this.mode === 'ipvs' ? 'iptables' : this.mode}.masqueradeAll`) === true,
      localPods: this.localPods(),
    };
    this.noteTheRest();
    return { ...config, notes: this.notes };
  }

  private flatten(prefix: string, object: JsonObject): void {
    for (const [key, value] of Object.entries(object)) {
      const path = `${prefix}${key}`;
      // kube-proxy's own files write every field, empty where nothing is meant.
      if (value === null || value === '') continue;
      const missed = typeMissed(path, value);
      if (missed !== undefined) throw invalid(this.file, `${path} ${missed}`);
      if (isJsonObject(value)) this.flatten(`${path}.`, value);
      else this.left.set(path, value);
    }
  }

  private take(path: string): unknown {
    const value = this.left.get(path);
    this.left.delete(path);
    return value;
  }

  private text(path: string): string | undefined {
    const value = this.take(path);
    return typeof value === 'string' ? value : undefined;
  }

  private addresses(): readonly string[] {
    const value = this.take('nodePortAddresses') ?? [];
    const isAddress = (one: unknown): one is string =>
      typeof one === 'string' && (one === 'primary' || parseCidr(one) !== undefined);
    if (isJsonArray(value) && value.every(isAddress)) return value;
    throw invalid(this.file, 'nodePortAddresses is no list of CIDRs, nor primary');
  }

  private socket(path: string, defaultPort: number): SocketAddress | undefined {
    const text = this.text(path);
    if (text === undefined) return undefined;
    const parsed =
      parseSocketAddress(text) ??
      parseSocketAddress(`${text}:${defaultPort}`) ??
      // As kube-proxy takes them: an address of IPv6 alone.
      parseSocketAddress(`[${text}]:${defaultPort}`);
    if (parsed !== undefined) return parsed;
    throw invalid(this.file, `${path} is no ADDRESS:PORT`);
  }

  private localPods(): LocalPodSource | undefined {
    const mode = this.text('detectLocalMode') ?? 'ClusterCIDR';
    switch (mode) {
      case 'NodeCIDR':
        return { by: 'node' };
      case 'BridgeInterface':
        return { by: 'interface', name: this.needed('detectLocal.bridgeInterface', mode) };
      case 'InterfaceNamePrefix': {
        const prefix = this.needed('detectLocal.interfaceNamePrefix', mode);
        return { by: 'interface-prefix', prefix };
      }
      case 'ClusterCIDR':
        return this.clusterRanges();
      default: {
        const modes = 'ClusterCIDR, NodeCIDR, BridgeInterface, InterfaceNamePrefix';
        throw invalid(this.file, `detectLocalMode is none of ${modes}: ${mode}`);
      }
    }
  }

  private needed(path: string, mode: string): string {
    const text = this.text(path);
    if (text !== undefined) return text;
    throw invalid(this.file, `${path} is empty, and detectLocalMode ${mode} needs it`);
  }

  private clusterRanges(): LocalPodSource | undefined {
    const text = this.text('clusterCIDR');
    if (text === undefined) return undefined;
    const ranges = text.split(',').map((one) => parseCidr(one.trim()));
    if (ranges.every((range) => range !== undefined)) return { by: 'address', ranges };
    throw invalid(this.file, `clusterCIDR is no list of CIDRs: ${text}`);
  }

  private scheduler(): SchedulerName | undefined {
    const name = this.text('ipvs.scheduler');
    if (name === undefined || isSchedulerName(name)) return name;
    throw invalid(this.file, `ipvs.scheduler is no scheduler: ${name}`);
  }

  /** Go's words for a duration: `1h2m3.5s`, `500ms`. Nothing for 0, which is its word for the default. */
  private duration(path: string): number | undefined {
    const text = this.text(path);
    if (text === undefined || text === '0' || text === '0s') return undefined;
    if (!/^(\d+(\.\d+)?(h|m|s|ms|us))+$/.test(text)) {
      throw invalid(this.file, `${path} is no duration: ${text}`);
    }
    let ms = 0;
    for (const [, number, , unit] of text.matchAll(/(\d+(\.\d+)?)(h|ms|m|us|s)/g)) {
      ms += Number(number) * (unitMs[unit ?? ''] ?? 0);
    }
    return ms;
  }

  private noteTheRest(): void {
    for (const field of this.left.keys()) {
      const [section = ''] = field.split('.');
      // Mappings that are of no use here are named once, whatever is in them.
      const known = kubeProxyFields.get(field) ?? kubeProxyFields.get(section);
      const isKnown = kubeProxyFields.has(field) || known?.note !== undefined;
      const note = known?.note ?? (isKnown ? `the mode is ${this.mode}` : unknownField(field));
      this.notes.push({ field, note });
    }
  }
}

const unitMs: Readonly<Record<string, number>> = {
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 0.001,
};

function invalid({ path }: ConfigFile, why: string): ClusterError {
  return new ClusterError('CONFIG_FILE_INVALID', `Cannot use the configuration ${path}: ${why}`, {
    remedy: 'Give the file that kube-proxy was given, as it is',
  });
}
