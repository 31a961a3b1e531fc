/** Rules for addresses in fields, in the API server's words. */
import { cidrContains, parseCidr, parseIp, type Cidr, type IpBytes } from '../model/index.ts';

export const notAnAddress = 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)';
export const notARange = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';
export const loopback = 'may not be in the loopback range (127.0.0.0/8, ::1/128)';

interface SpecialRange {
  readonly ranges: readonly Cidr[];
  readonly problem: string;
}

const special: readonly SpecialRange[] = [
  range('may not be unspecified (0.0.0.0 or ::)', '0.0.0.0/32', '::/128'),
  range(loopback, '127.0.0.0/8', '::1/128'),
  range(
    'may not be in the link-local range (169.254.0.0/16, fe80::/10)',
    '169.254.0.0/16',
    'fe80::/10',
  ),
  range(
    'may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)',
    '224.0.0.0/24',
    'ff02::/16',
  ),
];

/** Why traffic may not be sent there; none for an ordinary address and for text that is none. */
export function specialAddressProblems(text: string): readonly string[] {
  const bytes = parseIp(text);
  if (bytes === undefined) return [];
  return special.filter(({ ranges }) => inside(ranges, bytes)).map(({ problem }) => problem);
}

function inside(ranges: readonly Cidr[], bytes: IpBytes): boolean {
  return ranges.some((cidr) => cidrContains(cidr, bytes));
}

function range(problem: string, ...texts: readonly string[]): SpecialRange {
  return { problem, ranges: texts.flatMap((text) => parseCidr(text) ?? []) };
}
