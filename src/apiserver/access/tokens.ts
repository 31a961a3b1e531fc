/**
 * Tokens of service accounts: JSON web tokens, signed with a key that is derived from the instance's own token. They
 * hold until they expire, and no longer than their account.
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';
import { apiNames, isJsonArray, isJsonObject } from '../../kube/index.ts';
import { accountUsername } from './rules.ts';

/** Who the token is for, when it is for this server. */
export const apiAudience = 'https://kubernetes.default.svc.cluster.local';

export interface AccountToken {
  readonly namespace: string;
  readonly name: string;
  /** Of the account: another of its name is another. */
  readonly uid: string;
}

export interface TokenTerms {
  readonly audiences: readonly string[];
  readonly issuedAtMs: number;
  readonly expiresAtMs: number;
}

export interface TokenSigner {
  sign(account: AccountToken, terms: TokenTerms): string;
  /** Undefined for a token that is not ours, not for this server, or too old. */
  read(token: string, nowMs: number): AccountToken | undefined;
}

const head = encode({ alg: 'HS256', typ: 'JWT' });

export function createTokenSigner(secret: string): TokenSigner {
  const key = Buffer.from(hkdfSync('sha256', secret, '', 'switchyard service accounts', 32));
  const signatureOf = (text: string): Buffer => createHmac('sha256', key).update(text).digest();
  return {
    sign: (account, terms) => {
      const text = `${head}.${encode(claimsOf(account, terms))}`;
      return `${text}.${signatureOf(text).toString('base64url')}`;
    },
    read: (token, nowMs) => {
      const [first, claims = '', signature = ''] = token.split('.');
      const given = Buffer.from(signature, 'base64url');
      const wanted = signatureOf(`${head}.${claims}`);
      if (first !== head || given.length !== wanted.length) return undefined;
      return timingSafeEqual(given, wanted) ? accountOf(claims, nowMs) : undefined;
    },
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function claimsOf(
  { namespace, name, uid }: AccountToken,
  { audiences, issuedAtMs, expiresAtMs }: TokenTerms,
): object {
  const issuedAt = Math.floor(issuedAtMs / 1_000);
  return {
    aud: audiences,
    exp: Math.floor(expiresAtMs / 1_000),
    iat: issuedAt,
    nbf: issuedAt,
    iss: apiAudience,
    [apiNames.tokenClaim]: { namespace, serviceaccount: { name, uid } },
    sub: accountUsername(namespace, name),
  };
}

/** Of claims whose signature is right. */
function accountOf(claims: string, nowMs: number): AccountToken | undefined {
  const value: unknown = JSON.parse(Buffer.from(claims, 'base64url').toString('utf8'));
  if (!isJsonObject(value)) return undefined;
  const { aud, exp, [apiNames.tokenClaim]: own } = value;
  if (!isJsonArray(aud) || !aud.includes(apiAudience)) return undefined;
  if (typeof exp !== 'number' || exp * 1_000 <= nowMs || !isJsonObject(own)) return undefined;
  const { namespace, serviceaccount } = own;
  if (typeof namespace !== 'string' || !isJsonObject(serviceaccount)) return undefined;
  const { name, uid } = serviceaccount;
  return typeof name === 'string' && typeof uid === 'string' ? { namespace, name, uid } : undefined;
}
