/** Turns what the system throws at a socket into a NetError: a code, a sentence, and what to do. */
import { formatSocketAddress, messageOf, type SocketAddress } from '../../model/index.ts';
import { NetError } from './errors.ts';

type NetCode = NetError['code'];

/** By errno: the code it stands for, the words for it, and what to do. */
type Meanings = Readonly<
  Record<string, readonly [code: NetCode, reason: string, remedy: string | undefined]>
>;

const privilege = 'Use a port above 1023, or run with the privilege to bind low ports';

const listenMeanings: Meanings = {
  EADDRINUSE: [
    'NET_ADDRESS_IN_USE',
    'another process already listens there',
    'Stop that process, or use another port',
  ],
  EACCES: ['NET_NOT_PERMITTED', 'permission denied', privilege],
  EPERM: ['NET_NOT_PERMITTED', 'permission denied', privilege],
  EADDRNOTAVAIL: [
    'NET_ADDRESS_NOT_AVAILABLE',
    'this host does not have the address',
    'Add the address to an interface of this host, or use one it has',
  ],
  EAFNOSUPPORT: [
    'NET_ADDRESS_NOT_AVAILABLE',
    'this host does not speak the address family',
    'Enable IPv6 on this host, or use an IPv4 address',
  ],
};

const unreachable = 'there is no way to it from this host';

const connectMeanings: Meanings = {
  ECONNREFUSED: ['NET_REFUSED', 'it refused the connection', undefined],
  ETIMEDOUT: ['NET_TIMED_OUT', 'it did not answer in time', undefined],
  EHOSTUNREACH: ['NET_UNREACHABLE', unreachable, undefined],
  EHOSTDOWN: ['NET_UNREACHABLE', unreachable, undefined],
  ENETUNREACH: ['NET_UNREACHABLE', unreachable, undefined],
  ENETDOWN: ['NET_UNREACHABLE', unreachable, undefined],
  EADDRNOTAVAIL: ['NET_UNREACHABLE', unreachable, undefined],
  EAFNOSUPPORT: ['NET_UNREACHABLE', unreachable, undefined],
};

/** The NetError for what the system threw at `listen`. */
export function listenError(at: SocketAddress, cause: unknown): NetError {
  return meaning(listenMeanings, `Cannot listen at ${formatSocketAddress(at)}`, cause);
}

/** The NetError for what the system threw at `connect`. */
export function connectError(to: SocketAddress, cause: unknown): NetError {
  return meaning(connectMeanings, `Cannot connect to ${formatSocketAddress(to)}`, cause);
}

/** The NetError for what the system said of a datagram to a peer. */
export function sendError(to: SocketAddress, cause: unknown): NetError {
  return meaning(connectMeanings, `Cannot send to ${formatSocketAddress(to)}`, cause);
}

/** A connect that was given up on request. */
export function abortError(to: SocketAddress): NetError {
  const what = `Cannot connect to ${formatSocketAddress(to)}`;
  return new NetError('NET_ABORTED', `${what}: it was given up on request`);
}

/** A connect that nobody answered. */
export function timeoutError(to: SocketAddress, timeoutMs: number): NetError {
  const what = `Cannot connect to ${formatSocketAddress(to)}`;
  return new NetError('NET_TIMED_OUT', `${what}: it did not answer in ${timeoutMs} ms`);
}

function meaning(meanings: Meanings, what: string, cause: unknown): NetError {
  const errno = cause instanceof Error && 'code' in cause ? String(cause.code) : '';
  const [code, reason, remedy] = meanings[errno] ?? ['NET_FAILED', messageOf(cause), undefined];
  return new NetError(code, `${what}: ${reason}`, { cause, remedy });
}

/** A socket that cannot be taken out of this process's hands. */
export function notSuspended(at: SocketAddress): NetError {
  const where = formatSocketAddress(at);
  return new NetError('NET_FAILED', `Cannot suspend the socket at ${where}: it has no descriptor`);
}
