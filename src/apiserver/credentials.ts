/**
 * Who the server is and who may ask it: certificates and a token, made once for an instance and kept in its folder
 * for this user alone, so that a kubeconfig goes on working when the instance is started again.
 */
import { randomBytes, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { parseIp } from '../model/index.ts';
import { makePrivateFolder, readText, SysError, writeTextAtomically } from '../sys/index.ts';
import { createCertificates, type CertificatePair } from './certificate.ts';

export interface Credentials {
  readonly caCert: string;
  readonly key: string;
  readonly cert: string;
  readonly token: string;
}

export interface CredentialOptions {
  readonly folder: string;
  /** Names and addresses that clients may reach the server by. */
  readonly hosts: readonly string[];
  readonly nowMs: number;
}

const privateMode = 0o600;
const files = { caCert: 'ca.crt', key: 'server.key', cert: 'server.crt', token: 'token' } as const;

/** Rejects with the SysError of a folder that cannot be written. */
export async function loadCredentials(options: CredentialOptions): Promise<Credentials> {
  const folder = join(options.folder, 'api');
  await makePrivateFolder(folder);
  const kept = await readKept(folder);
  if (kept !== undefined && isUsable(kept, options)) return kept;
  const pair: CertificatePair = createCertificates(options);
  const made: Credentials = {
    caCert: pair.ca.cert,
    key: pair.leaf.key,
    cert: pair.leaf.cert,
    token: kept?.token ?? randomBytes(32).toString('base64url'),
  };
  for (const [name, file] of Object.entries(files)) {
    const text = made[name === 'caCert' || name === 'key' || name === 'cert' ? name : 'token'];
    await writeTextAtomically(join(folder, file), text, privateMode);
  }
  return made;
}

async function readKept(folder: string): Promise<Credentials | undefined> {
  try {
    return {
      caCert: await readText(join(folder, files.caCert)),
      key: await readText(join(folder, files.key)),
      cert: await readText(join(folder, files.cert)),
      token: (await readText(join(folder, files.token))).trim(),
    };
  } catch (thrown) {
    if (thrown instanceof SysError && thrown.code === 'FILE_NOT_FOUND') return undefined;
    throw thrown;
  }
}

const minTokenLength = 32;
const renewMs = 30 * 86_400_000;

/** Whole, of these hosts, and good for a month more. */
function isUsable(kept: Credentials, { hosts, nowMs }: CredentialOptions): boolean {
  try {
    const leaf = new X509Certificate(kept.cert);
    const ca = new X509Certificate(kept.caCert);
    const names = hosts.every(
      (host) => (parseIp(host) ? leaf.checkIP(host) : leaf.checkHost(host)) !== undefined,
    );
    const inTime = Date.parse(leaf.validTo) - nowMs > renewMs;
    return names && inTime && leaf.verify(ca.publicKey) && kept.token.length >= minTokenLength;
  } catch {
    // What is damaged is made anew.
    return false;
  }
}
