/** What `switchyard up` is asked for, as its flags or the instance before it say. */
import type { Authorization } from '../apiserver/index.ts';
import type { CliEnv, FromCluster, ObjectsPlace } from '../cli/index.ts';
import type { RunRequest } from '../control/index.ts';
import type { SocketAddress } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import type { EnginePreference } from '../sys/net/index.ts';
import type { ForwardMode } from './kernel-drivers.ts';
import type { PodNetworkMode } from './pod-network.ts';

export interface UpOptions {
  /** Files and folders of manifests. */
  readonly files: readonly string[];
  readonly demo: boolean;
  readonly mode: ForwardMode;
  /** Whether Pods have networks of their own; they do where that is possible when it is undefined. */
  readonly podNetwork?: PodNetworkMode | undefined;
  readonly engine: EnginePreference;
  /** Threads that carry TCP; 1 when undefined. */
  readonly workers?: number | undefined;
  /** Who is asked for names outside of the cluster; none: those the host asks. */
  readonly dnsUpstreams: readonly SocketAddress[];
  /** Where metrics are served; undefined: nowhere. */
  readonly metrics: SocketAddress | undefined;
  /** Where browsers find Services by name; undefined: the usual port, or another while that is taken. */
  readonly browserPort?: number | undefined;
  /** Of all requests that are balanced, how many are logged: 0 to 1; none when undefined. */
  readonly accessLogShare?: number | undefined;
  /** A workload to start with. */
  readonly run?: RunRequest | undefined;
  /** Whose Services are served here as well. */
  readonly fromCluster?: FromCluster | undefined;
  /** A second place for the kubeconfig. */
  readonly kubeconfigOut?: string | undefined;
  /** Whether roles count for those who ask the API; they do not when it is undefined. */
  readonly authorization?: Authorization | undefined;
  /** Takes the place of the running instance. */
  readonly replace: boolean;
  /** And is started as that was: its files, engine and drain. */
  readonly asBefore: boolean;
  /** How long connections may go on when this ends or is replaced. */
  readonly drainSeconds: number | undefined;
  /** A free name is found when it is undefined. */
  readonly instance: string | undefined;
  readonly folders: CliEnv;
  readonly objects: ObjectsPlace;
  /** Where the command was given: files are named from there. */
  readonly folder: string | undefined;
  /** What runs JavaScript here. */
  readonly runtime: string;
  readonly pid: number;
  readonly log: Logger;
}
