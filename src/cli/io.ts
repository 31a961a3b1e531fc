/** What the command line needs of the world, so that tests need no process: streams, settings, deeds. */
import type { BackupView, RunRequest } from '../control/index.ts';
import type { Clock, ErrorTable, SchedulerName, SocketAddress } from '../model/index.ts';
import type { LogLevel } from '../obs/index.ts';

/** `process.stdout` is one. */
export interface CliStream {
  write(text: string): void;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** What the environment says; read in app/. */
export interface CliEnv {
  readonly home: string | undefined;
  readonly xdgStateHome?: string | undefined;
  readonly xdgRuntimeDir: string | undefined;
  /** SWITCHYARD_INSTANCE. */
  readonly instance: string | undefined;
  /** In a Pod: where the API of its cluster is. */
  readonly kubernetesHost?: string | undefined;
  readonly kubernetesPort?: string | undefined;
  /** KUBECONFIG. */
  readonly kubeconfig?: string | undefined;
  /** NO_COLOR is set and not empty. */
  readonly noColor: boolean;
}

export interface CliIo {
  readonly stdout: CliStream;
  readonly stderr: CliStream;
  readonly env: CliEnv;
  /** The folder the command was given in. */
  readonly folder?: string | undefined;
}

export const upModes = ['userspace', 'nftables', 'auto'] as const;

/** Where Pods of an instance that forwards in the kernel are; the names are app's. */
export const upPodNetworks = ['auto', 'namespace', 'host'] as const;

/** How sockets are worked; the names are sys/net's. */
export const upEngines = ['portable', 'epoll', 'auto'] as const;

/** What those who have a token may ask of the API; the names are apiserver's. */
export const authorizationModes = ['always-allow', 'rbac'] as const;

/** Where objects live; `default` is the instance's own folder, or where the instance to be replaced has them. */
export type ObjectsPlace =
  | { readonly kind: 'default' }
  | { readonly kind: 'memory' }
  | { readonly kind: 'folder'; readonly path: string };

/** Namespaces of a cluster, and the way there. */
export interface FromCluster {
  readonly namespaces: readonly string[];
  /** That of the environment when undefined. */
  readonly kubeconfig: string | undefined;
  /** Its current one when undefined. */
  readonly context: string | undefined;
}

export interface UpOptions {
  /** Files and folders of manifests, in the order given. */
  readonly files: readonly string[];
  readonly demo: boolean;
  readonly mode: (typeof upModes)[number];
  /** `auto` when undefined. */
  readonly podNetwork?: (typeof upPodNetworks)[number] | undefined;
  readonly engine: (typeof upEngines)[number];
  /** Threads that carry TCP; 1 when undefined. */
  readonly workers?: number | undefined;
  /** Where metrics are served; undefined: nowhere. */
  readonly metrics: SocketAddress | undefined;
  /** Where browsers find Services by name; undefined: the usual port, or another while that is taken. */
  readonly browserPort?: number | undefined;
  /** Of all requests that are balanced, how many are logged: 0 to 1. */
  readonly accessLogShare?: number | undefined;
  /** Undefined when neither --instance nor SWITCHYARD_INSTANCE names one. */
  readonly instance: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  readonly output: 'text' | 'json';
  /** Takes the place of the running instance. */
  readonly replace: boolean;
  /** And is started as that was: its files, engine and drain. */
  readonly asBefore: boolean;
  /** How long connections may go on when it ends or is replaced; undefined for the defaults. */
  readonly drainSeconds: number | undefined;
  /** Who is asked for names outside of the cluster; none: those the host asks. */
  readonly dnsUpstreams: readonly SocketAddress[];
  /** A second place for the kubeconfig. */
  readonly kubeconfigOut?: string | undefined;
  /** `always-allow` when undefined. */
  readonly authorization?: (typeof authorizationModes)[number] | undefined;
  readonly objects: ObjectsPlace;
  /** Run as soon as everything serves. */
  readonly run?: RunRequest | undefined;
  /** Whose Services are served here as well, over their own Pods. */
  readonly fromCluster?: FromCluster | undefined;
}

/** What this host lacks, and how its resolvers are pointed at an instance. */
export interface DoctorView {
  readonly checks: readonly {
    readonly id: string;
    readonly title: string;
    readonly state: 'fine' | 'worse' | 'broken';
    readonly found: string;
    readonly costs?: string | undefined;
    readonly remedy?: string | undefined;
  }[];
  /** Where the instance answers names; undefined when none was found. */
  readonly names: string | undefined;
  /** Why none was. */
  readonly noNames: string | undefined;
  readonly resolvers: readonly {
    readonly resolver: string;
    readonly apply: readonly string[];
    readonly undo: readonly string[];
  }[];
}

/** What every command that runs against a cluster is told. */
export interface ClusterRunOptions {
  /** Undefined: the service account of the Pod this is. */
  readonly kubeconfig: string | undefined;
  /** Its current one when undefined. */
  readonly context: string | undefined;
  /** Where what was seen last is kept; undefined: nowhere. */
  readonly stateFolder: string | undefined;
  readonly logLevel: LogLevel;
  readonly logFormat: 'text' | 'json';
  readonly output: 'text' | 'json';
}

export interface DnsRunOptions extends ClusterRunOptions {
  /** Where names are answered. */
  readonly listen: SocketAddress;
  /** `cluster.local`. */
  readonly zone: string;
  /** Who is asked for names outside of the zone; none: those the host asks. */
  readonly upstreams: readonly SocketAddress[];
  /** Where health, readiness and metrics are served; undefined: nowhere. */
  readonly pages: SocketAddress | undefined;
  /** How long queries are still answered after it is told to end. */
  readonly lameduckMs: number;
}

/** `auto` takes the best this host can do. */
export const proxyModes = ['auto', 'nftables', 'userspace'] as const;

export interface ProxyRunOptions extends ClusterRunOptions {
  /** Undefined when neither --instance nor SWITCHYARD_INSTANCE names one. */
  readonly instance: string | undefined;
  /** The host's name when undefined. */
  readonly node: string | undefined;
  /** A KubeProxyConfiguration; what is given here comes before what it says. */
  readonly config: string | undefined;
  readonly mode: (typeof proxyModes)[number];
  readonly engine: (typeof upEngines)[number];
  /** Undefined: kube-proxy's own place. */
  readonly healthz: SocketAddress | 'none' | undefined;
  readonly metrics: SocketAddress | 'none' | undefined;
  /** CIDRs; the Node's own addresses when undefined. */
  readonly nodePortAddresses: readonly string[] | undefined;
  readonly defaultScheduler: SchedulerName | undefined;
  /** Each request of HTTP is balanced where a Service asks for that; reads Secrets. */
  readonly requests: boolean;
}

/** A ServicePort, and where a gateway answers for it. */
export interface ServedPlace {
  readonly namespace: string;
  readonly service: string;
  /** Name or number; undefined: all ports that speak HTTP, and there must be one only. */
  readonly port: string | undefined;
  readonly at: SocketAddress;
}

export interface GatewayRunOptions extends ClusterRunOptions {
  /** Undefined when neither --instance nor SWITCHYARD_INSTANCE names one. */
  readonly instance: string | undefined;
  /** Whose endpoints are local; undefined: nobody's. */
  readonly node: string | undefined;
  /** Where Services answer by name, without TLS and with it; undefined: nowhere. */
  readonly listen: SocketAddress | undefined;
  readonly listenTls: SocketAddress | undefined;
  readonly serve: readonly ServedPlace[];
  readonly engine: (typeof upEngines)[number];
  /** Threads that carry TCP; 1 when undefined. */
  readonly workers?: number | undefined;
  /** Where health, readiness and metrics are served; undefined: nowhere. */
  readonly pages: SocketAddress | undefined;
  /** Every client is a proxy that says first whom it speaks for. */
  readonly acceptProxyProtocol: boolean;
  /** How long it goes on as before after it is told to end, and how long requests may then take. */
  readonly lameduckMs: number;
  readonly drainMs: number;
  /** Of all requests that are balanced, how many are logged: 0 to 1. */
  readonly accessLogShare: number;
}

export interface CleanupOptions {
  /** Also what an instance that runs needs. */
  readonly force: boolean;
  /** Says what it would remove, and removes nothing. */
  readonly dryRun: boolean;
}

/** What was taken out of the kernel, or would be, as people name it. */
export type CleanupView =
  | { readonly removed: readonly string[] }
  | { readonly wouldRemove: readonly string[] };

export interface CliDeps {
  readonly version: string;
  readonly clock: Clock;
  /** Runs until it is told to stop; resolves with the exit code. */
  up(options: UpOptions): Promise<number>;
  /** Restores a backup into the folder of an instance that does not run. */
  restore(dataFolder: string, file: string): Promise<BackupView>;
  /** Answers the names of a cluster until it is told to stop; resolves with the exit code. */
  dns(options: DnsRunOptions): Promise<number>;
  /** Forwards the Services of a cluster until it is told to stop; resolves with the exit code. */
  proxy(options: ProxyRunOptions): Promise<number>;
  /** Balances the requests of a cluster until it is told to stop; resolves with the exit code. */
  gateway(options: GatewayRunOptions): Promise<number>;
  /** Takes away what instances left in the kernel. */
  cleanup(options: CleanupOptions): Promise<CleanupView>;
  /** Looks at the host; `names` is where an instance answers them. Changes nothing. */
  doctor(names: string | undefined): Promise<Pick<DoctorView, 'checks' | 'resolvers'>>;
  /** Aborts when the person who runs the command wants it to end; from then on Ctrl-C alone ends nothing. */
  interrupted(): AbortSignal;
  /** The tables of every room, to tell whose fault an error is. Asked only when something failed. */
  errorTables(): Promise<readonly ErrorTable[]>;
}
