/** Who asks, and whether they may: the token of the instance, tokens of service accounts, and roles when they count. */
import { createHash, timingSafeEqual } from 'node:crypto';
import {
  ApiError,
  apiNames,
  isNotFound,
  serviceAccountKind,
  type Kind,
  type ObjectClient,
  type PolicyRule,
} from '../../kube/index.ts';
import type { Clock } from '../../model/index.ts';
import type { HttpRequest } from '../../sys/http/index.ts';
import type { RequestTarget } from '../request-info.ts';
import { attributesOf } from './attributes.ts';
import { grantCheck, type GrantCheck } from './escalation.ts';
import { impersonationOf } from './impersonation.ts';
import { decideByRoles, rulesFor, type Verdict } from './role-access.ts';
import { accountUsername, formatRefusal, type Attributes, type User } from './rules.ts';
import { createTokenSigner, type TokenSigner } from './tokens.ts';

/** `always-allow`: whoever has a token may do everything. */
export type Authorization = 'always-allow' | 'rbac';

export interface AccessOptions {
  readonly client: ObjectClient;
  readonly clock: Clock;
  /** The instance's own: whoever has it may do everything, also by roles. */
  readonly token: string;
  readonly authorization: Authorization;
}

const admin: User = {
  username: 'switchyard:admin',
  groups: ['system:masters', 'system:authenticated'],
};

/** Whether the server lives is told to anyone who can connect. */
const open = /^\/(?:healthz|livez|readyz|version)(?:[/?]|$)/;

export class Access {
  readonly tokens: TokenSigner;
  private readonly options: AccessOptions;
  private readonly wanted: Buffer;

  constructor(options: AccessOptions) {
    this.options = options;
    this.wanted = digest(options.token);
    this.tokens = createTokenSigner(options.token);
  }

  /** Resolves when the request may be answered. Rejects with Unauthorized, Forbidden. */
  async check(request: HttpRequest, target: RequestTarget): Promise<void> {
    if (open.test(request.target)) return;
    const user = await this.userOf(request);
    if (this.options.authorization === 'always-allow' || user === admin) return;
    await this.demand(user, attributesOf(request.method, target));
  }

  /** An apply that makes an object is a create as well. Rejects with Unauthorized, Forbidden. */
  async checkCreate(request: HttpRequest, target: RequestTarget): Promise<void> {
    const user = await this.userOf(request);
    if (this.options.authorization === 'always-allow' || user === admin) return;
    const asked = attributesOf(request.method, target);
    await this.demand(user, { ...asked, verb: 'create' });
  }

  /** Whom the request is answered as: who asks, or whom he acts as. Rejects with Unauthorized, Forbidden. */
  async userOf(request: HttpRequest): Promise<User> {
    const user = await this.askerOf(request);
    const impersonation = impersonationOf((name) => request.header(name));
    if (impersonation === undefined) return user;
    for (const needed of impersonation.needs) await this.demand(user, needed);
    return impersonation.user;
  }

  /** What a write to this kind is to be held against; undefined when it gives nobody anything. */
  async grantCheck(
    request: HttpRequest,
    { kind, namespace }: { readonly kind: Kind; readonly namespace: string | undefined },
  ): Promise<GrantCheck | undefined> {
    const { authorization, client } = this.options;
    if (authorization !== 'rbac' || kind.group !== apiNames.rbac) return undefined;
    const user = await this.userOf(request);
    return await grantCheck(kind, { client, user, namespace: namespace ?? '' });
  }

  private async askerOf(request: HttpRequest): Promise<User> {
    const [, given = ''] = /^Bearer +(\S+)$/i.exec(request.header('authorization') ?? '') ?? [];
    // Digests have one length, so that the comparison tells nothing of the token's.
    if (timingSafeEqual(digest(given), this.wanted)) return admin;
    const user = given.includes('.') ? await this.accountOf(given) : undefined;
    if (user === undefined) throw new ApiError('Unauthorized', 'Unauthorized');
    return user;
  }

  async decide(user: User, asked: Attributes): Promise<Verdict> {
    const { authorization, client } = this.options;
    if (authorization === 'rbac') return await decideByRoles(client, user, asked);
    return { isAllowed: true, reason: 'whoever has a token may do everything here' };
  }

  private async demand(user: User, asked: Attributes): Promise<void> {
    const { isAllowed, reason } = await this.decide(user, asked);
    if (!isAllowed) throw refusal(user, asked, reason);
  }

  async rulesFor(user: User, namespace: string): Promise<readonly PolicyRule[]> {
    const { authorization, client } = this.options;
    return await rulesFor(client, authorization === 'rbac' ? user : admin, namespace);
  }

  /** Undefined when the token is none of ours, or its account is gone. */
  private async accountOf(token: string): Promise<User | undefined> {
    const { client, clock } = this.options;
    const found = this.tokens.read(token, clock.now());
    if (found === undefined) return undefined;
    const { namespace, name, uid } = found;
    try {
      const account = await client.get(serviceAccountKind, { namespace, name });
      if (account.metadata.uid !== uid) return undefined;
    } catch (thrown) {
      if (isNotFound(thrown)) return undefined;
      throw thrown;
    }
    const groups = ['system:serviceaccounts', `system:serviceaccounts:${namespace}`];
    const username = accountUsername(namespace, name);
    return { username, uid, groups: [...groups, 'system:authenticated'] };
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

// oxlint-disable-next-line eslint/max-params -- who, what and why make one sentence.
function refusal(user: User, asked: Attributes, reason: string): ApiError {
  const why = [formatRefusal(user, asked), ...(reason === '' ? [] : [reason])].join(': ');
  if (asked.kind === 'path') return new ApiError('Forbidden', `forbidden: ${why}`);
  const { group, name } = asked;
  const [plural = ''] = asked.resource.split('/');
  const what = group === '' ? plural : `${plural}.${group}`;
  const which = name === '' ? what : `${what} ${JSON.stringify(name)}`;
  return new ApiError('Forbidden', `${which} is forbidden: ${why}`, {
    subject: { name, group, kind: plural },
  });
}
