/** Addresses as names: the reverse zones (RFC 1035 3.5, RFC 3596 2.5) and the dashed forms of Kubernetes. */
import { canonicalIp, formatIp, parseIp } from '../model/index.ts';

/** `10.0.0.1` for `1.0.0.10.in-addr.arpa`; undefined when the name is of no whole address. Lower case in. */
export function addressOfReverseName(name: string): string | undefined {
  const labels = name.split('.');
  if (name.endsWith('.in-addr.arpa') && labels.length === 6) {
    return canonicalIp(labels.slice(0, 4).toReversed().join('.'));
  }
  if (!name.endsWith('.ip6.arpa') || labels.length !== 34) return undefined;
  const nibbles = labels.slice(0, 32).toReversed();
  if (!nibbles.every((nibble) => /^[0-9a-f]$/.test(nibble))) return undefined;
  return canonicalIp(
    nibbles
      .join('')
      .replaceAll(/(.{4})(?=.)/g, '$1:')
      .toLowerCase(),
  );
}

/** The reverse name of an address; undefined when the text is none. */
export function reverseNameOf(address: string): string | undefined {
  const bytes = parseIp(address);
  if (bytes === undefined) return undefined;
  if (bytes.length === 4) return `${bytes.toReversed().join('.')}.in-addr.arpa`;
  const nibbles = [...bytes].flatMap((byte) => [byte >> 4, byte & 15]);
  return `${nibbles
    .toReversed()
    .map((nibble) => nibble.toString(16))
    .join('.')}.ip6.arpa`;
}

/** The address a Pod's dashed name stands for: three single dashes are IPv4, everything else is IPv6. */
export function addressOfDashedName(label: string): string | undefined {
  const isIpv4 = label.split('-').length === 4 && !label.includes('--');
  return canonicalIp(label.replaceAll('-', isIpv4 ? '.' : ':'));
}

/** The name of an endpoint without a hostname; a final dash, which no label may have, gets a `0`. */
export function dashedNameOf(address: string): string {
  const bytes = parseIp(address);
  const text = (bytes === undefined ? address : formatIp(bytes)).replaceAll(/[.:]/g, '-');
  return text.endsWith('-') ? `${text}0` : text;
}
