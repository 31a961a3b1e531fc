/** Binds one wanted listener: where the Service says, or at a stand-in that this user and host allow. */
import {
  familyOf,
  formatSocketAddress,
  type FrontendFailure,
  type SocketAddress,
} from '../../model/index.ts';
import { NetError, type Suspendable } from '../../sys/net/index.ts';
import { serviceName, type WantedListener } from './render.ts';

/** Ports below this need a privilege on most systems. */
const firstFreePort = 1024;

/** The stand-in for port P is P + 8000: 80 is 8080, 443 is 8443. */
const standInOffset = 8000;

/** A socket that clients reach. */
export interface Bound extends Suspendable {
  /** With its real port. */
  readonly address: SocketAddress;
  close(): Promise<void>;
}

export type Binding =
  | {
      readonly kind: 'bound';
      readonly listener: Bound;
      /** Where clients must go instead; undefined when it is where the Service says. */
      readonly standIn: SocketAddress | undefined;
    }
  | { readonly kind: 'refused'; readonly error: NetError; readonly at: SocketAddress };

/** Never rejects for what the host refuses; anything else is a mistake of ours and goes on up. */
export async function bind(
  wanted: SocketAddress,
  open: (at: SocketAddress) => Promise<Bound>,
): Promise<Binding> {
  let at = wanted;
  for (;;) {
    try {
      const listener = await open(at);
      return { kind: 'bound', listener, standIn: at === wanted ? undefined : listener.address };
    } catch (error) {
      if (!(error instanceof NetError)) throw error;
      const next = standInFor(wanted, at, error.code);
      if (next === undefined) return { kind: 'refused', error, at };
      at = next;
    }
  }
}

/** Where to try next after `tried` was refused; undefined when there is nowhere left. */
function standInFor(
  wanted: SocketAddress,
  tried: SocketAddress,
  code: NetError['code'],
): SocketAddress | undefined {
  if (code === 'NET_NOT_PERMITTED' && tried === wanted && wanted.port < firstFreePort) {
    return { address: wanted.address, port: wanted.port + standInOffset };
  }
  // The usual stand-in belongs to somebody, often to the Service's own port 8080: any port will do.
  if (code === 'NET_ADDRESS_IN_USE' && tried !== wanted && tried.port !== 0) {
    return { address: tried.address, port: 0 };
  }
  const loopback = familyOf(wanted.address) === 'IPv6' ? '::1' : '127.0.0.1';
  if (code === 'NET_ADDRESS_NOT_AVAILABLE' && tried.address !== loopback) {
    return { address: loopback, port: 0 };
  }
  return undefined;
}

/** A refused binding as each of its frontends reports it. */
export function bindFailures(
  wanted: WantedListener,
  error: NetError,
  at: SocketAddress,
): readonly FrontendFailure[] {
  const what = `Cannot serve ${serviceName(wanted.server)} at ${formatSocketAddress(wanted.at)}`;
  return wanted.frontends.map((frontend) => ({
    server: wanted.server.id,
    frontend,
    code: error.code,
    message: `${what}: ${reason(error, at)}`,
    remedy: error.remedy,
  }));
}

function reason(error: NetError, at: SocketAddress): string {
  const known: Partial<Record<NetError['code'], string>> = {
    NET_ADDRESS_IN_USE: `another process already listens at ${formatSocketAddress(at)}`,
    NET_NOT_PERMITTED: `this user may not listen at ${formatSocketAddress(at)}`,
    NET_ADDRESS_NOT_AVAILABLE: `this host does not have ${at.address}`,
  };
  return known[error.code] ?? error.message;
}
