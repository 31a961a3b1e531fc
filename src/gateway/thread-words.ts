/** What the first thread of a gateway and the others say to one another: plain data, in order. */
import type { SessionKey } from '../model/index.ts';
import type { LogFields } from '../obs/index.ts';
import type { Ledger, Passed } from '../sys/net/index.ts';
import type { PortRequests } from './counters.ts';
import type { PortOrder, TlsIdentity } from './router.ts';
import type { RequestServer } from './request-server.ts';
import type { SharedRendering } from './shared-choices.ts';

/** What a thread knows from its first moment. */
export interface ThreadStart {
  readonly threads: number;
  readonly thread: number;
  readonly ledger: Ledger;
  /** Client connections of all ports, by thread. */
  readonly clients: SharedArrayBuffer;
  readonly accessLogShare: number;
  readonly maxEndpointConnections: number;
  readonly maxWaiting: number;
}

export type ThreadOrder =
  | {
      readonly kind: 'follow';
      readonly server: RequestServer;
      readonly rendering: SharedRendering;
    }
  /** Of cookies, of every ServicePort that it is told of from now on. */
  | { readonly kind: 'keys'; readonly keys: readonly SessionKey[] }
  | { readonly kind: 'forget'; readonly server: string }
  /** What a Secret holds now; undefined: nothing that can be served. */
  | {
      readonly kind: 'certify';
      readonly secret: string;
      readonly identity: TlsIdentity | undefined;
    }
  | { readonly kind: 'serve'; readonly port: PortOrder; readonly clients: SharedArrayBuffer }
  | { readonly kind: 'withdraw'; readonly port: string; readonly patienceMs: number }
  | { readonly kind: 'take'; readonly port: string; readonly passed: Passed }
  | { readonly kind: 'count'; readonly question: number }
  | { readonly kind: 'end'; readonly patienceMs: number }
  | { readonly kind: 'cut' };

/** What a thread has counted: by port, and by ServicePort for what came by name. */
export interface Counted {
  readonly ports: readonly PortRequests[];
  readonly byName: readonly PortRequests[];
}

export type ThreadWord =
  | { readonly kind: 'ready' }
  | { readonly kind: 'counted'; readonly question: number; readonly counted: Counted }
  | { readonly kind: 'log'; readonly message: string; readonly fields: LogFields | undefined }
  | { readonly kind: 'ended' };
