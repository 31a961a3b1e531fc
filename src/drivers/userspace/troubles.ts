/** What goes wrong with single connections and flows: whose fault it is, and what is said about it how often. */
import { endpointKey, type Clock, type Endpoint } from '../../model/index.ts';
import type { Logger } from '../../obs/index.ts';
import { NetError } from '../../sys/net/index.ts';

/** At most one line in this time about one kind of trouble. */
const silenceMs = 10_000;

export type Limited = 'connections' | 'flows';

export class Troubles {
  private readonly clock: Clock;
  private readonly log: Logger;
  private readonly saidMs = new Map<string, number>();
  /** How many connections were refused, and flows ended early, because there were too many. */
  readonly limited: Record<Limited, number> = { connections: 0, flows: 0 };

  constructor(clock: Clock, log: Logger) {
    this.clock = clock;
    this.log = log;
  }

  /**
   * Returns whether the endpoint is to blame. One refused connection is for debugging; sockets the system does
   * not give us concern everybody.
   */
  report(error: unknown, at: { readonly server: string; readonly endpoint: Endpoint }): boolean {
    const fields = { server: at.server, endpoint: endpointKey(at.endpoint), error };
    const atFault = isEndpointsFault(error);
    if (atFault || (error instanceof NetError && error.code === 'NET_ABORTED')) {
      this.log.debug('Endpoint did not take a connection', fields);
    } else if (this.maySay('sockets')) {
      this.log.error('Cannot connect to endpoints', fields);
    }
    return atFault;
  }

  /** An endpoint is a frontend that this driver serves. */
  loop({ server, endpoint }: { readonly server: string; readonly endpoint: Endpoint }): void {
    if (!this.maySay('loop')) return;
    const fields = { server, endpoint: endpointKey(endpoint) };
    this.log.warn('Not sending to an endpoint: it is a frontend of a Service itself', fields);
  }

  limitReached(what: Limited, limit: number): void {
    this.limited[what]++;
    if (!this.maySay(what)) return;
    const total = this.limited[what];
    if (what === 'connections') {
      this.log.warn('Refusing connections: as many are open as are allowed', { limit, total });
    } else {
      this.log.warn('Ending idle UDP flows early: there are as many as are allowed', {
        limit,
        total,
      });
    }
  }

  private maySay(what: string): boolean {
    const nowMs = this.clock.monotonic();
    if (nowMs - (this.saidMs.get(what) ?? -Infinity) < silenceMs) return false;
    this.saidMs.set(what, nowMs);
    return true;
  }
}

function isEndpointsFault(error: unknown): boolean {
  if (!(error instanceof NetError)) return false;
  const { code } = error;
  return code === 'NET_REFUSED' || code === 'NET_TIMED_OUT' || code === 'NET_UNREACHABLE';
}
