/** The servers a host asks by itself: resolv.conf, as resolv.conf(5) reads it. */
import { canonicalIp, type SocketAddress } from '../../model/index.ts';

/** As glibc: whoever stands behind these is never asked. CoreDNS takes 15. */
const maxServers = 15;
const dnsPort = 53;

/** Servers with a scope (`fe80::1%eth0`) are left out. */
export function parseResolvConf(text: string): readonly SocketAddress[] {
  const servers = text.split('\n').flatMap((line) => {
    const [word, value] = line.trim().split(/\s+/);
    const address = word === 'nameserver' ? canonicalIp(value ?? '') : undefined;
    return address === undefined ? [] : [{ address, port: dnsPort }];
  });
  return servers.slice(0, maxServers);
}
