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
import type { Clock, Random, SecretProblem } from '../model/index.ts';
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
  /** What is wrong with a Secret now; undefined when all is well with it. */
  problem(name: string): SecretProblem | undefined;
}

/** What is wrong, after the name of the Secret. */
export const secretProblems: Readonly<Record<SecretProblem, string>> = {
  missing: `does not exist, or is not of type ${tlsSecretType}`,
  incomplete: 'lacks tls.crt or tls.key',
  unreadable: 'holds a certificate or a key that cannot be read',
  'key-mismatch': 'holds a key that does not belong to its certificate',
  expired: 'holds a certificate that has expired',
};

interface Read {
  readonly identity: TlsIdentity;
  readonly expiresMs: number;
}

export function createTlsSecrets({ changed, ...common }: TlsSecretsOptions): TlsSecrets {
  const good = new Map<string, Read>();
  const problems = new Map<string, SecretProblem>();
  const set = (secret: Secret): void => {
    const key = objectKey(nameOf(secret));
    const read = identityOf(secret);
    if (typeof read === 'string') {
      problems.set(key, read);
      const problem = secretProblems[read];
      common.log.warn('Cannot serve the certificate of a Secret', { secret: key, problem });
      return;
    }
    problems.delete(key);
    const { certificate, key: privateKey } = read.identity;
    const before = good.get(key)?.identity;
    // The same object as long as it is the same: whoever made a context of it keeps that.
    if (before?.certificate !== certificate || before.key !== privateKey) good.set(key, read);
  };
  const drop = (key: string): void => {
    good.delete(key);
    problems.delete(key);
  };
  const reflector = createReflector<Secret>({
    ...common,
    kind: secretKind,
    options: { fieldSelector: `type=${tlsSecretType}` },
    onReplace: (items) => {
      const there = new Set(items.map((secret) => objectKey(nameOf(secret))));
      for (const key of [...good.keys(), ...problems.keys()]) if (!there.has(key)) drop(key);
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
    identity: (name) => good.get(name)?.identity,
    problem: (name) => {
      const known = problems.get(name);
      if (known !== undefined) return known;
      const read = good.get(name);
      if (read === undefined) return 'missing';
      // Nothing tells of the moment: whoever asks is answered by the clock.
      return read.expiresMs <= common.clock.now() ? 'expired' : undefined;
    },
  };
}

/** Or what is wrong with it. */
function identityOf({ data }: Secret): Read | SecretProblem {
  const [certificate = '', key = ''] = ['tls.crt', 'tls.key'].map((name) =>
    Buffer.from(data?.[name] ?? '', 'base64').toString('latin1'),
  );
  if (certificate === '' || key === '') return 'incomplete';
  try {
    const leaf = new X509Certificate(certificate);
    if (!leaf.checkPrivateKey(createPrivateKey(key))) return 'key-mismatch';
    const identity = { names: namesOf(leaf), certificate, key };
    return { identity, expiresMs: Date.parse(leaf.validTo) };
  } catch {
    return 'unreadable';
  }
}

function namesOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName
    .split(', ')
    .flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length).toLowerCase()] : []));
}
