/** Certificates and keys of a kubeconfig are looked at before TLS does: it says only that something is wrong. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { messageOf } from '../model/index.ts';
import type { ClientTls } from '../sys/http/index.ts';
import { ClusterError } from './errors.ts';

/** Throws CREDENTIALS_FAILED, and says which of them; dates are the server's to judge. */
export function checkPair({ ca, cert, key }: Pick<ClientTls, 'ca' | 'cert' | 'key'>): void {
  if (ca !== undefined) read('certificate-authority', () => new X509Certificate(ca));
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined) {
    throw failed(`there is a ${cert === undefined ? 'key' : 'certificate'} and nothing with it`);
  }
  const certificate = read('client-certificate', () => new X509Certificate(cert));
  const privateKey = read('client-key', () => createPrivateKey(key));
  if (!certificate.checkPrivateKey(privateKey)) {
    throw failed('client-key is not the key of client-certificate');
  }
}

function read<T>(name: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw failed(`${name} is not PEM of its kind: ${messageOf(cause)}`, cause);
  }
}

function failed(why: string, cause?: unknown): ClusterError {
  return new ClusterError('CREDENTIALS_FAILED', `Cannot prove who asks: ${why}`, {
    cause,
    remedy:
      'Give the kubeconfig a certificate and its key, each in PEM (in base64 where it is -data)',
  });
}
