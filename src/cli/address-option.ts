/** Options that are addresses, each complained of in the same words. */
import { InvalidArgumentError } from 'commander';
import { canonicalIp, parseSocketAddress, type SocketAddress } from '../model/index.ts';

/** `127.0.0.1:9100`, `[::1]:9100`; port 0 is a free one. */
export function parseListen(text: string): SocketAddress {
  const parsed = listenIn(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError('It must be ADDRESS:PORT, such as 127.0.0.1:9100.');
}

export function parseListenOrNone(text: string): SocketAddress | 'none' {
  const parsed = text === 'none' ? text : listenIn(text);
  if (parsed !== undefined) return parsed;
  throw new InvalidArgumentError('It must be ADDRESS:PORT, such as 127.0.0.1:9100, or none.');
}

function listenIn(text: string): SocketAddress | undefined {
  const [, host = '', digits = ''] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  const address = canonicalIp(host.replace(/^\[(.*)\]$/, '$1'));
  const port = Number(digits);
  return address !== undefined && port <= 65_535 ? { address, port } : undefined;
}

const dnsPort = 53;

/** One more name server; the port is 53 where none is given. */
export function addUpstream(
  text: string,
  before: readonly SocketAddress[],
): readonly SocketAddress[] {
  const address = canonicalIp(text);
  const parsed = address === undefined ? parseSocketAddress(text) : { address, port: dnsPort };
  if (parsed !== undefined) return [...before, parsed];
  throw new InvalidArgumentError('It must be ADDRESS or ADDRESS:PORT.');
}
