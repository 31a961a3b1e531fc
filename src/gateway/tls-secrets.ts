/** The certificates that Secrets hold, as they are now: a renewed one serves the next client. */
import { X509Certificate } from 'node:crypto';
import {
  createReflector,
  nameOf,
  objectKey,
  secretKind,
  tlsSecretType,
  type ObjectClient,
  type Reflector,
  type Secret,
} from '../kube/index.ts';
import type { Clock, Random } from '../model/index.ts';
import type { Logger } from '../obs/index.ts';
import type { TlsIdentity } from './router.ts';

export interface TlsSecretsOptions {
  readonly client: ObjectClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Logger;
  /** Called when a certificate came, went or was renewed. */
  readonly changed: () => void;
}

export interface TlsSecrets extends Reflector {
  /** By `namespace/name`; undefined when there is none, or it cannot be read. */
  identity(name: string): TlsIdentity | undefined;
}

export function createTlsSecrets({ changed, ...common }: TlsSecretsOptions): TlsSecrets {
  const identities = new Map<string, TlsIdentity>();
  const set = (secret: Secret): void => {
    const key = objectKey(nameOf(secret));
    const identity = identityOf(secret);
    if (identity === undefined) {
      identities.delete(key);
      common.log.warn('Cannot read the certificate of a Secret', { secret: key });
    } else identities.set(key, identity);
  };
  const reflector = createReflector<Secret>({
    ...common,
    kind: secretKind,
    options: { fieldSelector: `type=${tlsSecretType}` },
    onReplace: (items) => {
      identities.clear();
      items.forEach(set);
      changed();
    },
    onEvent: ({ type, object }) => {
      if (type === 'DELETED') identities.delete(objectKey(nameOf(object)));
      else set(object);
      changed();
    },
  });
  return { ...reflector, identity: (name) => identities.get(name) };
}

function identityOf({ data }: Secret): TlsIdentity | undefined {
  const [certificate, key] = ['tls.crt', 'tls.key'].map((name) =>
    Buffer.from(data?.[name] ?? '', 'base64').toString('latin1'),
  );
  if (certificate === undefined || key === undefined || key === '') return undefined;
  try {
    const { subjectAltName = '' } = new X509Certificate(certificate);
    const names = subjectAltName
      .split(', ')
      .flatMap((name) =>
        name.startsWith('DNS:') ? [name.slice('DNS:'.length).toLowerCase()] : [],
      );
    return { names, certificate, key };
  } catch {
    return undefined;
  }
}
