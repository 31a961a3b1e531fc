/**
 * A certificate authority of our own and a certificate for loopback signed by it: X.509 (RFC 5280) with P-256 keys,
 * as little of it as TLS asks for. See docs/decisions/0012 for why this is no package.
 */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { parseIp } from '../model/index.ts';

/** PEM. */
export interface KeyAndCertificate {
  readonly key: string;
  readonly cert: string;
}

export interface CertificatePair {
  readonly ca: KeyAndCertificate;
  readonly leaf: KeyAndCertificate;
}

export interface CertificateOptions {
  /** Names and addresses the leaf stands for. */
  readonly hosts: readonly string[];
  readonly nowMs: number;
}

const dayMs = 86_400_000;
const lifeDays = 3_650;

export function createCertificates({ hosts, nowMs }: CertificateOptions): CertificatePair {
  // A day early, for clocks that differ.
  const validity = { from: nowMs - dayMs, to: nowMs + lifeDays * dayMs };
  const caKeys = newKeys();
  const leafKeys = newKeys();
  const issuer = 'switchyard-ca';
  const common = { issuer, issuerKeys: caKeys, validity };
  const caExtensions = [
    extension(oids.basicConstraints, sequence(boolean(true)), true),
    // keyCertSign, cRLSign, digitalSignature.
    extension(oids.keyUsage, tlv(tags.bitString, Buffer.from([1, 0b1000_0110])), true),
    extension(oids.subjectKeyId, octets(keyId(caKeys.publicKey))),
  ];
  const leafExtensions = [
    extension(oids.keyUsage, tlv(tags.bitString, Buffer.from([7, 0b1000_0000])), true),
    extension(oids.extendedKeyUsage, sequence(oid(oids.serverAuth))),
    extension(oids.authorityKeyId, sequence(tlv(0x80, keyId(caKeys.publicKey)))),
    extension(oids.subjectAltName, sequence(...hosts.map(alternativeName))),
  ];
  return {
    ca: issue({ ...common, subject: issuer, keys: caKeys, extensions: caExtensions }),
    leaf: issue({
      ...common,
      subject: 'switchyard-apiserver',
      keys: leafKeys,
      extensions: leafExtensions,
    }),
  };
}

interface Keys {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

function newKeys(): Keys {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' });
}

interface Issue {
  readonly subject: string;
  readonly keys: Keys;
  readonly issuer: string;
  readonly issuerKeys: Keys;
  readonly validity: { readonly from: number; readonly to: number };
  readonly extensions: readonly Buffer[];
}

function issue({
  subject,
  keys,
  issuer,
  issuerKeys,
  validity,
  extensions,
}: Issue): KeyAndCertificate {
  const algorithm = sequence(oid(oids.ecdsaWithSha256));
  // Positive, and never the same for two certificates of one issuer.
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  const body = sequence(
    tlv(0xa0, tlv(tags.integer, Buffer.from([2]))),
    tlv(tags.integer, serial),
    algorithm,
    commonName(issuer),
    sequence(time(validity.from), time(validity.to)),
    commonName(subject),
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, issuerKeys.privateKey);
  const der = sequence(body, algorithm, tlv(tags.bitString, Buffer.concat([zero, signature])));
  return {
    key: String(keys.privateKey.export({ type: 'pkcs8', format: 'pem' })),
    cert: `-----BEGIN CERTIFICATE-----\n${wrapped(der)}\n-----END CERTIFICATE-----\n`,
  };
}

const tags = { boolean: 1, integer: 2, bitString: 3, octetString: 4, oid: 6, utf8: 12 } as const;
const sequenceTag = 0x30;
const setTag = 0x31;
const generalizedTime = 0x18;
const zero = Buffer.from([0]);

const oids = {
  ecdsaWithSha256: [1, 2, 840, 10_045, 4, 3, 2],
  commonName: [2, 5, 4, 3],
  subjectKeyId: [2, 5, 29, 14],
  keyUsage: [2, 5, 29, 15],
  subjectAltName: [2, 5, 29, 17],
  basicConstraints: [2, 5, 29, 19],
  authorityKeyId: [2, 5, 29, 35],
  extendedKeyUsage: [2, 5, 29, 37],
  serverAuth: [1, 3, 6, 1, 5, 5, 7, 3, 1],
} as const;

function tlv(tag: number, content: Uint8Array): Buffer {
  const { length } = content;
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content]);
  const size = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Uint8Array[]): Buffer {
  return tlv(sequenceTag, Buffer.concat(parts));
}

function boolean(value: boolean): Buffer {
  return tlv(tags.boolean, Buffer.from([value ? 0xff : 0]));
}

function octets(content: Uint8Array): Buffer {
  return tlv(tags.octetString, content);
}

function oid([first = 0, second = 0, ...rest]: readonly number[]): Buffer {
  const bytes = [first * 40 + second];
  for (const arc of rest) {
    const groups = [arc & 0x7f];
    for (let left = arc >> 7; left > 0; left >>= 7) groups.unshift((left & 0x7f) | 0x80);
    bytes.push(...groups);
  }
  return tlv(tags.oid, Buffer.from(bytes));
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]/g, '').slice(0, 14);
  return tlv(generalizedTime, Buffer.from(`${digits}Z`));
}

function commonName(name: string): Buffer {
  const value = tlv(tags.utf8, Buffer.from(name));
  return sequence(tlv(setTag, sequence(oid(oids.commonName), value)));
}

function extension(id: readonly number[], value: Uint8Array, critical = false): Buffer {
  return sequence(oid(id), ...(critical ? [boolean(true)] : []), octets(value));
}

function keyId(key: KeyObject): Buffer {
  const spki = key.export({ type: 'spki', format: 'der' });
  return createHash('sha1').update(spki).digest();
}

/** A DNS name, or an IP address as its bytes. */
function alternativeName(host: string): Buffer {
  const address = parseIp(host);
  return address === undefined ? tlv(0x82, Buffer.from(host)) : tlv(0x87, address);
}

function wrapped(der: Buffer): string {
  return (der.toString('base64').match(/.{1,64}/g) ?? []).join('\n');
}
