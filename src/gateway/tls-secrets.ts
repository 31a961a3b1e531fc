/** The certificates that Secrets hold, as they are now: a renewed one serves the next client. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
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
  /**
   * By `namespace/name`; undefined when there is none that can be served. One that is broken by a change leaves the one
   * before it in force: clients are better served by a certificate that was good than by none.
   */
  identity(name: string): TlsIdentity | undefined;
  /** What is wrong with a Secret, after its name: `does not exist`; undefined when it serves. */
  problem(name: string): string | undefined;
}

export function createTlsSecrets({ changed, ...common }: TlsSecretsOptions): TlsSecrets {
  const identities = new Map<string, TlsIdentity>();
  const problems = new Map<string, string>();
  const set = (secret: Secret): void => {
    const key = objectKey(nameOf(secret));
    const read = identityOf(secret);
    if (typeof read === 'string') {
      problems.set(key, read);
      common.log.warn('Cannot serve the certificate of a Secret', { secret: key, problem: read });
      return;
    }
    problems.delete(key);
    const { certificate, key: privateKey } = read;
    const before = identities.get(key);
    // The same object as long as it is the same: whoever made a context of it keeps that.
    if (before?.certificate !== certificate || before.key !== privateKey) identities.set(key, read);
  };
  const drop = (key: string): void => {
    identities.delete(key);
    problems.delete(key);
  };
  const reflector = createReflector<Secret>({
    ...common,
    kind: secretKind,
    options: { fieldSelector: `type=${tlsSecretType}` },
    onReplace: (items) => {
      const there = new Set(items.map((secret) => objectKey(nameOf(secret))));
      for (const key of [...identities.keys(), ...problems.keys()]) if (!there.has(key)) drop(key);
      items.forEach(set);
      changed();
    },
    onEvent: ({ type, object }) => {
      if (type === 'DELETED') drop(objectKey(nameOf(object)));
      else set(object);
      changed();
    },
  });
  return {
    ...reflector,
    identity: (name) => identities.get(name),
    problem: (name) =>
      problems.get(name) ??
      (identities.has(name) ? undefined : `does not exist, or is not of type ${tlsSecretType}`),
  };
}

/** Or what is wrong with it. */
function identityOf({ data }: Secret): TlsIdentity | string {
  const [certificate = '', key = ''] = ['tls.crt', 'tls.key'].map((name) =>
    Buffer.from(data?.[name] ?? '', 'base64').toString('latin1'),
  );
  if (certificate === '' || key === '') return 'lacks tls.crt or tls.key';
  try {
    const leaf = new X509Certificate(certificate);
    if (!leaf.checkPrivateKey(createPrivateKey(key))) {
      return 'holds a key that does not belong to its certificate';
    }
    return { names: namesOf(leaf), certificate, key };
  } catch {
    return 'holds a certificate or a key that cannot be read';
  }
}

function namesOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName
    .split(', ')
    .flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length).toLowerCase()] : []));
}
