/** Where a cluster's API is, and how a request proves who asks. */
import type { ClientTls, HttpAgent } from '../sys/http/index.ts';

export interface Credentials {
  readonly headers: Readonly<Record<string, string>>;
  readonly tls: ClientTls;
  /** Who makes the connections instead of us. */
  readonly proxy?: Proxy | undefined;
}

export interface Proxy {
  readonly agent: HttpAgent;
  /** For whom it fails: its URL without a password. */
  readonly at: string;
}

export interface ClusterAccess {
  /** `https://10.0.0.1:6443`, perhaps with a path before `/api`. */
  readonly server: string;
  /** As they are now; cheap to ask for before each request. Rejects with CREDENTIALS_FAILED. */
  credentials(): Promise<Credentials>;
  /** They were refused: read and make them anew. Rejects with CREDENTIALS_FAILED, KUBECONFIG_INVALID. */
  renew(): Promise<void>;
}
