/**
 * How each kind of resolver is pointed at our name server, for the names of the zone and no others: lines to be
 * copied, and how to take them back. Nothing is changed here.
 */
import { familyOf, type SocketAddress } from '../model/index.ts';

export interface ResolverAdvice {
  readonly resolver: string;

  /** For a shell. */
  readonly apply: readonly string[];
  readonly undo: readonly string[];
}

export interface AdviceOptions {
  readonly zone: string;
  /** Where names are answered. */
  readonly dns: SocketAddress;
}

interface Recipe {
  readonly resolver: string;
  readonly platforms: readonly string[];
  readonly apply: (options: AdviceOptions) => readonly string[];
  readonly undo: (options: AdviceOptions) => readonly string[];
}

const at = ({ address, port }: SocketAddress, separator: string): string =>
  familyOf(address) === 'IPv6' && separator === ':'
    ? `[${address}]${separator}${port}`
    : `${address}${separator}${port}`;

const write = (path: string, lines: readonly string[]): string =>
  `printf '${lines.map((line) => `${line}\\n`).join('')}' | sudo tee ${path}`;

const recipes: readonly Recipe[] = [
  {
    resolver: 'systemd-resolved',
    platforms: ['linux'],
    apply: ({ zone, dns }) => [
      'sudo mkdir -p /etc/systemd/resolved.conf.d',
      write('/etc/systemd/resolved.conf.d/switchyard.conf', [
        '[Resolve]',
        `DNS=${at(dns, ':')}`,
        `Domains=~${zone}`,
      ]),
      'sudo systemctl restart systemd-resolved',
    ],
    undo: () => [
      'sudo rm /etc/systemd/resolved.conf.d/switchyard.conf',
      'sudo systemctl restart systemd-resolved',
    ],
  },
  {
    resolver: 'dnsmasq',
    platforms: ['linux', 'darwin'],
    apply: ({ zone, dns }) => [
      write('/etc/dnsmasq.d/switchyard.conf', [`server=/${zone}/${at(dns, '#')}`]),
      'sudo systemctl restart dnsmasq',
    ],
    undo: () => ['sudo rm /etc/dnsmasq.d/switchyard.conf', 'sudo systemctl restart dnsmasq'],
  },
  {
    resolver: 'NetworkManager with dns=dnsmasq',
    platforms: ['linux'],
    apply: ({ zone, dns }) => [
      write('/etc/NetworkManager/dnsmasq.d/switchyard.conf', [`server=/${zone}/${at(dns, '#')}`]),
      'sudo nmcli general reload dns-full',
    ],
    undo: () => [
      'sudo rm /etc/NetworkManager/dnsmasq.d/switchyard.conf',
      'sudo nmcli general reload dns-full',
    ],
  },
  {
    resolver: 'macOS',
    platforms: ['darwin'],
    apply: ({ zone, dns }) => [
      'sudo mkdir -p /etc/resolver',
      write(`/etc/resolver/${zone}`, [`nameserver ${dns.address}`, `port ${dns.port}`]),
    ],
    undo: ({ zone }) => [`sudo rm /etc/resolver/${zone}`],
  },
];

/** For every resolver of the platform, in the order they are likely. */
export function adviseResolvers(
  options: AdviceOptions,
  platform: string,
): readonly ResolverAdvice[] {
  return recipes
    .filter(({ platforms }) => platforms.includes(platform))
    .map(({ resolver, apply, undo }) => ({
      resolver,
      apply: apply(options),
      undo: undo(options),
    }));
}
