/** Acting as somebody else: who the headers of a request name, and what it takes to be them (Kubernetes 1.36). */
import { ApiError, apiNames } from '../../kube/index.ts';
import { accountUsername, type Attributes, type User } from './rules.ts';

export interface Impersonation {
  readonly user: User;
  /** `impersonate` on each of these must be allowed. */
  readonly needs: readonly Attributes[];
}

/** Undefined when the request speaks for itself. Throws BadRequest for a group or uid of nobody. */
export function impersonationOf(
  header: (name: string) => string | undefined,
): Impersonation | undefined {
  const username = header('impersonate-user') ?? '';
  const uid = header('impersonate-uid') ?? '';
  // Several headers of a name come as one, with commas between them.
  const given = (header('impersonate-group') ?? '').split(',').map((group) => group.trim());
  const asked = given.filter((group) => group !== '');
  if (username === '') {
    if (uid === '' && asked.length === 0) return undefined;
    throw new ApiError('BadRequest', 'requested a group or uid without impersonating a user');
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username);
  const [, namespace = '', name = ''] = account ?? [];
  const needs = [
    account === null
      ? needed({ resource: 'users', name: username })
      : needed({ resource: 'serviceaccounts', namespace, name }),
    ...asked.map((group) => needed({ resource: 'groups', name: group })),
    ...(uid === ''
      ? []
      : [needed({ resource: 'uids', name: uid, group: apiNames.authentication })]),
  ];
  const own =
    account !== null && username === accountUsername(namespace, name) && asked.length === 0
      ? ['system:serviceaccounts', `system:serviceaccounts:${namespace}`]
      : asked;
  const everybody =
    username === 'system:anonymous' ? 'system:unauthenticated' : 'system:authenticated';
  const groups = own.includes(everybody) ? own : [...own, everybody];
  return { user: { username, groups, ...(uid === '' ? {} : { uid }) }, needs };
}

interface Needed {
  readonly resource: string;
  readonly name: string;
  readonly namespace?: string;
  readonly group?: string;
}

function needed({ resource, name, namespace = '', group = '' }: Needed): Attributes {
  return { kind: 'resource', verb: 'impersonate', group, resource, namespace, name };
}
